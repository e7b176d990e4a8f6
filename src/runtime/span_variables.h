// SPDX-License-Identifier: Apache-2.0
//
// OpenTelemetry's variables about which spans are recorded, and how much of each.
#pragma once

#include <optional>

#include "fast_telemetry/spans/tracer.h"
#include "variables.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG; nothing: not set.
[[nodiscard]] std::optional<Sampler> read_sampler(Variables& variables);

/// OTEL_SPAN_…_LIMIT and what stands for them; nothing: none is set.
[[nodiscard]] std::optional<SpanLimits> read_span_limits(Variables& variables);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
