// SPDX-License-Identifier: Apache-2.0
//
// Labeled<Metric, Enum...>: one metric per combination of enum values, by array arithmetic. For code that records.
#pragma once

#include "fast_telemetry/detail/registration.h"
#include "fast_telemetry/label.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {

/// Says in a sentence what is missing; each message is one of the ways to get a label enum wrong.
template <class E>
consteval bool check_label_enum() {
  static_assert(!is_enum_of_bool<E>(),
                "an enum of bool cannot be a label enum, since every byte but 0 is its second enumerator: write "
                "`enum class E : std::uint8_t { … }`");
  static_assert(is_byte_enum<E> || is_enum_of_bool<E>(),
                "a label enum needs an 8-bit underlying type: `enum class E : std::uint8_t { … }`");
  if constexpr (is_byte_enum<E>) {
    static_assert(HasLabel<E>,
                  "write `constexpr fast_telemetry::Label label(E)` in the enum's own namespace: a switch that returns "
                  "{\"key\", \"value\"} for each enumerator and {} after it");
    if constexpr (HasLabel<E>) {
      static_assert(label_count<E>() > 0,
                    "label(E) must give one key and a non-empty value to the enumerators 0, 1, 2, … without a gap, and "
                    "{} to everything else");
      static_assert(!forgets_an_enumerator<E>(),
                    "label(E) gives no label to an enumerator after the last labelled one: give it one, or, if it only "
                    "counts or marks an end, make it a constant outside of the enum");
    }
  }
  return LabelEnum<E>;
}

/// Combinations of the enums' values; 1 of none.
template <class... Enums>
inline constexpr std::size_t label_combinations = (std::size_t{1} * ... * label_count<Enums>());

/// Which point of a labelled metric has these labels: the spare one, after all others, if one of them is no enumerator.
template <class... Enums>
constexpr std::size_t label_index(Enums... labels) noexcept {
  std::size_t index = 0;
  bool valid = true;
  ((valid &= static_cast<unsigned char>(labels) < label_count<Enums>(),
    index = index * label_count<Enums>() + static_cast<unsigned char>(labels)),
   ...);
  return valid ? index : label_combinations<Enums...>;
}

template <class... Enums>
const Axis* label_axes() noexcept {
  static constexpr Axis table[] = {{labels_of<Enums>.labels, label_count<Enums>()}...};
  return table;
}

}  // namespace detail

/// One `Metric` for every combination of one or several enums: `Labeled<Counter, Command, Outcome>`.
///
/// `with(Command::get, Outcome::ok).add()` is array arithmetic and then the metric's own write. All combinations exist
/// from the start and are exported, in enumerator order, also while they are zero. A value that is no enumerator (a
/// byte cast from the network) never indexes past the cells: it goes to one spare point that is exported with the value
/// `invalid` for every enum's key, once it is not zero. Other promises are those of `Metric`.
template <class Metric, class... Enums>
class Labeled {
  static_assert(sizeof...(Enums) > 0, "name at least one label enum");
  static_assert((detail::check_label_enum<Enums>() && ...));

 public:
  using Point = typename Metric::Point;

  /// Combinations of labels, without the spare point.
  static constexpr std::size_t combinations = detail::label_combinations<Enums...>;

  /// Registers the metric. What follows `info` is what the metric itself takes (a histogram's bounds). Throws as the
  /// metric does; std::invalid_argument when two points would have the same labels (an enum gives one value twice, or
  /// `invalid`); std::length_error when all combinations together exceed one run.
  template <class... Args>
  Labeled(const Scope& scope, const Info& info, const Args&... args)
      : registration_{&scope, &info, Metric::declare(args...), detail::label_axes<Enums...>(), sizeof...(Enums)} {}

  /// The point with these labels. Cheap to copy; valid as long as the metric is.
  [[nodiscard]] Point with(Enums... labels) const noexcept {
    return Metric::point(registration_, detail::label_index(labels...));
  }

  /// The sum of all points' values, the spare one included, for metrics that have a `value()`.
  [[nodiscard]] auto total() const noexcept
    requires requires(const Point& p) { p.value(); }
  {
    auto sum = Metric::point(registration_, combinations).value();
    for (std::size_t i = 0; i < combinations; ++i) sum += Metric::point(registration_, i).value();
    return sum;
  }

 private:
  mutable detail::Registration registration_;
};

FAST_TELEMETRY_END_NAMESPACE
