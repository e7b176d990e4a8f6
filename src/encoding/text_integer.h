// SPDX-License-Identifier: Apache-2.0
//
// The digits of an integer, at a cost that does not depend on how many there are. Inline: most lines of a scrape are a
// copied text and such a number, and a call would be a tenth of the line's time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

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

struct PowersOfTen {
  std::uint64_t of[13];
};

constexpr PowersOfTen make_powers_of_ten() noexcept {
  PowersOfTen powers{{1}};
  for (int i = 1; i < 13; ++i) powers.of[i] = powers.of[i - 1] * 10;
  return powers;
}

inline constexpr DigitTriples digit_triples = make_digit_triples();
inline constexpr PowersOfTen powers_of_ten = make_powers_of_ten();
inline constexpr std::uint64_t twelve_digits = 1'000'000'000'000;

// Four bytes, because a copy of three takes two stores: each spoils the byte behind it.
inline void write_3(char* out, std::uint32_t value) noexcept { std::memcpy(out, digit_triples.text[value], 4); }

/// Writes a value below 10^12 with its leading zeros, and one byte more.
inline void write_12(char* out, std::uint64_t value) noexcept {
  const auto high = static_cast<std::uint32_t>(value / 1'000'000);
  const auto low = static_cast<std::uint32_t>(value % 1'000'000);
  write_3(out, high / 1000);
  write_3(out + 3, high % 1000);
  write_3(out + 6, low / 1000);
  write_3(out + 9, low % 1000);
}

/// How many digits a value below 10^12 has. No branch.
inline std::size_t digits_of(std::uint64_t value) noexcept {
  value |= 1;  // zero has a digit; no power of ten lies between an even number and the next
  // 1233 / 4096 is a little above log10(2): the estimate from the bits is right or one too few.
  const auto bits = static_cast<unsigned>(64 - std::countl_zero(value));
  const std::size_t estimate = bits * 1233 >> 12;
  return estimate + 1 - ((value - powers_of_ten.of[estimate]) >> 63);  // the top bit: less than the power
}

/// What write_number_over spoils before its `out`, and needs behind it.
inline constexpr std::size_t room_before_integer = 12;
inline constexpr std::size_t room_for_integer = 24;

/// Numbers of more than twelve digits.
[[gnu::cold, gnu::noinline]] char* write_long_number_over(char* out, std::uint64_t value) noexcept;

/// Writes the value and returns the end. Overwrites up to `room_before_integer` bytes before `out` with anything: for
/// callers that write those afterwards.
///
/// Always twelve digits, and no branch depends on the value: nobody can predict how long the next number is, and a
/// wrong guess takes longer than the digits do.
[[gnu::always_inline]] inline char* write_number_over(char* out, std::uint64_t value) noexcept {
  if (value >= twelve_digits) [[unlikely]]
    return write_long_number_over(out, value);
  char* const end = out + digits_of(value);
  write_12(end - 12, value);
  return end;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
