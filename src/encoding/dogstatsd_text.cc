// SPDX-License-Identifier: Apache-2.0
#include "dogstatsd_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "core/utf8.h"
#include "text_number.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_word(char c) noexcept { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; }
constexpr bool is_of_name(char c) noexcept { return is_word(c) || c == '.' || c == '-'; }
constexpr bool is_of_tag(char c) noexcept { return is_of_name(c) || c == ':' || c == '/'; }
constexpr bool is_ascii(char c) noexcept { return static_cast<unsigned char>(c) < 0x80; }

}  // namespace

void append_dogstatsd_name(ByteBuffer& out, std::string_view scope, std::string_view name) {
  const std::size_t begin = out.size();
  const std::string_view first = scope.empty() ? name : scope;
  if (first.empty() || !is_letter(first[0])) out.append("x_");
  const auto append = [&out](std::string_view text) {
    for (const char c : text) out.append({is_of_name(c) ? &c : "_", 1});
  };
  append(scope);
  if (!scope.empty()) out.append(".");
  append(name);
  out.truncate(begin + longest_dogstatsd_name);
}

void append_dogstatsd_tag(ByteBuffer& out, std::string_view key, std::string_view value) {
  std::size_t characters = 0;
  const auto append = [&](std::string_view character) {
    if (characters == longest_dogstatsd_tag) return;
    out.append(character);
    ++characters;
  };
  // Agents take a tag of this key for the name of the machine, and tags that begin like the other for their own.
  for (const char c : key) append({is_of_name(c) || c == '/' ? &c : "_", 1});
  if (key == "host" || key.starts_with("dd.internal.")) append("_");
  append(":");
  while (!value.empty()) {
    const Utf8Step step = is_ascii(value[0]) ? Utf8Step{1, is_of_tag(value[0])} : utf8_step(value);
    append(step.well_formed ? value.substr(0, step.length) : "_");
    value.remove_prefix(step.length);
  }
  if (out.view().back() == ':') {
    out.truncate(out.size() - 1);
    out.append("_");
  }
}

void append_dogstatsd_entity(ByteBuffer& out, std::string_view id) {
  constexpr std::string_view key = "dd.internal.entity_id:";
  out.append(key);
  for (const char c : id.substr(0, longest_dogstatsd_tag - key.size())) out.append({is_of_tag(c) ? &c : "_", 1});
}

void append_dogstatsd_field(ByteBuffer& out, std::string_view name, std::string_view content) {
  if (content.empty()) return;
  out.append(name);
  for (const char c : content) {
    if (c > ' ' && c < '\x7f' && c != '|') out.append({&c, 1});
  }
}

char* write_plain(char* out, double value) noexcept {
  // Below 2^53 every whole double is that integer, and is written much faster as such.
  constexpr double all_whole_doubles_exact = 9007199254740992.0;
  if (std::fabs(value) < all_whole_doubles_exact) {
    const auto whole = static_cast<std::int64_t>(value);
    if (static_cast<double>(whole) == value) return write_number(out, whole);
  }
  return std::to_chars(out, out + longest_plain_number, value, std::chars_format::fixed).ptr;
}

char* write_plain_short(char* out, double value) noexcept {
  const double magnitude = std::fabs(value);
  constexpr double least = std::numeric_limits<float>::min();
  constexpr double greatest = std::numeric_limits<float>::max();
  if (!(magnitude >= least && magnitude <= greatest)) return write_plain(out, value);
  return std::to_chars(out, out + longest_plain_number, static_cast<float>(value), std::chars_format::fixed).ptr;
}

double sample_rate(std::uint64_t count) noexcept {
  double rate = 1.0 / static_cast<double>(count);
  constexpr std::uint64_t told_apart = std::uint64_t{1} << 50U;  // with some bits to spare for the inverse
  if (count > told_apart) return rate;
  // 1/49 is a double whose inverse lies below 49.
  while (static_cast<std::uint64_t>(1.0 / rate) < count) rate = std::nextafter(rate, 0.0);
  return rate;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
