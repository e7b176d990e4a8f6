// SPDX-License-Identifier: Apache-2.0
//
// StateSet<Enum>: which one of several states something is in. For code that records.
#pragma once

#include "fast_telemetry/detail/percpu.h"
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
    void set(E state) const noexcept { detail::set(*site_, offset_, static_cast<unsigned char>(state)); }
    [[nodiscard]] E get() const noexcept {
      return static_cast<E>(static_cast<unsigned char>(detail::read_gauge(*site_, offset_)));
    }

   private:
    friend class StateSet;
    Point(detail::Site& site, std::size_t offset) noexcept : site_{&site}, offset_{offset} {}
    detail::Site* site_;
    std::size_t offset_;
  };

  /// An unregistered state set: can be set and read, is not exported.
  StateSet() : registration_{nullptr, nullptr, declare()} {}

  /// Registers a state set. Throws std::invalid_argument when the registry refuses the name or labels (registry.h),
  /// when `info` has a unit, when two states have one name, or when a label has the family's full name as its key.
  StateSet(const Scope& scope, const Info& info) : registration_{&scope, &info, declare()} {}

  void set(E state) noexcept { detail::set(registration_.site, 0, static_cast<unsigned char>(state)); }
  [[nodiscard]] E get() const noexcept {
    return static_cast<E>(static_cast<unsigned char>(detail::read_gauge(registration_.site, 0)));
  }

  static constexpr detail::Declaration declare() noexcept {
    return {.cells = detail::Cells::state_set, .states = {detail::labels_of<E>.labels, detail::label_count<E>()}};
  }
  static Point point(detail::Registration& registration, std::size_t index) noexcept {
    return {registration.site, index * detail::gauge_cells * sizeof(std::uint64_t)};
  }

 private:
  detail::Registration registration_;
};

FAST_TELEMETRY_END_NAMESPACE
