// SPDX-License-Identifier: Apache-2.0
//
// Buckets as values that stand for their observations, for formats that have no buckets.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Observations between two bounds; either may be infinite.
struct ValueBucket {
  double low;
  double high;
  std::uint64_t count;
};

/// What is known of all observations of a point.
struct ValueTotals {
  double sum;
  std::optional<double> min;
  std::optional<double> max;
};

/// Chooses one value for each bucket: all at the same share of their widths, so that together they make the sum.
///
/// No value lies outside its bucket. If the sum is not one that observations in these buckets can have (it was counted
/// a moment before or after them, or the last bucket has also what exceeds it), the nearest that can be is taken.
class BucketValues {
 public:
  explicit BucketValues(const ValueTotals& totals) noexcept : totals_{totals} {}

  /// All buckets that have observations are added first.
  void add(const ValueBucket& bucket) noexcept {
    const ValueBucket known = narrowed(bucket);
    const auto count = static_cast<double>(known.count);
    if (!is_finite(known)) {
      unbounded_ += count;
      unbounded_sum_ += count * finite_end(known);
      return;
    }
    lows_ += count * known.low;
    widths_ += count * (known.high - known.low);
  }

  void finish() noexcept {
    if (unbounded_ != 0) {
      // The middle everywhere else, and what is left of the sum.
      excess_ = (totals_.sum - lows_ - share_ * widths_ - unbounded_sum_) / unbounded_;
      if (!std::isfinite(excess_)) excess_ = 0;
    } else if (widths_ > 0) {
      const double share = (totals_.sum - lows_) / widths_;
      if (std::isfinite(share)) share_ = std::fmin(std::fmax(share, 0.0), 1.0);
    }
  }

  [[nodiscard]] double value(const ValueBucket& bucket) const noexcept {
    const ValueBucket known = narrowed(bucket);
    if (is_finite(known)) return known.low + share_ * (known.high - known.low);
    const double end = finite_end(known);
    const double value = end + excess_;
    return std::isfinite(known.low) ? std::fmax(end, value) : std::fmin(end, value);
  }

 private:
  static bool is_finite(const ValueBucket& bucket) noexcept {
    return std::isfinite(bucket.low) && std::isfinite(bucket.high);
  }
  static double finite_end(const ValueBucket& bucket) noexcept {
    if (std::isfinite(bucket.low)) return bucket.low;
    return std::isfinite(bucket.high) ? bucket.high : 0;
  }

  // Not beyond the smallest and the greatest observation; without a smallest, what begins nowhere begins at 0.
  [[nodiscard]] ValueBucket narrowed(ValueBucket bucket) const noexcept {
    if (totals_.min && *totals_.min > bucket.low) bucket.low = std::fmin(*totals_.min, bucket.high);
    if (totals_.max && *totals_.max < bucket.high) bucket.high = std::fmax(*totals_.max, bucket.low);
    if (!std::isfinite(bucket.low) && bucket.high > 0) bucket.low = 0;
    return bucket;
  }

  ValueTotals totals_;
  double lows_ = 0;
  double widths_ = 0;
  double unbounded_ = 0;
  double unbounded_sum_ = 0;
  double share_ = 0.5;
  double excess_ = 0;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
