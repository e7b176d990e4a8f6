// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/baggage.h"

#include <algorithm>

#include "core/utf8.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

// W3C Baggage, 3.3.2 (limits): what every implementation must be able to pass on, and all that this one does.
constexpr std::size_t most_members = 64;
constexpr std::size_t most_bytes = 8192;

/// RFC 9110, 5.6.2: token.
bool is_token(std::string_view text) noexcept {
  const auto is_tchar = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_tchar);
}

/// W3C Baggage, 3.3.1: baggage-octet.
bool is_octet(char c) noexcept { return c > 0x20 && c < 0x7F && c != '"' && c != ',' && c != ';' && c != '\\'; }

bool are_properties(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_octet(c) || c == ';' || c == ' ' || c == '\t'; });
}

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// -1: no digit.
int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// A percent sign without two digits after it stays as it is.
std::string decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      result += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      result += text[i];
    }
  }
  return detail::repaired(result);
}

void append_encoded(std::string& out, std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_octet(c) && c != '%') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
}

}  // namespace

void Baggage::add_header(Text value) {
  const std::size_t allowed = most_bytes - std::min(seen_bytes_, most_bytes);
  seen_bytes_ += value.size() + 1;
  std::string_view rest{value.data(), value.size()};
  if (rest.size() > allowed) {
    const std::size_t comma = rest.rfind(',', allowed);
    rest = rest.substr(0, comma == std::string_view::npos ? 0 : comma);
  }
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view member = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));

    const std::size_t semicolon = std::min(member.find(';'), member.size());
    const std::string_view pair = member.substr(0, semicolon);
    const std::string_view properties = trimmed(member.substr(std::min(semicolon + 1, member.size())));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view text = trimmed(pair.substr(equals + 1));
    if (!std::all_of(text.begin(), text.end(), is_octet)) continue;
    static_cast<void>(set(trimmed(pair.substr(0, equals)), decoded(text), properties));
  }
}

bool Baggage::set(std::string_view key, std::string_view value, std::string_view properties) {
  if (!is_token(key) || !are_properties(properties)) return false;
  const auto same = std::find_if(members_.begin(), members_.end(), [&](const Member& m) { return m.key == key; });
  if (same != members_.end()) {
    *same = {std::string{key}, std::string{value}, std::string{properties}};
    return true;
  }
  if (members_.size() == most_members) return false;
  members_.push_back({std::string{key}, std::string{value}, std::string{properties}});
  return true;
}

void Baggage::remove(std::string_view key) {
  std::erase_if(members_, [&](const Member& member) { return member.key == key; });
}

const Baggage::Member* Baggage::find(std::string_view key) const noexcept {
  const auto found = std::find_if(members_.begin(), members_.end(), [&](const Member& m) { return m.key == key; });
  return found != members_.end() ? &*found : nullptr;
}

std::string Baggage::header() const {
  std::string text;
  for (const Member& member : members_) {
    const std::size_t before = text.size();
    if (!text.empty()) text += ',';
    text += member.key;
    text += '=';
    append_encoded(text, member.value);
    if (!member.properties.empty()) text += ';' + member.properties;
    if (text.size() <= most_bytes) continue;
    text.resize(before);
    break;
  }
  return text;
}

FAST_TELEMETRY_END_NAMESPACE
