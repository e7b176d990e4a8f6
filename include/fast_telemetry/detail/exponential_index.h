// SPDX-License-Identifier: Apache-2.0
//
// Value → bucket of a base-2 exponential histogram: pure, no state.
//
// OTLP's mapping (opentelemetry-proto metrics.proto, "ExponentialHistogramDataPoint.Buckets"): at scale s, bucket i
// counts values in (base^i, base^(i+1)] with base = 2^(2^-s). So a value's index is its exponent times 2^s, plus the
// number of bounds within the octave that are below its mantissa, less one. A table over the mantissa's first bits
// gives that number but for one bound, which is then compared: exact for every double, powers of two included.
#pragma once

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

inline constexpr unsigned highest_scale = 6;

/// The buckets of one distribution. Interned by content and never freed, as BucketTable is.
///
/// A point's cells: what is not above the lowest bucket's lower bound, one per bucket, the sum; then, if they are kept,
/// the keys of minimum and maximum (extremum_key.h).
struct ExponentialTable {
  const std::uint64_t*
      bounds;                 ///< mantissas of 2^(j / 2^scale), j = 0 … 2^scale, without the leading bit, rounded down
  const std::uint8_t* first;  ///< by the mantissa's first scale + 1 bits: how many bounds are below all such values
  std::uint32_t scale;
  std::int32_t lowest;  ///< index of the first bucket
  std::uint32_t count;  ///< buckets
  bool extrema;         ///< minimum and maximum are kept
  double divisor;       ///< stored unit / divisor = exported unit (1e9 for durations)
  double factor;        ///< 1 / divisor: a product is a third of a quotient's time, and right for all powers of two

  [[nodiscard]] constexpr std::size_t sum_cell() const noexcept { return count + std::size_t{1}; }
};

constexpr std::size_t distribution_cells(const ExponentialTable& table) noexcept {
  return table.sum_cell() + 1 + (table.extrema ? 2 : 0);
}

/// The index of a positive, normal, finite double.
constexpr std::int32_t exponential_index(const ExponentialTable& table, double value) noexcept {
  constexpr unsigned mantissa_bits = 52;
  const auto bits = __builtin_bit_cast(std::uint64_t, value);
  const std::uint64_t mantissa = bits & ((std::uint64_t{1} << mantissa_bits) - 1);
  const auto exponent = static_cast<std::int32_t>(bits >> mantissa_bits) - 1023;
  const std::int32_t below = table.first[mantissa >> (mantissa_bits - 1 - table.scale)];
  return exponent * (std::int32_t{1} << table.scale) + below - (mantissa > table.bounds[below] ? 0 : 1);
}

/// The cell of a point that counts `value`, which is in the exported unit and neither negative nor NaN. Zero, what is
/// below a normal double and what is not above the range goes to cell 0; what is above the range to the last bucket's.
constexpr std::size_t distribution_cell(const ExponentialTable& table, double value) noexcept {
  const std::int32_t bucket = exponential_index(table, value) - table.lowest;
  const std::int32_t last = static_cast<std::int32_t>(table.count) - 1;
  const std::int32_t inside = bucket > last ? last : bucket;
  return static_cast<std::size_t>((inside < 0 ? -1 : inside) + 1);
}

/// The lowest bucket's lower bound, in the exported unit: what is not above it counts as zero.
[[nodiscard]] double lower_bound(const ExponentialTable& table) noexcept;

/// A whole number as a double on the same side of every bound: beyond 2^53 by setting the last bit that is kept when
/// one that is not was set, since rounding could reach a power of two.
constexpr double rounded_to_odd(std::uint64_t value) noexcept {
  if (value >> 53 != 0) [[unlikely]] {
    constexpr std::uint64_t lost = (std::uint64_t{1} << 12) - 1;
    value = (value & ~lost) | ((value & lost) != 0 ? lost + 1 : 0);
  }
  return static_cast<double>(static_cast<std::int64_t>(value >> 1)) * 2 +
         static_cast<double>(static_cast<std::int64_t>(value & 1));
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
