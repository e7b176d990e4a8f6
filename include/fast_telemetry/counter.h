// SPDX-License-Identifier: Apache-2.0
//
// Counter, FloatCounter, UpDownCounter: sums of what was added. For code that records.
#pragma once

#include "fast_telemetry/detail/exemplar.h"
#include "fast_telemetry/detail/percpu.h"
#include "fast_telemetry/detail/registration.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// A total that only rises: requests, bytes, errors.
///
/// `add` takes about 0.6 ns, alone and on every core at once (bench/micro/record_bench.cc): no lock, no allocation, no
/// system call; the first write attaches the cell. Safe from any thread, from signal handlers, from static
/// initialisers and destructors, in exit handlers, and in a child after fork (whose total starts at zero). Before
/// construction and after destruction a record is a counted drop. Not in a `vfork` child before `exec`.
/// The total wraps at 2^64. What is added with a trace may be kept as an exemplar (trace_ref.h).
class Counter {
 public:
  /// One counter among the points of a labelled metric: what `Labeled<Counter, …>::with` returns. Cheap to copy; valid
  /// as long as the metric is.
  class Point {
   public:
    void add(std::uint64_t n = 1) const noexcept { detail::add(*site_, offset_, n); }
    void add(std::uint64_t n, const TraceRef& trace) const noexcept {
      add(n);
      detail::offer_exemplar(*site_, offset_, trace, n);
    }
    void inc() const noexcept { add(1); }
    [[nodiscard]] std::uint64_t value() const noexcept { return detail::read_integer(*site_, offset_); }

   private:
    friend class Counter;
    Point(detail::Site& site, std::size_t offset) noexcept : site_{&site}, offset_{offset} {}
    detail::Site* site_;
    std::size_t offset_;
  };

  /// An unregistered counter: counts, can be read, is not exported.
  Counter() : registration_{nullptr, nullptr, declare()} {}

  /// Registers a counter. Throws std::invalid_argument when the registry refuses the name or labels (registry.h).
  Counter(const Scope& scope, const Info& info) : registration_{&scope, &info, declare()} {}

  void add(std::uint64_t n = 1) noexcept { detail::add(registration_.site, 0, n); }
  void add(std::uint64_t n, const TraceRef& trace) noexcept { point(registration_, 0).add(n, trace); }
  void inc() noexcept { add(1); }

  /// The total: every add that happened before the call is in it. Reads one cell per CPU.
  [[nodiscard]] std::uint64_t value() const noexcept { return detail::read_integer(registration_.site, 0); }

  static constexpr detail::Declaration declare() noexcept { return {detail::Cells::counter}; }
  static Point point(detail::Site& site, const detail::Registration&) noexcept { return {site, 0}; }
  static Point point(detail::Site& site, std::size_t index) noexcept { return {site, index * sizeof(std::uint64_t)}; }
  static Point point(detail::Registration& registration, std::size_t index) noexcept {
    return {registration.site, index * sizeof(std::uint64_t)};
  }

 private:
  detail::Registration registration_;
};

/// A total that only rises and is no whole number: seconds of CPU time, joules.
///
/// As Counter; `add` takes 3 to 4 ns, since it is a dependent load, add and store (bench/micro/record_bench.cc). What
/// is negative, infinite or no number is a counted drop. Additions are exact as far as doubles are: beyond 2^53 times
/// the smallest amount that matters, use a Counter of that amount.
class FloatCounter {
 public:
  /// One counter among the points of a labelled metric. Cheap to copy; valid as long as the metric is.
  class Point {
   public:
    void add(double amount) const noexcept { FloatCounter::add(*site_, offset_, amount); }
    void add(double amount, const TraceRef& trace) const noexcept {
      if (FloatCounter::add(*site_, offset_, amount)) detail::offer_exemplar(*site_, offset_, trace, amount);
    }
    [[nodiscard]] double value() const noexcept { return detail::read_double(*site_, offset_); }

   private:
    friend class FloatCounter;
    Point(detail::Site& site, std::size_t offset) noexcept : site_{&site}, offset_{offset} {}
    detail::Site* site_;
    std::size_t offset_;
  };

  /// An unregistered counter: counts, can be read, is not exported.
  FloatCounter() : registration_{nullptr, nullptr, declare()} {}

  /// Registers a counter. Throws std::invalid_argument when the registry refuses the name or labels (registry.h).
  FloatCounter(const Scope& scope, const Info& info) : registration_{&scope, &info, declare()} {}

  void add(double amount) noexcept { add(registration_.site, 0, amount); }
  void add(double amount, const TraceRef& trace) noexcept { point(registration_, 0).add(amount, trace); }

  /// The total: every add that happened before the call is in it. Reads one cell per CPU.
  [[nodiscard]] double value() const noexcept { return detail::read_double(registration_.site, 0); }

  static constexpr detail::Declaration declare() noexcept { return {detail::Cells::float_counter}; }
  static Point point(detail::Site& site, const detail::Registration&) noexcept { return {site, 0}; }
  static Point point(detail::Registration& registration, std::size_t index) noexcept {
    return {registration.site, index * sizeof(double)};
  }

 private:
  /// False: refused.
  static bool add(detail::Site& site, std::size_t offset, double amount) noexcept {
    // One comparison for all that is refused: nothing compares with NaN.
    if (!(amount >= 0 && amount <= __DBL_MAX__)) [[unlikely]] {
      detail::count_drop(amount < 0 ? detail::Drop::negative : detail::Drop::not_finite);
      return false;
    }
    detail::add(site, offset, amount);
    return true;
  }

  detail::Registration registration_;
};

/// A level that rises and falls by steps: requests in flight, bytes in a queue.
///
/// As Counter, at its cost: threads that raise it and others that lower it share no cache line, unlike with a Gauge.
/// May be negative, also in passing: a fold can see one thread's `sub` and not yet another's earlier `add`. Wraps at
/// 2^63.
class UpDownCounter {
 public:
  /// One counter among the points of a labelled metric. Cheap to copy; valid as long as the metric is.
  class Point {
   public:
    void add(std::int64_t n = 1) const noexcept { detail::add(*site_, offset_, static_cast<std::uint64_t>(n)); }
    void sub(std::int64_t n = 1) const noexcept { detail::add(*site_, offset_, 0 - static_cast<std::uint64_t>(n)); }
    [[nodiscard]] std::int64_t value() const noexcept {
      return static_cast<std::int64_t>(detail::read_integer(*site_, offset_));
    }

   private:
    friend class UpDownCounter;
    Point(detail::Site& site, std::size_t offset) noexcept : site_{&site}, offset_{offset} {}
    detail::Site* site_;
    std::size_t offset_;
  };

  /// An unregistered counter: counts, can be read, is not exported.
  UpDownCounter() : registration_{nullptr, nullptr, declare()} {}

  /// Registers a counter. Throws std::invalid_argument when the registry refuses the name or labels (registry.h).
  UpDownCounter(const Scope& scope, const Info& info) : registration_{&scope, &info, declare()} {}

  void add(std::int64_t n = 1) noexcept { detail::add(registration_.site, 0, static_cast<std::uint64_t>(n)); }
  void sub(std::int64_t n = 1) noexcept { detail::add(registration_.site, 0, 0 - static_cast<std::uint64_t>(n)); }

  /// The level: every step that happened before the call is in it. Reads one cell per CPU.
  [[nodiscard]] std::int64_t value() const noexcept {
    return static_cast<std::int64_t>(detail::read_integer(registration_.site, 0));
  }

  static constexpr detail::Declaration declare() noexcept { return {detail::Cells::up_down_counter}; }
  static Point point(detail::Site& site, const detail::Registration&) noexcept { return {site, 0}; }
  static Point point(detail::Registration& registration, std::size_t index) noexcept {
    return {registration.site, index * sizeof(std::uint64_t)};
  }

 private:
  detail::Registration registration_;
};

FAST_TELEMETRY_END_NAMESPACE
