// SPDX-License-Identifier: Apache-2.0
//
// Value ↔ key of an extremum: keys are integers of which the greater is the more extreme, and 0 says that nothing was
// observed, which is what a cell is before its first write. Pure.
#pragma once

#include "fast_telemetry/detail/bucket_index.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

enum class Extremum : std::uint8_t { min, max };

/// Not for NaN. Of integers, the one at the far end has the key of its neighbour, since 0 is taken.
template <class T, Extremum which>
constexpr std::uint64_t extremum_key(T value) noexcept {
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  if constexpr (__is_same(T, double)) {
    const std::uint64_t key = ordered_key(value);
    return which == Extremum::max ? key : ~key;
  } else if constexpr (__is_same(T, std::uint64_t)) {
    // Of a maximum, the greatest has its neighbour's: sizes and durations can be 0.
    if constexpr (which == Extremum::max) return value + (value != ~std::uint64_t{0} ? 1 : 0);
    return ~value + (~value == 0 ? 1 : 0);
  } else {
    const std::uint64_t ordered = static_cast<std::uint64_t>(value) ^ sign;
    const std::uint64_t key = which == Extremum::max ? ordered : ~ordered;
    return key + (key == 0 ? 1 : 0);
  }
}

template <class T, Extremum which>
constexpr T extremum_value(std::uint64_t key) noexcept {
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  const std::uint64_t ordered = which == Extremum::max ? key : ~key;
  if constexpr (__is_same(T, std::uint64_t)) {
    return which == Extremum::max ? key - 1 : ordered;
  } else if constexpr (__is_same(T, double)) {
    return __builtin_bit_cast(double, (ordered & sign) != 0 ? ordered ^ sign : ~ordered);
  } else {
    return static_cast<T>(ordered ^ sign);
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
