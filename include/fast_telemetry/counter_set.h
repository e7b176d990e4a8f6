// SPDX-License-Identifier: Apache-2.0
//
// CounterSet<N>: counters that are recorded together. For code that records.
#pragma once

#include <utility>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/labeled.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct DynamicOptions;
template <class Metric, std::size_t keys>
class Dynamic;
namespace detail {
template <class Metric, std::size_t keys>
class KeyedSeries;
}  // namespace detail

/// N values of a CounterSet, by index: `{1, bytes, 0}`.
template <std::size_t count>
struct CounterValues {
  std::uint64_t values[count];

  [[nodiscard]] constexpr std::uint64_t operator[](std::size_t i) const noexcept { return values[i]; }
};

namespace detail {

/// What records in a set of counters, however they came to be.
template <std::size_t count>
class CounterSetPoint {
 public:
  template <class... Points>
    requires(sizeof...(Points) == count)
  explicit CounterSetPoint(const Points&... counters) noexcept : counters_{counters...} {}

  /// Adds to one counter, by number or by an enum of numbers: `enum Slot : std::uint8_t { requests, bytes }`. An index
  /// that is none is a counted drop.
  template <class Index>
  void add(Index index, std::uint64_t n = 1) const noexcept {
    const auto i = static_cast<std::size_t>(index);
    if (i >= count) [[unlikely]] {
      count_drop(Drop::no_such_index);
      return;
    }
    counters_[i].add(n);
  }

  /// Adds the same to every counter.
  void add_all(std::uint64_t n = 1) const noexcept {
    for (const auto& counter : counters_) counter.add(n);
  }

  /// Adds to each counter a value of its own.
  void add_values(const CounterValues<count>& values) const noexcept {
    for (std::size_t i = 0; i < count; ++i) counters_[i].add(values[i]);
  }

  [[nodiscard]] CounterValues<count> values() const noexcept {
    CounterValues<count> result{};
    for (std::size_t i = 0; i < count; ++i) result.values[i] = counters_[i].value();
    return result;
  }

 private:
  Counter::Point counters_[count];
};

}  // namespace detail

/// N counters that one operation records together: requests, bytes in, bytes out, errors. Each is a family of its own,
/// exported like any counter.
///
/// As N Counters, whose cells lie side by side when they are made together; what adding to all of them costs is
/// measured in bench/micro/record_bench.cc. A fold between two of the adds sees one and not yet the other; neither is
/// lost.
template <std::size_t count>
class CounterSet {
  static_assert(count > 0, "a CounterSet has at least one counter");

 public:
  using Point = detail::CounterSetPoint<count>;

  /// Unregistered.
  CounterSet() : CounterSet{std::make_index_sequence<count>{}} {}

  /// Registers the counters, in this order. Throws std::invalid_argument when the registry refuses one of them;
  /// those before it are then destroyed again, with a final value of 0.
  CounterSet(const Scope& scope, const Info (&infos)[count])
      : CounterSet{scope, infos, std::make_index_sequence<count>{}} {}

  /// Adds to one counter, by number or by an enum of numbers. An index that is none is a counted drop.
  template <class Index>
  void add(Index index, std::uint64_t n = 1) noexcept {
    point().add(index, n);
  }
  void add_all(std::uint64_t n = 1) noexcept { point().add_all(n); }
  [[gnu::always_inline]] void add_values(const CounterValues<count>& values) noexcept {
    add_values(values, std::make_index_sequence<count - 1>{});
  }

  [[nodiscard]] CounterValues<count> values() const noexcept { return point().values(); }

  /// The counters of one series, side by side.
  static Point point(detail::Site& site, const detail::Registration&) noexcept {
    return point(site, std::make_index_sequence<count>{});
  }

 private:
  struct Element {
    mutable detail::Registration registration;
  };

  template <std::size_t... is>
  explicit CounterSet(std::index_sequence<is...>)
      : elements_{(static_cast<void>(is), Element{{nullptr, nullptr, Counter::declare()}})...} {}
  template <std::size_t... is>
  CounterSet(const Scope& scope, const Info (&infos)[count], std::index_sequence<is...>)
      : elements_{Element{{&scope, &infos[is], Counter::declare()}}...} {}

  // Not through point(): N addresses at once do not fit the registers.
  template <std::size_t... is>
  [[gnu::always_inline]] void add_values(const CounterValues<count>& values, std::index_sequence<is...>) noexcept {
    (detail::add_first(elements_[is].registration.site, values[is]), ...);
    detail::add(elements_[count - 1].registration.site, 0, values[count - 1]);
  }

  template <std::size_t... is>
  static Point point(detail::Site& site, std::index_sequence<is...>) noexcept {
    return Point{Counter::point(site, is)...};
  }
  [[nodiscard]] Point point() const noexcept { return point(std::make_index_sequence<count>{}); }
  template <std::size_t... is>
  [[nodiscard]] Point point(std::index_sequence<is...>) const noexcept {
    return Point{Counter::point(elements_[is].registration, 0)...};
  }

  Element elements_[count];
};

/// A set of counters per combination of enums: as Labeled<Metric, Enum...>.
template <std::size_t count, class... Enums>
class Labeled<CounterSet<count>, Enums...> {
 public:
  using Point = detail::CounterSetPoint<count>;

  Labeled(const Scope& scope, const Info (&infos)[count]) : Labeled{scope, infos, std::make_index_sequence<count>{}} {}

  [[nodiscard]] Point with(Enums... labels) const noexcept {
    return with(std::make_index_sequence<count>{}, labels...);
  }

 private:
  template <std::size_t... is>
  Labeled(const Scope& scope, const Info (&infos)[count], std::index_sequence<is...>)
      : counters_{Labeled<Counter, Enums...>{scope, infos[is]}...} {}
  template <std::size_t... is>
  [[nodiscard]] Point with(std::index_sequence<is...>, Enums... labels) const noexcept {
    return Point{counters_[is].with(labels...)...};
  }

  Labeled<Counter, Enums...> counters_[count];
};

/// A set of counters per combination of label values, found together: as Dynamic<Metric, N>, include dynamic.h.
template <std::size_t count, std::size_t keys>
class Dynamic<CounterSet<count>, keys> : public detail::KeyedSeries<CounterSet<count>, keys> {
  static_assert(count > 1, "a set of one counter is a Dynamic<Counter, N>");

 public:
  /// Registers one family per counter, in this order. Throws as Dynamic does.
  template <class Options = DynamicOptions>
  Dynamic(const Scope& scope, const Info (&infos)[count], const Text (&label_keys)[keys], const Options& options = {})
      : Dynamic{scope, infos, label_keys, options, std::make_index_sequence<count - 1>{}} {}

 private:
  /// The families after the first, whose series they share.
  struct Member {
    detail::Registration registration;
  };

  template <std::size_t... is>
  Dynamic(const Scope& scope, const Info (&infos)[count], const Text (&label_keys)[keys], const auto& options,
          std::index_sequence<is...>)
      : detail::KeyedSeries<CounterSet<count>, keys>{scope,
                                                     infos[0],
                                                     Counter::declare(),
                                                     {label_keys, keys, options.max_series, options.overflow_key, infos,
                                                      count}},
        members_{
            Member{{&scope, &infos[is + 1], {.cells = detail::Cells::counter, .member = {this->index(), is + 1}}}}...} {
  }

  Member members_[count - 1];
};

FAST_TELEMETRY_END_NAMESPACE
