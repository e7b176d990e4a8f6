// SPDX-License-Identifier: Apache-2.0
//
// What the Prometheus text formats call the kinds.
#pragma once

#include <string_view>

#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// OpenMetrics's word for it. Format 0.0.4 has the same, but none for info and state sets.
inline std::string_view type_word(Kind kind) noexcept {
  switch (kind) {
    case Kind::counter: return "counter";
    case Kind::histogram:
    case Kind::exponential_histogram: return "histogram";
    case Kind::up_down_counter:
    case Kind::gauge: return "gauge";
    case Kind::info: return "info";
    case Kind::state_set: return "stateset";
  }
  return "unknown";
}

/// What the name of a family's only sample has after the family's own.
inline std::string_view sample_suffix(Kind kind) noexcept {
  if (kind == Kind::counter) return "_total";
  return kind == Kind::info ? "_info" : "";
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
