// SPDX-License-Identifier: Apache-2.0
//
// InfoMetric: labels without a value, such as the version that runs. For code that declares metrics.
#pragma once

#include "fast_telemetry/detail/registration.h"
#include "fast_telemetry/registry.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Something about the program that is text: which model was loaded, which device answers.
///
/// The labels are set when it is made and are what identifies its series: to change one, destroy the metric and make it
/// anew. Values are any text, and an empty one means that the label is absent. Formats add `_info` to the name, and
/// take it off first if it is there; an info metric has no unit. Costs nothing but its text.
class InfoMetric {
 public:
  /// Registers the metric. Throws std::invalid_argument when the registry refuses the name or labels (registry.h), or
  /// when `info` has a unit.
  InfoMetric(const Scope& scope, const Info& info, std::initializer_list<Label> labels)
      : InfoMetric{Scope{scope, Text{}, labels}, info} {}

 private:
  InfoMetric(const Scope& labelled, const Info& info) : registration_{&labelled, &info, {detail::Cells::info}} {}

  detail::Registration registration_;
};

FAST_TELEMETRY_END_NAMESPACE
