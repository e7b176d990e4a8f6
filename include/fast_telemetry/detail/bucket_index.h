// SPDX-License-Identifier: Apache-2.0
//
// Value → bucket: pure, no state, usable at compile time.
//
// A table over the value's exponent gives the first bound that can hold it; the few bounds that share an exponent are
// searched in a number of steps that only the table decides. No branch depends on the value: values that nobody can
// predict would make it cost five times the rest (bench/micro/record_bench.cc).
#pragma once

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Upper bounds of one histogram, inclusive and ascending, with their exponent table. Interned by content and never
/// freed, so that a record that races a metric's destruction finds it intact.
///
/// Integer bounds are stored as they are. Double bounds are stored as keys that compare like the doubles do.
struct BucketTable {
  const std::uint64_t* bounds;  ///< behind the last one stand `width` times the largest integer: searches need no end
  const std::uint16_t* first;   ///< by class: how many bounds are of a lower class
  std::uint32_t count;          ///< bounds; there is one bucket more
  std::uint32_t width;          ///< the most bounds of one class; at least 1
  double divisor;               ///< stored unit / divisor = exported unit (1e9 for durations)
  const double* exported;       ///< the bounds in the exported unit
};

inline constexpr std::size_t integer_classes = 64;
inline constexpr std::size_t double_classes = 4096;

/// The class of an integer, ascending with it: its bit width, as the exponent of a double. (The machine's bit scan is
/// slower where it is microcoded, AMD before Zen 5, and chains one call to the next through its old destination.)
/// The shift and the bit make it fit a signed integer that is not zero; 0 … 3 share a class.
constexpr std::size_t integer_class(std::uint64_t value) noexcept {
  const auto exponent =
      __builtin_bit_cast(std::uint64_t, static_cast<double>(static_cast<std::int64_t>(value >> 1 | 1)));
  return (exponent >> 52) - 1023;
}

/// Maps doubles to integers that compare alike; both zeros map to one key. Not for NaN.
constexpr std::uint64_t ordered_key(double value) noexcept {
  const auto bits = __builtin_bit_cast(std::uint64_t, value + 0.0);
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  return bits ^ (static_cast<std::uint64_t>(static_cast<std::int64_t>(bits) >> 63) | sign);
}

/// The class of a double: sign and exponent of its key.
constexpr std::size_t double_class(std::uint64_t key) noexcept { return static_cast<std::size_t>(key >> 52); }

/// The first bound that is not below the value, among `width` from `low` on.
constexpr std::size_t bound_not_below(const std::uint64_t* bounds, std::size_t low, std::size_t width,
                                      std::uint64_t value) noexcept {
  while (width > 1) {
    const std::size_t half = width / 2;
    low += bounds[low + half - 1] < value ? half : 0;
    width -= half;
  }
  return low + (bounds[low] < value ? 1 : 0);
}

constexpr std::size_t bucket_index(const BucketTable& table, std::uint64_t value) noexcept {
  return bound_not_below(table.bounds, table.first[integer_class(value)], table.width, value);
}

constexpr std::size_t bucket_index(const BucketTable& table, double value) noexcept {
  const std::uint64_t key = ordered_key(value);
  return bound_not_below(table.bounds, table.first[double_class(key)], table.width, key);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
