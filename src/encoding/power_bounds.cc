// SPDX-License-Identifier: Apache-2.0
#include "power_bounds.h"

#include <algorithm>
#include <cmath>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

// Powers of two that are doubles other than 0: the smallest is a denormal.
constexpr std::int64_t smallest_exponent = -1074;
constexpr std::int64_t largest_exponent = 1023;

/// Where a point's buckets lie among the powers of two.
class Layout {
 public:
  explicit Layout(const ExponentialPoint& point) noexcept
      : offset_{point.offset},
        // From 2^12 powers per bucket on there is one bucket above 1 and one below, whatever the scale.
        spacing_{std::int64_t{1} << std::clamp(-std::int64_t{point.scale}, std::int64_t{0}, std::int64_t{12})},
        // From 2^63 buckets per power of two on all that an index can name lie beside 1.
        shift_{static_cast<int>(std::clamp(point.scale, 0, 63))} {}

  /// Of the highest power of two that is not above the bucket, among those at ends of buckets.
  [[nodiscard]] std::int64_t exponent_below(std::size_t bucket) const noexcept {
    return ((offset_ + static_cast<std::int64_t>(bucket)) >> shift_) * spacing_;
  }

  /// Of the lowest power of two that is not below it.
  [[nodiscard]] std::int64_t exponent_above(std::size_t bucket) const noexcept {
    return exponent_below(bucket) + spacing_;
  }

  /// Between one power of two at an end of buckets and the next.
  [[nodiscard]] std::int64_t spacing() const noexcept { return spacing_; }

 private:
  std::int64_t offset_;
  std::int64_t spacing_;
  int shift_;
};

}  // namespace

bool add_bounds(std::vector<PowerBound>& bounds, const ExponentialPoint& point) {
  const auto in_use = [](std::uint64_t count) { return count != 0; };
  const auto first = std::find_if(point.buckets.begin(), point.buckets.end(), in_use);
  if (first == point.buckets.end()) return false;
  const auto last = std::find_if(point.buckets.rbegin(), point.buckets.rend(), in_use);

  const Layout layout{point};
  std::int64_t exponent = layout.exponent_below(static_cast<std::size_t>(first - point.buckets.begin()));
  const std::int64_t end =
      std::min(layout.exponent_above(static_cast<std::size_t>(point.buckets.rend() - last) - 1), largest_exponent);
  if (exponent < smallest_exponent) {
    // Up to the first of its spacing that is a double.
    exponent += (smallest_exponent - exponent + layout.spacing() - 1) / layout.spacing() * layout.spacing();
  }

  bool added = false;
  auto at = bounds.begin();
  for (; exponent <= end; exponent += layout.spacing()) {
    while (at != bounds.end() && at->exponent < exponent) ++at;
    if (at == bounds.end() || at->exponent != exponent) {
      at = bounds.insert(at, {0, exponent});
      added = true;
    }
  }
  return added;
}

void count_up_to(std::span<PowerBound> bounds, const ExponentialPoint& point) noexcept {
  const Layout layout{point};
  std::size_t next = 0;
  std::uint64_t below = 0;  // in whole buckets
  std::uint64_t shown = 0;
  for (PowerBound& bound : bounds) {
    while (next < point.buckets.size() && layout.exponent_above(next) <= bound.exponent) below += point.buckets[next++];
    const bool is_inside = next < point.buckets.size() && layout.exponent_below(next) < bound.exponent;
    const bool zero_is_below = point.zero_threshold <= std::ldexp(1, static_cast<int>(bound.exponent));
    const std::uint64_t least = below + (zero_is_below ? point.zero_count : 0);
    const std::uint64_t most = below + point.zero_count + (is_inside ? point.buckets[next] : 0);
    shown = std::clamp(std::max(bound.count, shown), least, most);
    bound.count = shown;
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
