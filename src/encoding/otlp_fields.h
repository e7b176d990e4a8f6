// SPDX-License-Identifier: Apache-2.0
//
// The numbers of the fields that we write, of OpenTelemetry's messages for traces (trace.proto, resource.proto,
// common.proto, trace_service.proto). Those of attributes are in otlp_attributes.h.
#pragma once

#include "protobuf.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct ExportTraceServiceRequestField {
  enum : FieldNumber { resource_spans = 1 };
};
struct ResourceSpansField {
  enum : FieldNumber { resource = 1, scope_spans };
};
struct ResourceField {
  enum : FieldNumber { attributes = 1 };
};
struct ScopeSpansField {
  enum : FieldNumber { scope = 1, spans };
};
struct ScopeField {
  enum : FieldNumber { name = 1, version };
};
struct SpanField {
  enum : FieldNumber {
    trace_id = 1,
    span_id,
    trace_state,
    parent_span_id,
    name,
    kind,
    start_time_unix_nano,
    end_time_unix_nano,
    attributes,
    dropped_attributes_count,
    events,
    dropped_events_count,
    links,
    dropped_links_count,
    status,
    flags,
  };
};
struct EventField {
  enum : FieldNumber { time_unix_nano = 1, name, attributes, dropped_attributes_count };
};
struct LinkField {
  enum : FieldNumber { trace_id = 1, span_id, trace_state, attributes, dropped_attributes_count, flags };
};
struct StatusField {
  enum : FieldNumber { message = 2, code };
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
