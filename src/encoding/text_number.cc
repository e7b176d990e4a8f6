// SPDX-License-Identifier: Apache-2.0
#include "text_number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

#include "copy_text.h"
#include "text_integer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

// Large enough for every form std::to_chars can choose for a double.
static_assert(longest_number >= std::string_view{"-1.7976931348623157e+308"}.size() + 2);

bool write_special(char*& out, double value) noexcept {
  if (std::isnan(value)) {
    out = copy_text(out, "NaN");
  } else if (std::isinf(value)) {
    out = copy_text(out, value > 0 ? "+Inf" : "-Inf");
  } else {
    return false;
  }
  return true;
}

}  // namespace

char* write_long_number_over(char* out, std::uint64_t value) noexcept {
  char* const end = write_number_over(out, value / twelve_digits);
  write_12(end, value % twelve_digits);
  return end + 12;
}

char* write_number(char* out, std::uint64_t value) noexcept {
  char buffer[room_before_integer + room_for_integer];
  char* const begin = buffer + room_before_integer;
  const char* const end = write_number_over(begin, value);
  std::memcpy(out, begin, room_for_integer);  // a copy of fixed length, at least the 20 digits of the largest
  return out + (end - begin);
}

char* write_number(char* out, std::int64_t value) noexcept {
  auto magnitude = static_cast<std::uint64_t>(value);
  if (value < 0) {
    *out++ = '-';
    magnitude = 0 - magnitude;
  }
  return write_number(out, magnitude);
}

char* write_number(char* out, double value) noexcept {
  // Below 2^53 every whole double is that integer. Most values are; std::to_chars takes five times as long, and for
  // 100000 it would choose `1e+05`.
  constexpr double all_whole_doubles_exact = 9007199254740992.0;
  if (std::fabs(value) < all_whole_doubles_exact) {
    const auto whole = static_cast<std::int64_t>(value);
    if (static_cast<double>(whole) == value) {
      if (whole == 0 && std::signbit(value)) *out++ = '-';
      return write_number(out, whole);
    }
  } else if (write_special(out, value)) {
    return out;
  }
  return std::to_chars(out, out + longest_number, value).ptr;
}

char* write_canonical(char* out, double value) noexcept {
  if (write_special(out, value)) return out;
  char* const end = std::to_chars(out, out + longest_number, value, std::chars_format::scientific).ptr;

  // Go's %g, the specification's model, turns to exponents below 1e-4 and from 1e6 on. std::to_chars decides by length.
  const char* const e = std::find(out, end, 'e');
  int exponent = 0;
  std::from_chars(e[1] == '+' ? e + 2 : e + 1, end, exponent);
  if (exponent < -4 || exponent >= 6) return end;

  char* const fixed_end = std::to_chars(out, out + longest_number, value, std::chars_format::fixed).ptr;
  return std::find(out, fixed_end, '.') != fixed_end ? fixed_end : copy_text(fixed_end, ".0");
}

char* write_seconds(char* out, std::int64_t nanoseconds) noexcept {
  constexpr std::uint64_t second = 1'000'000'000;
  auto magnitude = static_cast<std::uint64_t>(nanoseconds);
  if (nanoseconds < 0) {
    *out++ = '-';
    magnitude = 0 - magnitude;
  }
  out = write_number(out, magnitude / second);
  std::uint64_t fraction = magnitude % second;
  if (fraction == 0) return out;
  *out++ = '.';
  for (std::uint64_t unit = second / 10; fraction != 0; unit /= 10) {
    *out++ = static_cast<char>('0' + fraction / unit);
    fraction %= unit;
  }
  return out;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
