// SPDX-License-Identifier: Apache-2.0
//
// What OTLP makes of families and points, whether they are written as protobuf or as JSON. Inline: most of a collection
// is points.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fast_telemetry/visitor.h"
#include "otlp_number.h"
#include "otlp_values.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// The one_of that a Metric has.
enum class OtlpData : std::uint8_t { gauge, sum, histogram, exponential_histogram };

/// The family under way, as a Metric.
class OtlpMetric {
 public:
  void describe(const Family& family);

  /// The prefixes of all scopes and the name, joined by `.`, without the unit; `_info` behind an info metric's.
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  [[nodiscard]] std::string_view unit() const noexcept { return unit_; }  ///< in UCUM; empty: none
  [[nodiscard]] OtlpData data() const noexcept { return data_; }
  /// metrics.proto, AggregationTemporality: 1 delta, 2 cumulative; 0 of a gauge, which has none.
  [[nodiscard]] std::uint64_t temporality() const noexcept { return temporality_; }
  [[nodiscard]] bool is_monotonic() const noexcept { return is_monotonic_; }

 private:
  std::string name_;
  std::string_view unit_;
  OtlpData data_ = OtlpData::gauge;
  std::uint64_t temporality_ = 0;
  bool is_monotonic_ = false;
};

/// When the points of a collection are of.
class OtlpTimes {
 public:
  void begin(const Collection& collection) noexcept { collection_ = collection; }
  void family(const Family& family) noexcept {
    const bool is_gauge = family.kind == Kind::gauge || family.kind == Kind::info || family.kind == Kind::state_set;
    deltas_ = !is_gauge && family.temporality == Temporality::delta;
  }

  /// Whether the family under way shows deltas: then a point of nothing is left out.
  [[nodiscard]] bool deltas() const noexcept { return deltas_; }

  /// Of a sum or a histogram. Clocks can be set back; a start after the end would not be legal.
  [[nodiscard]] OtlpWindow window_of(const Series& series) const noexcept {
    std::int64_t start = series.born_unix_ns;
    if (deltas_) start = std::max(start, collection_.since_unix_ns);
    return {otlp_time(std::min(start, collection_.time_unix_ns)), otlp_time(collection_.time_unix_ns)};
  }

  /// Of what has no beginning.
  [[nodiscard]] OtlpWindow moment() const noexcept { return {0, otlp_time(collection_.time_unix_ns)}; }

 private:
  Collection collection_{};
  bool deltas_ = false;
};

[[nodiscard]] inline std::uint64_t otlp_count(const HistogramPoint& point) noexcept {
  return std::accumulate(point.buckets.begin(), point.buckets.end(), std::uint64_t{0});
}

[[nodiscard]] inline std::uint64_t otlp_count(const ExponentialPoint& point) noexcept {
  return std::accumulate(point.buckets.begin(), point.buckets.end(), point.zero_count);
}

/// metrics.proto: no sum where negative values can be recorded.
[[nodiscard]] inline std::optional<double> otlp_sum(const HistogramPoint& point) noexcept {
  const bool is_negative = !(point.sum >= 0) || (!point.bounds.empty() && point.bounds[0] < 0);
  return is_negative ? std::optional<double>{} : point.sum;
}

/// Integers above 2^53 can become one double, and OTLP's bounds have to rise: each is taken once.
inline void assign_rising(std::vector<double>& bounds, std::span<const double> given) {
  bounds.assign(given.begin(), given.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
}

/// The counts for such bounds: where some were equal, those between them together.
inline void assign_merged(std::vector<std::uint64_t>& buckets, const HistogramPoint& point) {
  buckets.assign(1, 0);
  for (std::size_t i = 0; i < point.buckets.size(); ++i) {
    buckets.back() += point.buckets[i];
    const bool is_last = i + 1 == point.buckets.size();
    const bool ends = i + 1 >= point.bounds.size() || point.bounds[i] != point.bounds[i + 1];
    if (!is_last && ends) buckets.push_back(0);
  }
}

/// MSDK, "Exemplar": its time lies in its point's window. One that was recorded while the collection was made is told
/// as of its end.
[[nodiscard]] inline std::uint64_t otlp_exemplar_time(const Exemplar& exemplar, const OtlpWindow& window) noexcept {
  return std::max(std::min(otlp_time(exemplar.time_unix_ns), window.time), window.start);
}

/// Receivers refuse ids of other lengths, and of zeros.
[[nodiscard]] inline bool is_otlp_id(std::span<const std::byte> id, std::size_t size) noexcept {
  return id.size() == size && !std::all_of(id.begin(), id.end(), [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
