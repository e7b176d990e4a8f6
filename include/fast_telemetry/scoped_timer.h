// SPDX-License-Identifier: Apache-2.0
//
// ScopedTimer: records how long a scope took. For code that records.
#pragma once

#include "fast_telemetry/clock.h"
#include "fast_telemetry/histogram.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {

/// A duration as the clock gives it.
struct Nanoseconds {
  using rep = std::int64_t;
  struct period {
    static constexpr std::intmax_t num = 1;
    static constexpr std::intmax_t den = 1'000'000'000;
  };
  [[nodiscard]] constexpr rep count() const noexcept { return ns; }

  std::int64_t ns;
};

}  // namespace detail

/// Records the time from its construction to its end into a Histogram or Distribution, or into a point of a labelled
/// one: `const ft::ScopedTimer timing{latency};`, `ft::ScopedTimer timing{latency.with(Command::get)};`.
///
/// Two readings of the clock (clock.h) and one record. Records once: at stop() or, without it, when the scope ends, by
/// an exception too; not at all after cancel(). The metric must outlive it. May end on another thread than it began on.
/// A histogram of integers gets nanoseconds.
template <class Point>
class ScopedTimer {
 public:
  explicit ScopedTimer(const Point& point) noexcept
    requires requires { point.record(detail::Nanoseconds{}); }
      : point_{point}, begin_ns_{now_ns()} {}
  template <class Metric>
    requires __is_same
  (Point, typename Metric::Point) explicit ScopedTimer(Metric& metric) noexcept : ScopedTimer{metric.point()} {}
  ~ScopedTimer() { stop(); }
  ScopedTimer(const ScopedTimer&) = delete;
  ScopedTimer& operator=(const ScopedTimer&) = delete;

  void stop() noexcept {
    if (running_) point_.record(detail::Nanoseconds{now_ns() - begin_ns_});
    running_ = false;
  }
  void cancel() noexcept { running_ = false; }

 private:
  Point point_;
  std::int64_t begin_ns_;
  bool running_ = true;
};

template <class Metric>
ScopedTimer(Metric&) -> ScopedTimer<typename Metric::Point>;

FAST_TELEMETRY_END_NAMESPACE
