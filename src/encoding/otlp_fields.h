// SPDX-License-Identifier: Apache-2.0
//
// The numbers of the fields that we write, of OpenTelemetry's messages for traces and metrics (trace.proto,
// metrics.proto, resource.proto, common.proto, trace_service.proto, metrics_service.proto). Those of attributes are in
// otlp_attributes.h.
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
  enum : FieldNumber { name = 1, version, attributes };
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

struct ExportMetricsServiceRequestField {
  enum : FieldNumber { resource_metrics = 1 };
};
struct ResourceMetricsField {
  enum : FieldNumber { resource = 1, scope_metrics };
};
struct ScopeMetricsField {
  enum : FieldNumber { scope = 1, metrics, schema_url };
};
struct MetricField {
  enum : FieldNumber {
    name = 1,
    description,
    unit,
    gauge = 5,
    sum = 7,
    histogram = 9,
    exponential_histogram,
  };
};
/// Of Gauge, Sum, Histogram and ExponentialHistogram, which have the same ones as far as they have them.
struct MetricDataField {
  enum : FieldNumber { data_points = 1, aggregation_temporality, is_monotonic };
};
struct NumberDataPointField {
  enum : FieldNumber { start_time_unix_nano = 2, time_unix_nano, as_double, exemplars, as_int, attributes };
};
struct HistogramDataPointField {
  enum : FieldNumber {
    start_time_unix_nano = 2,
    time_unix_nano,
    count,
    sum,
    bucket_counts,
    explicit_bounds,
    exemplars,
    attributes,
    min = 11,
    max,
  };
};
struct ExponentialHistogramDataPointField {
  enum : FieldNumber {
    attributes = 1,
    start_time_unix_nano,
    time_unix_nano,
    count,
    sum,
    scale,
    zero_count,
    positive,
    exemplars = 11,
    min,
    max,
    zero_threshold,
  };
};
struct BucketsField {
  enum : FieldNumber { offset = 1, bucket_counts };
};
struct ExemplarField {
  enum : FieldNumber { time_unix_nano = 2, as_double, span_id, trace_id, as_int, filtered_attributes };
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
