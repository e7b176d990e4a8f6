// SPDX-License-Identifier: Apache-2.0
#include "text_number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

struct DigitPairs {
  char text[200];
};

constexpr DigitPairs make_digit_pairs() noexcept {
  DigitPairs pairs{};
  for (int i = 0; i < 100; ++i) {
    pairs.text[2 * i] = static_cast<char>('0' + i / 10);
    pairs.text[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}

constexpr DigitPairs digit_pairs = make_digit_pairs();

char* copy(char* out, std::string_view text) noexcept { return std::copy(text.begin(), text.end(), out); }

// A copy of fixed length, two digits at a time.
void write_pair(char* out, std::uint32_t value) noexcept { std::memcpy(out, digit_pairs.text + 2 * value, 2); }

void write_4(char* out, std::uint32_t value) noexcept {
  write_pair(out, value / 100);
  write_pair(out + 2, value % 100);
}

void write_8(char* out, std::uint32_t value) noexcept {
  write_4(out, value / 10'000);
  write_4(out + 4, value % 10'000);
}

// Up to eight digits, no leading zeros.
char* write_small(char* out, std::uint32_t value) noexcept {
  if (value >= 10'000) {
    const std::uint32_t high = value / 10'000;
    char* const end = write_small(out, high);
    write_4(end, value % 10'000);
    return end + 4;
  }
  if (value >= 100) {
    const std::uint32_t high = value / 100;
    write_pair(out, high);
    out = high >= 10 ? out + 2 : (*out = static_cast<char>('0' + high), out + 1);
    write_pair(out, value % 100);
    return out + 2;
  }
  if (value >= 10) {
    write_pair(out, value);
    return out + 2;
  }
  *out = static_cast<char>('0' + value);
  return out + 1;
}

// Large enough for every form std::to_chars can choose for a double.
static_assert(longest_number >= std::string_view{"-1.7976931348623157e+308"}.size() + 2);

bool write_special(char*& out, double value) noexcept {
  if (std::isnan(value)) {
    out = copy(out, "NaN");
  } else if (std::isinf(value)) {
    out = copy(out, value > 0 ? "+Inf" : "-Inf");
  } else {
    return false;
  }
  return true;
}

}  // namespace

char* write_number(char* out, std::uint64_t value) noexcept {
  // Blocks of eight digits: their divisions do not wait for each other, unlike those of a loop over pairs of digits.
  constexpr std::uint64_t block = 100'000'000;
  if (value < block) return write_small(out, static_cast<std::uint32_t>(value));
  const std::uint64_t high = value / block;
  if (high < block) {
    out = write_small(out, static_cast<std::uint32_t>(high));
  } else {
    out = write_small(out, static_cast<std::uint32_t>(high / block));
    write_8(out, static_cast<std::uint32_t>(high % block));
    out += 8;
  }
  write_8(out, static_cast<std::uint32_t>(value % block));
  return out + 8;
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
  return std::find(out, fixed_end, '.') != fixed_end ? fixed_end : copy(fixed_end, ".0");
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
