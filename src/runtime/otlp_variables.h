// SPDX-License-Identifier: Apache-2.0
//
// OTEL_EXPORTER_OTLP_…: what one signal is sent with.
#pragma once

#include <optional>

#include "fast_telemetry/export/otlp_metric_exporter.h"
#include "variables.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// A variable of the signal (…_METRICS_ENDPOINT) stands for the one of all signals, also for headers: what was meant
/// for another receiver goes to no receiver of the signal's own. Nothing, with a warning, when the endpoint is none:
/// what it was meant to receive is then not sent elsewhere. What files there are is left to the exporter, which refuses
/// those it cannot read.
[[nodiscard]] std::optional<OtlpHttpOptions> read_otlp_http(Variables& variables, OtlpSignal signal);

[[nodiscard]] OtlpTemporality read_otlp_temporality(Variables& variables);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
