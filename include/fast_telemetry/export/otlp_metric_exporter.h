// SPDX-License-Identifier: Apache-2.0
//
// OtlpMetricExporter: a registry's metrics to a collector, by OTLP over HTTP. For programs that export.
#pragma once

#include "fast_telemetry/encoding/otlp_metrics.h"
#include "fast_telemetry/export/otlp_http.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

enum class OtlpTemporality : std::uint8_t { cumulative, delta, low_memory };

struct OtlpMetricExporterOptions {
  OtlpHttpOptions http = {};
  OtlpTemporality temporality = OtlpTemporality::cumulative;
  OtlpMetricOptions encoding = {};
};

FAST_TELEMETRY_END_NAMESPACE
