// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/encoding/json_spans.h"

#include "json_attributes.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
namespace {

template <std::size_t size>
void append_id(ByteBuffer& out, const Id<size>& id) {
  const auto digits = id.hex();
  out.append("\"");
  out.append({digits.chars, sizeof digits.chars});
  out.append("\"");
}

/// Left out when it is none, as is all that says the default.
template <std::size_t size>
void add_id(JsonList& object, std::string_view name, const Id<size>& id) {
  if (id.is_valid()) append_id(object.next(name), id);
}

/// The same as people read them: an object. Keys that differ in ill-formed UTF-8 only may come twice.
struct PlainStyle {
  static constexpr bool is_complete = false;  ///< without what an event has elsewhere, or nobody looks at
  static void string(ByteBuffer& out, std::string_view text) { append_json_string(out, text); }
  static void bytes(ByteBuffer& out, std::string_view bytes) { append_json_bytes(out, bytes); }
  static void boolean(ByteBuffer& out, bool is) { out.append(is ? "true" : "false"); }
  static void integer(ByteBuffer& out, std::int64_t value) {
    constexpr std::int64_t all_doubles_exact = std::int64_t{1} << 53U;
    if (value >= -all_doubles_exact && value <= all_doubles_exact) {
      append_json_integer(out, value);
    } else {
      append_quoted(out, value);
    }
  }
  static void floating(ByteBuffer& out, double value) { append_json_double(out, value); }
  static constexpr std::string_view begin_array = "[";
  static constexpr std::string_view end_array = "]";

  static constexpr std::string_view begin_attributes = "\"attributes\":{";
  static constexpr std::string_view end_attributes = "}";
  static void begin_attribute(ByteBuffer& out, std::string_view key) {
    append_json_string(out, key);
    out.append(":");
  }
  static constexpr std::string_view end_attribute = "";
};

template <class Style>
void add_events(JsonList& span, const SpanRecord& record) {
  ByteBuffer& out = span.next("\"events\":[");
  JsonList events{out};
  for (const RecordedEvent& recorded : record.events()) {
    events.next("{");
    JsonList event{out};
    add_time(event, "\"timeUnixNano\":", recorded.time_unix_ns);
    add_text(event, "\"name\":", recorded.name);
    if (recorded.attribute_count != 0) add_attributes<Style>(event, recorded.attributes);
    add_count(event, "\"droppedAttributesCount\":", recorded.dropped_attributes);
    out.append("}");
  }
  out.append("]");
}

template <class Style>
void add_links(JsonList& span, const SpanRecord& record) {
  ByteBuffer& out = span.next("\"links\":[");
  JsonList links{out};
  for (const RecordedLink& recorded : record.links()) {
    links.next("{");
    JsonList link{out};
    add_id(link, "\"traceId\":", recorded.trace_id);
    add_id(link, "\"spanId\":", recorded.span_id);
    add_text(link, "\"traceState\":", recorded.trace_state);
    if (recorded.attribute_count != 0) add_attributes<Style>(link, recorded.attributes);
    add_count(link, "\"droppedAttributesCount\":", recorded.dropped_attributes);
    add_count(link, "\"flags\":", otlp_flags(recorded.flags, recorded.is_remote));
    out.append("}");
  }
  out.append("]");
}

void add_status(JsonList& span, const SpanRecord& record) {
  ByteBuffer& out = span.next("\"status\":{");
  JsonList status{out};
  if (record.status() == SpanStatus::error) add_text(status, "\"message\":", record.status_description());
  add_count(status, "\"code\":", static_cast<std::uint64_t>(record.status()));
  out.append("}");
}

/// The members of a span but its name, in the order of OTLP's fields.
template <class Style>
void add_span(JsonList& span, const SpanRecord& record) {
  add_id(span, "\"traceId\":", record.trace_id());
  add_id(span, "\"spanId\":", record.span_id());
  add_text(span, "\"traceState\":", record.trace_state());
  add_id(span, "\"parentSpanId\":", record.parent_id());
  if (Style::is_complete) add_count(span, "\"flags\":", otlp_flags(record.flags(), record.parent_is_remote()));
  add_count(span, "\"kind\":", static_cast<std::uint64_t>(record.kind()));
  add_time(span, "\"startTimeUnixNano\":", record.start_unix_ns());
  if (Style::is_complete) add_time(span, "\"endTimeUnixNano\":", record.end_unix_ns());
  if (record.attribute_count() != 0) add_attributes<Style>(span, record.attributes());
  add_count(span, "\"droppedAttributesCount\":", record.dropped_attributes());
  if (record.event_count() != 0) add_events<Style>(span, record);
  add_count(span, "\"droppedEventsCount\":", record.dropped_events());
  if (record.link_count() != 0) add_links<Style>(span, record);
  add_count(span, "\"droppedLinksCount\":", record.dropped_links());
  if (record.status() != SpanStatus::unset) add_status(span, record);
}

/// Nanoseconds from one time to another, which may be anything, as microseconds with three decimals.
void append_microseconds(ByteBuffer& out, std::int64_t from, std::int64_t to) {
  auto magnitude = static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
  if (to < from) {
    out.append("-");
    magnitude = 0 - magnitude;
  }
  append_json_integer(out, magnitude / 1000);
  const auto rest = static_cast<unsigned>(magnitude % 1000);
  const char decimals[] = {'.', static_cast<char>('0' + rest / 100), static_cast<char>('0' + rest / 10 % 10),
                           static_cast<char>('0' + rest % 10)};
  out.append({decimals, sizeof decimals});
}

/// A row per trace. Viewers keep 31 bits of it.
std::uint64_t row_of(const TraceId& trace) noexcept {
  std::uint32_t low = 0;
  std::memcpy(&low, trace.bytes + sizeof trace.bytes - sizeof low, sizeof low);
  return low & 0x7FFFFFFFU;
}

}  // namespace
}  // namespace detail

void append_json_line(ByteBuffer& out, const SpanRecord& record, const JsonResource& resource) {
  using namespace detail;  // NOLINT(google-build-using-namespace): the line is made of it
  out.append("{\"resourceSpans\":[{");
  out.append(resource.view());
  out.append("\"scopeSpans\":[{\"scope\":{");
  JsonList scope{out};
  add_text(scope, "\"name\":", record.scope_name());
  add_text(scope, "\"version\":", record.scope_version());
  out.append("},\"spans\":[{");
  JsonList span{out};
  add_text(span, "\"name\":", record.name());
  add_span<OtlpStyle>(span, record);
  out.append("}]}]}]}\n");
}

void append_chrome_event(ByteBuffer& out, const SpanRecord& record, const ChromeTrace& trace) {
  using namespace detail;  // NOLINT(google-build-using-namespace): the event is made of it
  const std::int64_t start = record.start_unix_ns();
  const std::int64_t end = record.end_unix_ns();
  out.append("{\"ph\":\"X\",\"name\":");
  append_json_string(out, record.name());
  out.append(",\"cat\":");
  append_json_string(out, record.scope_name());
  out.append(",\"pid\":");
  append_json_integer(out, std::uint64_t{trace.process_id});
  out.append(",\"tid\":");
  append_json_integer(out, row_of(record.trace_id()));
  out.append(",\"ts\":");
  append_microseconds(out, trace.base_unix_ns, start);
  out.append(",\"dur\":");
  append_microseconds(out, start, end < start ? start : end);
  out.append(",\"args\":{");
  JsonList args{out};
  add_span<PlainStyle>(args, record);
  out.append("}},\n");
}

void append_chrome_end(ByteBuffer& out, std::string_view process_name, const ChromeTrace& trace) {
  out.append("{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":");
  detail::append_json_integer(out, std::uint64_t{trace.process_id});
  out.append(",\"args\":{\"name\":");
  detail::append_json_string(out, process_name);
  out.append("}}\n]\n");
}

FAST_TELEMETRY_END_NAMESPACE
