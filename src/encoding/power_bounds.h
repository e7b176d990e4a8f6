// SPDX-License-Identifier: Apache-2.0
//
// Exponential histograms as classic ones: one bound per power of two.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// A bucket's upper bound 2^exponent, and how many values it was last said to have at or below it.
struct PowerBound {
  std::uint64_t count;
  std::int64_t exponent;
};

/// Adds the powers of two from the lower end of the point's lowest bucket in use to the upper end of its highest.
/// Returns whether any was new. `bounds` ascends.
///
/// What is there stays: a bound that vanished would be a series that ends, and what Prometheus computes from the others
/// would jump. Powers of two lie at the ends of buckets at every scale that has no bucket wider than that; where it has
/// (scale < 0), only those at the ends are added. Powers that are no double are not: +Inf has what lies beyond.
bool add_bounds(std::vector<PowerBound>& bounds, const ExponentialPoint& point);

/// Counts anew how many values are at or below each bound, the zero count among them.
///
/// Exact, but for a bound that was there before and now lies inside a bucket (the scale fell below 0) or below the zero
/// threshold (that rose): it keeps its count, which still cannot be too high, while all that is known to be below it is
/// no more than that. So a count never falls as long as the point's own do not.
void count_up_to(std::span<PowerBound> bounds, const ExponentialPoint& point) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
