// SPDX-License-Identifier: Apache-2.0
#include "json_text.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "copy_text.h"
#include "core/utf8.h"
#include "text_number.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr std::size_t longest_escape = 6;  // \u001f

/// A byte of ASCII that stands for itself between quotes.
constexpr bool is_plain(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7F && c != '"' && c != '\\';
}

/// How many bytes at the front are plain, eight at a time while all eight are.
std::size_t plain_prefix(std::string_view text) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101U;
  constexpr std::uint64_t tops = 0x80 * ones;
  const auto has_zero = [](std::uint64_t word) { return (word - ones) & ~word; };
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    // May take a byte after one that is not plain for another such; never misses one.
    const std::uint64_t others =
        word | (word - 0x20 * ones) | (word + ones) | has_zero(word ^ '"' * ones) | has_zero(word ^ '\\' * ones);
    if ((others & tops) != 0) break;
  }
  while (i != text.size() && is_plain(text[i])) ++i;
  return i;
}

char* escape(char* out, char c) noexcept {
  switch (c) {
    case '"': return copy_text(out, "\\\"");
    case '\\': return copy_text(out, "\\\\");
    case '\n': return copy_text(out, "\\n");
    case '\r': return copy_text(out, "\\r");
    case '\t': return copy_text(out, "\\t");
    default: break;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out = copy_text(out, "\\u00");
  *out++ = digits[byte >> 4U];
  *out++ = digits[byte & 15U];
  return out;
}

template <class Number>
void append_number(ByteBuffer& out, Number value) {
  out.commit(write_number(out.prepare(longest_number), value));
}

}  // namespace

void append_json_string(ByteBuffer& out, std::string_view text) {
  char* end = out.prepare(longest_escape * text.size() + 2);
  *end++ = '"';
  while (!text.empty()) {
    const std::size_t plain = plain_prefix(text);
    end = copy_text(end, text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    std::size_t taken = 1;
    if (static_cast<unsigned char>(text.front()) < 0x80) {
      end = escape(end, text.front());
    } else {
      const Utf8Step step = utf8_step(text);
      end = copy_text(end, repaired_front(text, step));
      taken = step.length;
    }
    text.remove_prefix(taken);
  }
  *end++ = '"';
  out.commit(end);
}

void append_json_bytes(ByteBuffer& out, std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0;
  };
  char* end = out.prepare((bytes.size() + 2) / 3 * 4 + 2);
  *end++ = '"';
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const unsigned three = byte(i) << 16U | byte(i + 1) << 8U | byte(i + 2);
    *end++ = digits[three >> 18U];
    *end++ = digits[three >> 12U & 63U];
    *end++ = i + 1 < bytes.size() ? digits[three >> 6U & 63U] : '=';
    *end++ = i + 2 < bytes.size() ? digits[three & 63U] : '=';
  }
  *end++ = '"';
  out.commit(end);
}

void append_json_double(ByteBuffer& out, double value) {
  if (std::isnan(value)) return out.append("\"NaN\"");
  if (std::isinf(value)) return out.append(value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  if (value == 0 && std::signbit(value)) return out.append("-0.0");  // many readers take -0 for the integer, which is 0
  append_number(out, value);
}

void append_json_integer(ByteBuffer& out, std::int64_t value) { append_number(out, value); }
void append_json_integer(ByteBuffer& out, std::uint64_t value) {
  if (value >= 10) return append_number(out, value);
  const char digit = static_cast<char>('0' + value);  // enums and counts mostly are one
  out.append({&digit, 1});
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
