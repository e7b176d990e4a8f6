// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::uint64_t count_of(std::span<const std::uint64_t> buckets) noexcept {
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

/// 1 … count; 0: there is no such observation.
std::uint64_t rank_of(double q, std::uint64_t count) noexcept {
  if (count == 0 || !(q >= 0 && q <= 1)) return 0;
  const double rank = std::ceil(q * static_cast<double>(count));
  // Beyond 2^53 observations the product can exceed their number.
  return rank < 1 ? 1 : rank >= static_cast<double>(count) ? count : static_cast<std::uint64_t>(rank);
}

/// The bucket that the observation of this rank is in, and its rank within the bucket, from 1.
struct Place {
  std::size_t bucket;
  std::uint64_t rank;
};

Place place_of(std::span<const std::uint64_t> buckets, std::uint64_t rank) noexcept {
  std::size_t bucket = 0;
  while (rank > buckets[bucket]) rank -= buckets[bucket++];
  return {bucket, rank};
}

Quantile within(Quantile estimate, const std::optional<double>& min, const std::optional<double>& max) noexcept {
  const double low = min.value_or(-infinity);
  const double high = std::max(max.value_or(infinity), low);
  return {std::clamp(estimate.value, low, high), std::clamp(estimate.low, low, high),
          std::clamp(estimate.high, low, high)};
}

}  // namespace

std::optional<Quantile> quantile(const ExponentialPoint& point, double q) noexcept {
  const std::uint64_t rank = rank_of(q, point.zero_count + count_of(point.buckets));
  if (rank == 0) return {};
  if (rank <= point.zero_count) return within({0, 0, point.zero_threshold}, point.min, point.max);
  const auto bucket = static_cast<double>(place_of(point.buckets, rank - point.zero_count).bucket);
  const double octaves = std::exp2(-point.scale);  // that a bucket is wide
  const double begin = (static_cast<double>(point.offset) + bucket) * octaves;
  Quantile estimate{std::exp2(begin + octaves / 2), std::exp2(begin), std::exp2(begin + octaves)};
  // In the last bucket the maximum may lie above what the bucket says (Distribution, "Limits").
  if (bucket + 1 == static_cast<double>(point.buckets.size()) && point.max) {
    estimate.high = std::max(estimate.high, *point.max);
  }
  return within(estimate, point.min, point.max);
}

std::optional<Quantile> quantile(const HistogramPoint& point, double q) noexcept {
  const std::uint64_t rank = rank_of(q, count_of(point.buckets));
  if (rank == 0) return {};
  const auto [bucket, in_bucket] = place_of(point.buckets, rank);
  if (bucket == point.bounds.size()) {
    const double last = point.bounds.empty() ? -infinity : point.bounds.back();
    return within({last, last, infinity}, point.min, point.max);
  }
  const double high = point.bounds[bucket];
  const double low = bucket > 0 ? point.bounds[bucket - 1] : high > 0 ? 0 : point.min.value_or(-infinity);
  if (low == -infinity) return within({high, low, high}, point.min, point.max);
  const double share = static_cast<double>(in_bucket) / static_cast<double>(point.buckets[bucket]);
  return within({low + (high - low) * share, low, high}, point.min, point.max);
}

FAST_TELEMETRY_END_NAMESPACE
