// SPDX-License-Identifier: Apache-2.0
//
// OtlpSpanExporter: finished spans to a collector, by OTLP over HTTP. For programs that export.
#pragma once

#include "fast_telemetry/encoding/otlp_spans.h"
#include "fast_telemetry/export/otlp_http.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct OtlpSpanExporterOptions {
  OtlpHttpOptions http = {};
  OtlpSpanOptions encoding = {};
};

FAST_TELEMETRY_END_NAMESPACE
