// SPDX-License-Identifier: Apache-2.0
//
// One span as OTLP has it: opentelemetry.proto.trace.v1.Span.
#pragma once

#include "fast_telemetry/encoding/buffer.h"
#include "fast_telemetry/spans/span_record.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Appends the span as a field of ScopeSpans. `scratch` is for text that has to be repaired.
void append_otlp_span(ByteBuffer& out, const SpanRecord& record, ByteBuffer& scratch);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
