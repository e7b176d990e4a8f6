// SPDX-License-Identifier: Apache-2.0
//
// DynamicFree<Metric>: a metric per set of labels, keys and values, that are known at run time only.
#pragma once

#include <initializer_list>

#include "fast_telemetry/dynamic.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// A label as it is written in a call: `{"tenant", tenant}`. For the time of that call.
struct FreeLabel {
  Text key;
  detail::LabelText value;
};

/// One `Metric` for every set of labels that occurs, with any keys:
///
///     ft::DynamicFree<ft::Counter> events{scope, {.name = "events"}};
///     events.at({{"tenant", tenant}, {"kind", 7}}).add();
///
/// As Dynamic, at some nanoseconds more per label. The order of labels does not matter; of a key that is given twice
/// the last value counts; a label whose value is empty is absent; the empty set is a series. Keys are checked when a
/// set first occurs: one that no label key may be (label.h), that is the scope's, or that is the overflow series' own,
/// sends the record to the overflow series, and the diagnostics hook is told. Up to 32 labels are sorted without an
/// allocation.
template <class Metric>
class DynamicFree : public detail::SeriesOf<Metric> {
 public:
  using typename detail::SeriesOf<Metric>::Handle;
  using typename detail::SeriesOf<Metric>::Found;

  /// Registers the metric, as Dynamic does.
  template <class... Args>
  DynamicFree(const Scope& scope, const Info& info, const DynamicOptions& options, const Args&... args)
      : detail::SeriesOf<Metric>{
            scope, info, Metric::declare(args...), {nullptr, 0, options.max_series, options.overflow_key}} {}
  DynamicFree(const Scope& scope, const Info& info)
    requires requires { Metric::declare(); }
      : DynamicFree{scope, info, DynamicOptions{}} {}

  /// The series with these labels, for one expression.
  Found at(std::initializer_list<FreeLabel> labels) noexcept { return at(source(labels)); }
  Found at(const Label* labels, std::size_t count) noexcept { return at(source(labels, count)); }

  /// The series with these labels, to keep.
  [[nodiscard]] Handle with(std::initializer_list<FreeLabel> labels) noexcept { return with(source(labels)); }
  [[nodiscard]] Handle with(const Label* labels, std::size_t count) noexcept { return with(source(labels, count)); }

  /// The same, made by nobody: if there is no such series, the handle is false and reads as zero.
  [[nodiscard]] Handle find(std::initializer_list<FreeLabel> labels) const noexcept { return find(source(labels)); }
  [[nodiscard]] Handle find(const Label* labels, std::size_t count) const noexcept {
    return find(source(labels, count));
  }

 private:
  static detail::LabelSource source(std::initializer_list<FreeLabel> labels) noexcept {
    return {labels.begin(), labels.size(), [](const void* first, std::size_t i) {
              const FreeLabel& label = static_cast<const FreeLabel*>(first)[i];
              return Label{label.key, label.value.text()};
            }};
  }
  static detail::LabelSource source(const Label* labels, std::size_t count) noexcept {
    return {labels, count, [](const void* first, std::size_t i) { return static_cast<const Label*>(first)[i]; }};
  }

  Found at(const detail::LabelSource& labels) noexcept {
    return {registration_.pin_labels(labels), registration_.shape()};
  }
  Handle with(const detail::LabelSource& labels) noexcept {
    return {registration_.acquire_labels(labels), registration_.shape()};
  }
  Handle find(const detail::LabelSource& labels) const noexcept {
    return {registration_.find_labels(labels), registration_.shape()};
  }

  using detail::SeriesOf<Metric>::registration_;
};

FAST_TELEMETRY_END_NAMESPACE
