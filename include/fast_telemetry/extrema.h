// SPDX-License-Identifier: Apache-2.0
//
// MaxGauge<T>, MinGauge<T>: the greatest and the smallest value observed. For code that records.
#pragma once

#include "fast_telemetry/detail/extremum_key.h"
#include "fast_telemetry/detail/percpu.h"
#include "fast_telemetry/detail/registration.h"
#include "fast_telemetry/gauge.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {

/// What MaxGauge and MinGauge have in common.
template <class T, Extremum which>
class ExtremumGauge {
 public:
  /// One gauge among the points of a labelled metric. Cheap to copy; valid as long as the metric is.
  class Point {
   public:
    void observe(T value) const noexcept { ExtremumGauge::observe(*site_, offset_, value); }

    /// The extremum of all observations since the metric was made, or `otherwise` when there was none: every
    /// observation that happened before the call is in it. Reads one cell per CPU.
    [[nodiscard]] T value_or(T otherwise) const noexcept {
      const std::uint64_t key = read_extremum(*site_, offset_);
      return key == 0 ? otherwise : extremum_value<T, which>(key);
    }

   private:
    friend class ExtremumGauge;
    Point(Site& site, std::size_t offset) noexcept : site_{&site}, offset_{offset} {}
    Site* site_;
    std::size_t offset_;
  };

  /// An unregistered gauge: observes, can be read, is not exported.
  ExtremumGauge() : registration_{nullptr, nullptr, declare()} {}

  /// Registers a gauge. Throws std::invalid_argument when the registry refuses the name or labels (registry.h).
  ExtremumGauge(const Scope& scope, const Info& info) : registration_{&scope, &info, declare()} {}

  void observe(T value) noexcept { observe(registration_.site, 0, value); }

  /// The extremum of all observations since the metric was made, or `otherwise` when there was none: every observation
  /// that happened before the call is in it. Reads one cell per CPU.
  [[nodiscard]] T value_or(T otherwise) const noexcept { return point(registration_, 0).value_or(otherwise); }

  static constexpr Declaration declare() noexcept {
    if constexpr (__is_same(T, double)) {
      return {which == Extremum::max ? Cells::max_gauge_f64 : Cells::min_gauge_f64};
    } else {
      return {which == Extremum::max ? Cells::max_gauge_i64 : Cells::min_gauge_i64};
    }
  }
  static Point point(Registration& registration, std::size_t index) noexcept {
    return {registration.site, index * sizeof(std::uint64_t)};
  }

 private:
  static void observe(Site& site, std::size_t offset, T value) noexcept {
    if constexpr (__is_same(T, double)) {
      if (value != value) [[unlikely]] {
        count_drop(Drop::not_finite);
        return;
      }
    }
    keep_greater(site, offset, extremum_key<T, which>(value));
  }

  mutable Registration registration_;
};

}  // namespace detail

/// The greatest value observed in each reader's window: the longest queue, the largest request since the last export.
///
/// `observe` is a comparison and, if the value is a new extremum, a store on the calling CPU's own cache line
/// (bench/micro/record_bench.cc). Safe wherever Counter::add is. A NaN is a counted drop; infinities are values.
///
/// Windows: each reader is shown the extremum of what was observed since its last accepted collection, exactly once and
/// whatever other readers do. A reader behind a door that many scrapers use (Finals::held) is shown the extremum of the
/// last five to ten minutes. Nothing observed in the window: no point is shown, rather than a number that nobody
/// observed. Of integers, the least counts as its neighbour: -2^63 as -2^63 + 1.
template <GaugeValue T>
class MaxGauge : public detail::ExtremumGauge<T, detail::Extremum::max> {
  using detail::ExtremumGauge<T, detail::Extremum::max>::ExtremumGauge;
};

/// The smallest value observed in each reader's window. As MaxGauge; of integers, 2^63 - 1 counts as 2^63 - 2.
template <GaugeValue T>
class MinGauge : public detail::ExtremumGauge<T, detail::Extremum::min> {
  using detail::ExtremumGauge<T, detail::Extremum::min>::ExtremumGauge;
};

FAST_TELEMETRY_END_NAMESPACE
