// SPDX-License-Identifier: Apache-2.0
//
// Value → bucket: pure, no state, usable at compile time.
//
// A table over the value's exponent gives the first bound that can hold it; within one power of two the few bounds left
// are compared one by one (more than eight: halved first). So the cost depends neither on the number of buckets nor on
// where in them a value falls.
#pragma once

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Upper bounds of one histogram, inclusive and ascending, with their exponent table. Interned by content and never
/// freed, so that a record that races a metric's destruction finds it intact.
///
/// Integer bounds are stored as they are. Double bounds are stored as keys that compare like the doubles do.
struct BucketTable {
  const std::uint64_t* bounds;
  const std::uint16_t* first;  ///< by exponent class: how many bounds lie below every value of the class
  std::uint32_t count;         ///< bounds; there is one bucket more
  std::uint32_t class_base;    ///< doubles: the class of first[0]
  std::uint32_t classes;       ///< entries of `first`, less one
  double divisor;              ///< stored unit / divisor = exported unit (1e9 for durations)
  const double* exported;      ///< the bounds in the exported unit
};

/// The first bound of [low, high) that is not below the value.
constexpr std::size_t bound_not_below(const std::uint64_t* bounds, std::size_t low, std::size_t high,
                                      std::uint64_t value) noexcept {
  while (high - low > 8) {
    const std::size_t middle = low + (high - low) / 2;
    if (bounds[middle] < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  while (low < high && bounds[low] < value) ++low;
  return low;
}

/// The class of an integer: its bit width, 0 … 64.
constexpr std::size_t integer_class(std::uint64_t value) noexcept {
  return value == 0 ? 0 : 64 - static_cast<std::size_t>(__builtin_clzll(value));
}

constexpr std::size_t bucket_index(const BucketTable& table, std::uint64_t value) noexcept {
  const std::size_t c = integer_class(value);
  return bound_not_below(table.bounds, table.first[c], table.first[c + 1], value);
}

/// Maps doubles to integers that compare alike; both zeros map to one key. Not for NaN.
constexpr std::uint64_t ordered_key(double value) noexcept {
  const auto bits = __builtin_bit_cast(std::uint64_t, value + 0.0);
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  return (bits & sign) != 0 ? ~bits : bits | sign;
}

/// The class of a double: sign and exponent of its key.
constexpr std::uint32_t double_class(std::uint64_t key) noexcept { return static_cast<std::uint32_t>(key >> 52); }

constexpr std::size_t bucket_index(const BucketTable& table, double value) noexcept {
  const std::uint64_t key = ordered_key(value);
  const std::uint32_t c = double_class(key);
  if (c < table.class_base) return 0;
  if (c - table.class_base >= table.classes) return table.count;
  const std::uint16_t* const first = table.first + (c - table.class_base);
  return bound_not_below(table.bounds, first[0], first[1], key);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
