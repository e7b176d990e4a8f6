// SPDX-License-Identifier: Apache-2.0
//
// SampledTimer: counts every call and times some. For code that records.
#pragma once

#include "fast_telemetry/counter.h"
#include "fast_telemetry/detail/selection.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/scoped_timer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct DynamicOptions;
template <class Metric, std::size_t keys>
class Dynamic;

namespace detail {

template <class Metric, std::size_t keys>
class KeyedSeries;

/// The three families of a SampledTimer, each a metric that Labeled<> can make points of.
struct TimerCalls {
  using Point = Counter::Point;
  static constexpr Declaration declare() noexcept { return {.cells = Cells::counter, .suffix = "calls"}; }
  static Point point(Site& site, const Registration& shape) noexcept { return Counter::point(site, shape); }
  static Point point(Registration& registration, std::size_t index) noexcept {
    return Counter::point(registration, index);
  }
};
struct TimerSamples {
  /// Where a histogram is, not yet looked up: calls that are not timed have no use for it.
  struct Point {
    Registration* registration;
    std::size_t index;

    [[nodiscard]] Histogram::Point histogram() const noexcept { return Histogram::point(*registration, index); }
  };
  static Declaration declare(const Bounds& bounds) {
    Declaration declaration = Histogram::declare(bounds);
    declaration.suffix = "samples";
    return declaration;
  }
  static Point point(Registration& registration, std::size_t index) noexcept { return {&registration, index}; }
};
/// The same for the samples of a series.
struct TimerSeriesSamples {
  struct Point {
    Site* series;
    const Registration* metric;

    [[nodiscard]] Histogram::Point histogram() const noexcept { return Histogram::point(*series, *metric); }
  };
  static Declaration declare(const Bounds& bounds) { return TimerSamples::declare(bounds); }
  static Point point(Site& site, const Registration& shape) noexcept { return {&site, &shape}; }
};
constexpr Declaration timer_stride(std::uint32_t stride) noexcept {
  return {.cells = Cells::constant, .suffix = "sample_stride", .constant = stride};
}

/// What times one call: a sampled timer, or a point of a labelled or dynamic one.
template <class Samples>
class BasicSampledPoint {
 public:
  /// Times the scope it lives in, if its call was selected. Records once: at finish(), or when the scope ends.
  class [[nodiscard]] Timing {
   public:
    ~Timing() { finish(); }
    Timing(const Timing&) = delete;
    Timing& operator=(const Timing&) = delete;
    void finish() noexcept {
      if (begin_ns_ == not_selected) [[likely]]
        return;
      record_since(begin_ns_, samples_);
      begin_ns_ = not_selected;
    }

   private:
    friend class BasicSampledPoint;
    static constexpr std::int64_t not_selected = -1 - __INT64_MAX__;
    Timing(const Samples& samples, bool selected) noexcept
        : samples_{samples}, begin_ns_{selected ? now_ns() : not_selected} {}
    // A call whose arguments are in registers: what a call that is not timed needs of all this then stays in them.
    [[gnu::noinline]] static void record_since(std::int64_t begin_ns, Samples samples) noexcept {
      samples.histogram().record(Nanoseconds{now_ns() - begin_ns});
    }

    Samples samples_;
    std::int64_t begin_ns_;
  };

  BasicSampledPoint(const Counter::Point& calls, const Samples& samples, std::uint64_t limit) noexcept
      : calls_{calls}, samples_{samples}, limit_{limit} {}

  /// Counts a call and, if it is selected, times it until the result's end: `const auto timing = timer.start();`.
  Timing start() const noexcept {
    calls_.add();
    return {samples_, selected(limit_)};
  }

  /// Counts a call that was timed already and records its time, if it is selected.
  template <Duration D>
  void record_elapsed(D elapsed) const noexcept {
    calls_.add();
    if (selected(limit_)) samples_.histogram().record(elapsed);
  }

  /// All calls, timed or not.
  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_.value(); }
  [[nodiscard]] std::uint64_t sample_count() const noexcept { return samples_.histogram().count(); }
  /// Seconds, of the calls that were timed.
  [[nodiscard]] double sample_sum() const noexcept { return samples_.histogram().sum(); }
  /// Seconds per timed call, which is an estimate for all; `otherwise` when none was timed.
  [[nodiscard]] double average_or(double otherwise) const noexcept {
    const std::uint64_t count = sample_count();
    return count == 0 ? otherwise : sample_sum() / static_cast<double>(count);
  }

 private:
  Counter::Point calls_;
  Samples samples_;
  std::uint64_t limit_;
};

using SampledPoint = BasicSampledPoint<TimerSamples::Point>;

}  // namespace detail

/// Counts every call and reads the clock for one in `stride`, chosen at random: for calls that take less time than
/// reading the clock twice does.
///
/// A call that is not selected costs a counter's add and a few instructions (bench/micro/record_bench.cc). Each call is
/// selected or not by itself: on average one in `stride`, whatever other timers do and however periodic the work is.
/// Exported as `<name>_calls` (a counter), `<name>_samples` (a histogram of durations) and `<name>_sample_stride` (a
/// gauge): calls times the samples' mean estimates the total time. Safe wherever Counter::add is.
class SampledTimer {
 public:
  using Point = detail::SampledPoint;
  using Timing = Point::Timing;

  /// An unregistered timer.
  SampledTimer(const Bounds& bounds, std::uint32_t stride)
      : limit_{detail::selection_limit(stride)},
        calls_{nullptr, nullptr, detail::TimerCalls::declare()},
        samples_{nullptr, nullptr, detail::TimerSamples::declare(bounds)},
        stride_{nullptr, nullptr, detail::timer_stride(stride)} {}

  /// Registers a timer. Throws std::invalid_argument for a stride of 0, for what Histogram refuses of bounds, and when
  /// the registry refuses one of the three names or the labels.
  SampledTimer(const Scope& scope, const Info& info, const Bounds& bounds, std::uint32_t stride)
      : limit_{detail::selection_limit(stride)},
        calls_{&scope, &info, detail::TimerCalls::declare()},
        samples_{&scope, &info, detail::TimerSamples::declare(bounds)},
        stride_{&scope, &info, detail::timer_stride(stride)} {}

  Timing start() noexcept { return point().start(); }
  template <Duration D>
  void record_elapsed(D elapsed) noexcept {
    point().record_elapsed(elapsed);
  }

  [[nodiscard]] std::uint64_t calls() const noexcept { return point().calls(); }
  [[nodiscard]] std::uint64_t sample_count() const noexcept { return point().sample_count(); }
  [[nodiscard]] double sample_sum() const noexcept { return point().sample_sum(); }
  [[nodiscard]] double average_or(double otherwise) const noexcept { return point().average_or(otherwise); }

 private:
  [[nodiscard]] Point point() const noexcept {
    return {Counter::point(calls_, 0), detail::TimerSamples::point(samples_, 0), limit_};
  }

  std::uint64_t limit_;
  mutable detail::Registration calls_;
  mutable detail::Registration samples_;
  detail::Registration stride_;
};

/// A sampled timer per combination of enums: as Labeled<Metric, Enum...>, with one stride for all.
template <class... Enums>
class Labeled<SampledTimer, Enums...> {
 public:
  using Point = SampledTimer::Point;

  Labeled(const Scope& scope, const Info& info, const Bounds& bounds, std::uint32_t stride)
      : limit_{detail::selection_limit(stride)},
        calls_{scope, info},
        samples_{scope, info, bounds},
        stride_{&scope, &info, detail::timer_stride(stride)} {}

  [[nodiscard]] Point with(Enums... labels) const noexcept {
    return {calls_.with(labels...), samples_.with(labels...), limit_};
  }

 private:
  std::uint64_t limit_;
  Labeled<detail::TimerCalls, Enums...> calls_;
  Labeled<detail::TimerSamples, Enums...> samples_;
  detail::Registration stride_;
};

/// A sampled timer per combination of label values, with one stride for all: as Dynamic<Metric, N>, include dynamic.h.
/// By handle only: a call that is worth sampling is shorter than two lookups.
template <std::size_t keys>
class Dynamic<SampledTimer, keys> {
  using Calls = Dynamic<detail::TimerCalls, keys>;
  using Samples = Dynamic<detail::TimerSeriesSamples, keys>;

 public:
  using Point = detail::BasicSampledPoint<detail::TimerSeriesSamples::Point>;

  /// Both series, to keep.
  class Handle : public Point {
   private:
    friend class Dynamic;
    Handle(const typename Calls::Handle& calls, const typename Samples::Handle& samples, std::uint64_t limit) noexcept
        : Point{calls, samples, limit}, calls_{calls}, samples_{samples} {}
    typename Calls::Handle calls_;
    typename Samples::Handle samples_;
  };

  template <class Options>
  Dynamic(const Scope& scope, const Info& info, const Text (&label_keys)[keys], const Options& options,
          const Bounds& bounds, std::uint32_t stride)
      : limit_{detail::selection_limit(stride)},
        calls_{scope, info, label_keys, options},
        samples_{scope, info, label_keys, options, bounds},
        stride_{&scope, &info, detail::timer_stride(stride)} {}

  template <class... Values>
    requires(sizeof...(Values) == keys)
  [[nodiscard]] Handle with(const Values&... values) noexcept {
    return {calls_.with(values...), samples_.with(values...), limit_};
  }

  /// Label sets whose calls are counted in a series of their own.
  [[nodiscard]] std::size_t series_count() const noexcept { return calls_.series_count(); }
  /// Calls that were counted in the overflow series.
  [[nodiscard]] std::uint64_t overflow_count() const noexcept { return calls_.overflow_count(); }

 private:
  std::uint64_t limit_;
  Calls calls_;
  Samples samples_;
  detail::Registration stride_;
};

FAST_TELEMETRY_END_NAMESPACE
