// SPDX-License-Identifier: Apache-2.0
#include "text_number.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

char* copy(char* out, std::string_view text) noexcept { return std::copy(text.begin(), text.end(), out); }

struct DigitTriples {
  char text[1000][4];
};

constexpr DigitTriples make_digit_triples() noexcept {
  DigitTriples triples{};
  for (int i = 0; i < 1000; ++i) {
    triples.text[i][0] = static_cast<char>('0' + i / 100);
    triples.text[i][1] = static_cast<char>('0' + i / 10 % 10);
    triples.text[i][2] = static_cast<char>('0' + i % 10);
  }
  return triples;
}

constexpr DigitTriples digit_triples = make_digit_triples();

// Four bytes, because a copy of three takes two stores: each spoils the byte behind it.
void write_3(char* out, std::uint32_t value) noexcept { std::memcpy(out, digit_triples.text[value], 4); }

constexpr std::uint64_t twelve_digits = 1'000'000'000'000;

/// Writes a value below 10^12 with its leading zeros, and one byte more.
void write_12(char* out, std::uint64_t value) noexcept {
  const auto high = static_cast<std::uint32_t>(value / 1'000'000);
  const auto low = static_cast<std::uint32_t>(value % 1'000'000);
  write_3(out, high / 1000);
  write_3(out + 3, high % 1000);
  write_3(out + 6, low / 1000);
  write_3(out + 9, low % 1000);
}

struct PowersOfTen {
  std::uint64_t of[13];
};

constexpr PowersOfTen make_powers_of_ten() noexcept {
  PowersOfTen powers{{1}};
  for (int i = 1; i < 13; ++i) powers.of[i] = powers.of[i - 1] * 10;
  return powers;
}

constexpr PowersOfTen powers_of_ten = make_powers_of_ten();

/// How many digits a value below 10^12 has. No branch.
std::size_t digits_of(std::uint64_t value) noexcept {
  value |= 1;  // zero has a digit; no power of ten lies between an even number and the next
  // 1233 / 4096 is a little above log10(2): the estimate from the bits is right or one too few.
  const auto bits = static_cast<unsigned>(64 - std::countl_zero(value));
  const std::size_t estimate = bits * 1233 >> 12;
  return estimate + 1 - ((value - powers_of_ten.of[estimate]) >> 63);  // the top bit: less than the power
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

char* write_number_over(char* out, std::uint64_t value) noexcept {
  if (value >= twelve_digits) [[unlikely]] {
    out = write_number_over(out, value / twelve_digits);
    write_12(out, value % twelve_digits);
    return out + 12;
  }
  // Always twelve digits, and no branch depends on the value: nobody can predict how long the next number is, and a
  // wrong guess takes longer than the digits do.
  char* const end = out + digits_of(value);
  write_12(end - 12, value);
  return end;
}

char* write_number(char* out, std::uint64_t value) noexcept {
  char buffer[room_before_number + longest_number];
  char* const begin = buffer + room_before_number;
  const char* const end = write_number_over(begin, value);
  std::memcpy(out, begin, 24);  // a copy of fixed length, at least the 20 digits of the largest
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
  return std::find(out, fixed_end, '.') != fixed_end ? fixed_end : copy(fixed_end, ".0");
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
