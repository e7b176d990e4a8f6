// SPDX-License-Identifier: Apache-2.0
//
// Counter: a total that only rises. For code that records.
#pragma once

#include "fast_telemetry/detail/percpu.h"
#include "fast_telemetry/detail/registration.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// A total that only rises: requests, bytes, errors.
///
/// `add` takes about 0.6 ns, alone and on every core at once (bench/micro/record_bench.cc): no lock, no allocation, no
/// system call; the first write attaches the cell. Safe from any thread, from signal handlers, from static
/// initialisers and destructors, in exit handlers, and in a child after fork (whose total starts at zero). Before
/// construction and after destruction a record is a counted drop. Not in a `vfork` child before `exec`.
/// The total wraps at 2^64.
class Counter {
 public:
  /// One counter among the points of a labelled metric: what `Labeled<Counter, …>::with` returns. Cheap to copy; valid
  /// as long as the metric is.
  class Point {
   public:
    void add(std::uint64_t n = 1) const noexcept { detail::add(*site_, offset_, n); }
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
  void inc() noexcept { add(1); }

  /// The total: every add that happened before the call is in it. Reads one cell per CPU.
  [[nodiscard]] std::uint64_t value() const noexcept { return detail::read_integer(registration_.site, 0); }

  static constexpr detail::Declaration declare() noexcept { return {detail::Cells::counter}; }
  static Point point(detail::Registration& registration, std::size_t index) noexcept {
    return {registration.site, index * sizeof(std::uint64_t)};
  }

 private:
  detail::Registration registration_;
};

FAST_TELEMETRY_END_NAMESPACE
