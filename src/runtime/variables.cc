// SPDX-License-Identifier: Apache-2.0
#include "variables.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/diagnose.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::uint64_t largest = std::numeric_limits<std::int32_t>::max();

}  // namespace

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool is_same_word(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view part = trimmed(text.substr(0, end));
    if (!part.empty()) parts.push_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::optional<std::uint64_t> parse_whole(std::string_view text, std::uint64_t most) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return {};
  return value;
}

std::string_view Variables::get(std::string_view name) const noexcept {
  for (const char* const* variable = variables_; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text{*variable};
    if (text.size() > name.size() && text[name.size()] == '=' && text.starts_with(name)) {
      return trimmed(text.substr(name.size() + 1));
    }
  }
  return {};
}

bool Variables::is_true(std::string_view name) {
  const std::string_view value = get(name);
  if (is_same_word(value, "true")) return true;
  if (!value.empty() && !is_same_word(value, "false")) warn(name, "neither 'true' nor 'false', and taken for 'false'");
  return false;
}

std::optional<std::uint32_t> Variables::number(std::string_view name) {
  const std::string_view value = get(name);
  if (value.empty()) return {};
  const auto number = parse_whole(value, largest);
  if (number) return static_cast<std::uint32_t>(*number);
  warn(name, "no whole number from 0 to 2147483647, and ignored");
  return {};
}

std::optional<std::chrono::milliseconds> Variables::interval(std::string_view name) {
  const auto ms = number(name);
  if (ms == 0U) {
    warn(name, "would leave no pause, and is ignored");
    return {};
  }
  return ms ? std::optional{std::chrono::milliseconds{*ms}} : std::nullopt;
}

std::optional<std::chrono::milliseconds> Variables::timeout(std::string_view name) {
  const auto ms = number(name);
  if (ms == 0U) return std::chrono::hours{24};
  return ms ? std::optional{std::chrono::milliseconds{*ms}} : std::nullopt;
}

void Variables::warn(std::string_view name, std::string_view rule) { warn(name, get(name), rule); }

void Variables::warn(std::string_view name, std::string_view part, std::string_view rule) {
  // The user, the password and the query of a URL may be what should not be seen.
  if (part.find_first_of("@?#") != std::string_view::npos) return warn_without_value(name, rule);
  warn_without_value(std::string{name} + "='" + printable(part) + "'", rule);
}

void Variables::warn_without_value(std::string_view name, std::string_view rule) {
  std::string warning = std::string{name}.append(": ").append(rule);
  // What two signals read is read twice.
  if (std::find(warnings_.begin(), warnings_.end(), warning) == warnings_.end())
    warnings_.push_back(std::move(warning));
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
