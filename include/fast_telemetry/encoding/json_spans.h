// SPDX-License-Identifier: Apache-2.0
//
// Finished spans as JSON: a line per span, or events that trace viewers open. For programs that export, and for sinks
// of one's own; SpanFile (export/span_file.h) writes either into a file.
#pragma once

#include "fast_telemetry/encoding/buffer.h"
#include "fast_telemetry/encoding/json_resource.h"
#include "fast_telemetry/spans/span_record.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Appends one line, which is a whole message of OTLP/JSON: an `opentelemetry.proto.trace.v1.TracesData` with this
/// span, its scope, and the resource, if there is one. That is what OpenTelemetry's file exporter writes, and what `jq`
/// takes line by line.
///
/// Names and values follow OTLP's JSON encoding: ids in hexadecimal, integers of 64 bits as strings, enums as numbers,
/// bytes in base64, what is no finite double as `"NaN"` or `"Infinity"`. Ill-formed UTF-8 becomes U+FFFD. A newline
/// stands at the end and nowhere else. Throws std::bad_alloc only, and may have appended a part of the line then.
void append_json_line(ByteBuffer& out, const SpanRecord& record, const JsonResource& resource = {});

/// The numbers that a trace viewer wants beside a span.
struct ChromeTrace {
  std::uint32_t process_id = 0;
  /// What times are told from. Viewers take them for doubles of microseconds, which count nanoseconds no longer when
  /// they count from 1970: children would seem to outlast their parents.
  std::int64_t base_unix_ns = 0;
};

/// Appends one complete event (`"ph":"X"`) of the Chrome trace event format, a comma and a newline: an element of a
/// JSON array that need not be closed, so that what a killed process leaves can be opened.
///
/// The row (`tid`) is the trace: spans of one trace stand above each other by their times. `cat` is the scope; `args`
/// has the rest as append_json_line has it, but attributes as a plain object, and neither flags nor the time of the
/// end. Errors as append_json_line.
void append_chrome_event(ByteBuffer& out, const SpanRecord& record, const ChromeTrace& trace);

/// Appends the last element of such an array, which names the process, and its end: the whole is valid JSON then.
void append_chrome_end(ByteBuffer& out, std::string_view process_name, const ChromeTrace& trace);

FAST_TELEMETRY_END_NAMESPACE
