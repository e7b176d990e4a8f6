// SPDX-License-Identifier: Apache-2.0
//
// ObservableCounter<T>, ObservableUpDownCounter<T>, ObservableGauge<T>: values that are computed when somebody
// collects. For code that declares metrics.
#pragma once

#include "fast_telemetry/clock.h"
#include "fast_telemetry/detail/callback.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/labeled.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {

/// Keeps a value for the run's end. What the metric cannot be is a counted drop.
void observe(ObservationRun& run, std::size_t point, std::uint64_t bits) noexcept;

[[nodiscard]] std::int64_t deadline_ns(const ObservationRun& run) noexcept;

}  // namespace detail

/// What a callback reports to, for the time of the call and from the thread that it is called on.
template <class T, class... Enums>
class Observer {
 public:
  explicit Observer(detail::ObservationRun& run) noexcept : run_{run} {}
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  /// The value of the series with these labels, at present. Of several for one series the last counts. A series that
  /// is not reported is not shown in this collection.
  void observe(T value, Enums... labels) noexcept {
    detail::observe(run_, detail::label_index(labels...), __builtin_bit_cast(std::uint64_t, value));
  }

  /// When the callback should have returned, on the clock of now_ns(): the end of the whole collection's time.
  [[nodiscard]] std::int64_t deadline_ns() const noexcept { return detail::deadline_ns(run_); }
  [[nodiscard]] bool has_time_left() const noexcept { return now_ns() < deadline_ns(); }

 private:
  detail::ObservationRun& run_;
};

namespace detail {

/// `double f()`, or whatever converts to the metric's type.
template <class Function, class T>
concept ValueFunction = requires(Function& function) { static_cast<T>(function()); };

template <class Function, class Observer>
concept ObserverFunction = requires(Function& function, Observer& observer) { function(observer); };

template <class T, class... Enums>
struct CallbackMaker {
  template <class Function>
  static Callback make(Function&& function) {
    return {new Function{static_cast<Function&&>(function)}, call<Function>,
            [](void* object) noexcept { delete static_cast<Function*>(object); }};
  }

 private:
  template <class Function>
  static void call(void* object, ObservationRun& run) {
    Observer<T, Enums...> observer{run};
    Function& function = *static_cast<Function*>(object);
    if constexpr (ObserverFunction<Function, Observer<T, Enums...>>) {
      function(observer);
    } else {
      observer.observe(static_cast<T>(function()));
    }
  }
};

/// The compiled half of every observable metric.
class ObservableRegistration {
 public:
  ObservableRegistration(const Scope& scope, const Info& info, Cells cells, const Axis* axes, std::size_t axis_count,
                         Callback callback);

  /// When it returns, the callback is not running and will not run again, and what it owned is destroyed.
  ~ObservableRegistration();

  ObservableRegistration(const ObservableRegistration&) = delete;
  ObservableRegistration& operator=(const ObservableRegistration&) = delete;

 private:
  Registration registration_;
};

template <Cells cells, class T, class... Enums>
class Observable {
 public:
  template <ObserverFunction<Observer<T, Enums...>> Function>
  Observable(const Scope& scope, const Info& info, Function callback)
      : registration_{scope, info, cells, axes(), sizeof...(Enums), maker::make(static_cast<Function&&>(callback))} {}

  /// Also as a function that returns the value, if there is but one.
  template <ValueFunction<T> Function>
    requires(sizeof...(Enums) == 0 && !ObserverFunction<Function, Observer<T>>)
  Observable(const Scope& scope, const Info& info, Function callback)
      : registration_{scope, info, cells, axes(), 0, maker::make(static_cast<Function&&>(callback))} {}

  template <class... MoreEnums>
  using ForLabels = Observable<cells, T, MoreEnums...>;
  template <class... MoreEnums>
  using ObserverFor = Observer<T, MoreEnums...>;

 private:
  using maker = CallbackMaker<T, Enums...>;

  static const Axis* axes() noexcept {
    if constexpr (sizeof...(Enums) > 0) return label_axes<Enums...>();
    return nullptr;
  }

  ObservableRegistration registration_;
};

template <class T, Cells of_integer, Cells of_double>
using ObservableOf = Observable<__is_same(T, double) ? of_double : of_integer, T>;

template <class Metric>
concept ObservableMetric = requires { typename Metric::template ForLabels<>; };

template <class T>
concept ObservableCounterValue = __is_same(T, std::uint64_t) || __is_same(T, double);

}  // namespace detail

/// A value that something else knows: the free space of a disk, the length of a queue. The callback is a function that
/// returns it, or one that takes an Observer: docs/guide/computed_values.md has both, and what a callback may do.
///
/// Nothing is recorded; each collection of each reader calls the callback once, on the collecting thread, with no lock
/// of the library held and never in two threads at a time. One that throws has reported nothing. One that has not
/// returned by the deadline (ReaderOptions::callback_budget_ns) keeps those after it from being called in that
/// collection: they are shown as last observed. Both are counted (StorageInfo::callbacks_failed, …) and told to the
/// diagnostics hook.
///
/// The callback may be called as soon as the constructor has begun. When the destructor returns it is not running and
/// will not run again: the destructor waits for a call under way in another thread, so hold no lock that the callback
/// takes. Destroyed by its own callback, it is called no more, and what the callback owns lives until it returns.
/// Not in signal handlers. T: std::int64_t or double, NaN and infinities as given.
template <GaugeValue T>
class ObservableGauge
    : public detail::ObservableOf<T, detail::Cells::observed_gauge_i64, detail::Cells::observed_gauge_f64> {
  using Base = detail::ObservableOf<T, detail::Cells::observed_gauge_i64, detail::Cells::observed_gauge_f64>;
  using Base::Base;
};

/// A total that something else counts and that only rises: CPU seconds, packets of an interface. As ObservableGauge.
///
/// The callback reports the total. Cumulative readers are shown it as it is; delta readers by how much it rose since
/// their last accepted collection that showed it, at first all of it. A total that has fallen began again at zero: all
/// of it is new, and the series is born again. In a forked child delta readers are shown what came since the last
/// collection before the fork. Unlike Counter it leaves no final value: made anew, it begins anew.
///
/// T: std::uint64_t or double; of doubles, what is negative, infinite or no number is a counted drop.
template <detail::ObservableCounterValue T>
class ObservableCounter
    : public detail::ObservableOf<T, detail::Cells::observed_counter_u64, detail::Cells::observed_counter_f64> {
  using Base = detail::ObservableOf<T, detail::Cells::observed_counter_u64, detail::Cells::observed_counter_f64>;
  using Base::Base;
};

/// A level that adds up over instances, unlike a gauge's: bytes held by a pool, items in a queue. As ObservableGauge.
///
/// The callback reports the level; delta readers are shown by how much it rose or fell. T: std::int64_t or double; of
/// doubles, what is infinite or no number is a counted drop.
template <GaugeValue T>
class ObservableUpDownCounter
    : public detail::ObservableOf<T, detail::Cells::observed_up_down_i64, detail::Cells::observed_up_down_f64> {
  using Base = detail::ObservableOf<T, detail::Cells::observed_up_down_i64, detail::Cells::observed_up_down_f64>;
  using Base::Base;
};

/// One observable series per combination of enums. One callback reports them all:
/// `[&](auto& observer) { observer.observe(pool.idle(), State::idle); observer.observe(pool.busy(), State::busy); }`.
///
/// Unlike other labelled metrics it shows only the combinations that were reported. A value that is no enumerator goes
/// to a series with the label value `invalid`, as everywhere.
template <detail::ObservableMetric Metric, class... Enums>
class Labeled<Metric, Enums...> : public Metric::template ForLabels<Enums...> {
  static_assert(sizeof...(Enums) > 0, "name at least one label enum");
  static_assert((detail::check_label_enum<Enums>() && ...));

 public:
  template <detail::ObserverFunction<typename Metric::template ObserverFor<Enums...>> Function>
  Labeled(const Scope& scope, const Info& info, Function callback)
      : Metric::template ForLabels<Enums...>{scope, info, static_cast<Function&&>(callback)} {}
};

FAST_TELEMETRY_END_NAMESPACE
