// SPDX-License-Identifier: Apache-2.0
//
// Gauge<T>: a value that is set. For code that records.
#pragma once

#include "fast_telemetry/detail/percpu.h"
#include "fast_telemetry/detail/registration.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {

/// Gauges are set, not added to, so a gauge has one copy; two cache lines of its own keep it from its neighbours
/// (128 bytes: the adjacent-line prefetcher works in pairs).
inline constexpr std::size_t gauge_cells = 16;

}  // namespace detail

template <class T>
concept GaugeValue = __is_same(T, std::int64_t) || __is_same(T, double);

/// A value that is set: a temperature, a limit, a queue's configured size. 0 until it is set.
///
/// For levels that rise and fall by steps (requests in flight) use an UpDownCounter: concurrent `set`s overwrite each
/// other. `set` is one store in a restartable sequence (0.5 ns, bench/micro/record_bench.cc); threads that set one
/// gauge at the same time share its cache line. Safe where Counter::add is safe. NaN and infinities are kept as given.
template <GaugeValue T>
class Gauge {
 public:
  /// One gauge among the points of a labelled metric. Cheap to copy; valid as long as the metric is.
  class Point {
   public:
    void set(T value) const noexcept { detail::set(*site_, offset_, __builtin_bit_cast(std::uint64_t, value)); }
    [[nodiscard]] T get() const noexcept { return __builtin_bit_cast(T, detail::read_gauge(*site_, offset_)); }

   private:
    friend class Gauge;
    Point(detail::Site& site, std::size_t offset) noexcept : site_{&site}, offset_{offset} {}
    detail::Site* site_;
    std::size_t offset_;
  };

  /// An unregistered gauge: can be set and read, is not exported.
  Gauge() : registration_{nullptr, nullptr, declare()} {}

  /// Registers a gauge. Throws std::invalid_argument when the registry refuses the name or labels (registry.h).
  Gauge(const Scope& scope, const Info& info) : registration_{&scope, &info, declare()} {}

  void set(T value) noexcept { detail::set(registration_.site, 0, __builtin_bit_cast(std::uint64_t, value)); }
  [[nodiscard]] T get() const noexcept { return __builtin_bit_cast(T, detail::read_gauge(registration_.site, 0)); }

  static constexpr detail::Declaration declare() noexcept {
    return {__is_same(T, double) ? detail::Cells::gauge_f64 : detail::Cells::gauge_i64};
  }
  static Point point(detail::Site& site, const detail::Registration&) noexcept { return {site, 0}; }
  static Point point(detail::Registration& registration, std::size_t index) noexcept {
    return {registration.site, index * detail::gauge_cells * sizeof(std::uint64_t)};
  }

 private:
  detail::Registration registration_;
};

FAST_TELEMETRY_END_NAMESPACE
