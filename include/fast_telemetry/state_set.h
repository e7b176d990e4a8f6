// SPDX-License-Identifier: Apache-2.0
//
// StateSet<Enum>: which one of several states something is in. For code that records.
#pragma once

#include "fast_telemetry/gauge.h"
#include "fast_telemetry/labeled.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// One state of an enum: a circuit breaker that is closed, open or half open. The first enumerator's until it is set.
///
/// The enum is a label enum: `label(E)` gives each state its name, as the label's value. Its key is not exported: both
/// text formats have the family's name as the key, `breaker{breaker="open"} 1`, and a line with 0 for each other state.
/// A state set has no unit. `set` is as Gauge::set: one store, safe where Counter::add is safe; a child after fork is
/// in the first state. After a value that is no enumerator no state is on.
template <class E>
class StateSet {
  static_assert(detail::check_label_enum<E>());

 public:
  /// One state set among the points of a labelled one. Cheap to copy; valid as long as the metric is.
  class Point {
   public:
    void set(E state) const noexcept { number_.set(static_cast<unsigned char>(state)); }
    [[nodiscard]] E get() const noexcept { return static_cast<E>(static_cast<unsigned char>(number_.get())); }

   private:
    friend class StateSet;
    explicit Point(const Gauge<std::int64_t>::Point& number) noexcept : number_{number} {}
    Gauge<std::int64_t>::Point number_;
  };

  /// An unregistered state set: can be set and read, is not exported.
  StateSet() : registration_{nullptr, nullptr, declare()} {}

  /// Registers a state set. Throws std::invalid_argument when the registry refuses the name or labels (registry.h),
  /// when `info` has a unit, when two states have one name, or when a label has the family's full name as its key.
  StateSet(const Scope& scope, const Info& info) : registration_{&scope, &info, declare()} {}

  void set(E state) noexcept { point(registration_, 0).set(state); }
  [[nodiscard]] E get() const noexcept { return point(registration_, 0).get(); }

  static constexpr detail::Declaration declare() noexcept {
    return {.cells = detail::Cells::state_set, .states = {detail::labels_of<E>.labels, detail::label_count<E>()}};
  }
  static Point point(detail::Registration& registration, std::size_t index) noexcept {
    return Point{Gauge<std::int64_t>::point(registration, index)};
  }

 private:
  mutable detail::Registration registration_;
};

FAST_TELEMETRY_END_NAMESPACE
