// SPDX-License-Identifier: Apache-2.0
//
// Numbers and times as OTLP's metrics have them.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// The one_of that points and exemplars have: an integer with a sign, or a double.
struct OtlpNumber {
  std::uint64_t bits;
  bool is_double;

  explicit OtlpNumber(std::int64_t value) noexcept : bits{static_cast<std::uint64_t>(value)}, is_double{false} {}
  explicit OtlpNumber(double value) noexcept : bits{std::bit_cast<std::uint64_t>(value)}, is_double{true} {}
  explicit OtlpNumber(std::uint64_t value) noexcept
      : OtlpNumber{value <= most ? OtlpNumber{static_cast<std::int64_t>(value)}
                                 : OtlpNumber{static_cast<double>(value)}} {}

 private:
  static constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
};

/// The value of an exemplar, of the type that its point's numbers have: a double that is no integer stays one.
template <class Value>
OtlpNumber otlp_exemplar_number(double value) noexcept {
  constexpr double beyond = 9223372036854775808.0;  // 2^63
  const bool fits =
      value >= -beyond && value < beyond && value == static_cast<double>(static_cast<std::int64_t>(value));
  if constexpr (std::numeric_limits<Value>::is_integer) {
    if (fits) return OtlpNumber{static_cast<std::int64_t>(value)};
  }
  return OtlpNumber{value};
}

/// What a point is about, in nanoseconds since 1970. A start of 0 is not told.
struct OtlpWindow {
  std::uint64_t start;
  std::uint64_t time;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
