// SPDX-License-Identifier: Apache-2.0
//
// RecordedSpans: a sink that keeps what it is given, for tests to ask.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fast_telemetry/spans/drain.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// A value as text: `7`, `0.5`, `true`, `"text"`, `[1, 2]`, `b"\x01"` without escapes.
inline std::string shown(const RecordedValue& value) {
  const auto array = [&](auto element) {
    std::string text = "[";
    for (std::size_t i = 0; i < value.size(); ++i) text += (i == 0 ? "" : ", ") + element(i);
    return text + "]";
  };
  const auto of_double = [](double number) {
    std::string text = std::to_string(number);
    return text.erase(text.find_last_not_of('0') + 1);
  };
  const auto of_bool = [](bool is) { return std::string{is ? "true" : "false"}; };
  const auto quoted = [](std::string_view text) { return '"' + std::string{text} + '"'; };
  switch (value.type()) {
    case AttributeType::string: return quoted(value.string());
    case AttributeType::bytes: return 'b' + quoted(value.bytes());
    case AttributeType::boolean: return of_bool(value.boolean());
    case AttributeType::integer: return std::to_string(value.integer());
    case AttributeType::floating: return of_double(value.floating());
    case AttributeType::string_array: return array([&](std::size_t i) { return quoted(value.string_at(i)); });
    case AttributeType::boolean_array: return array([&](std::size_t i) { return of_bool(value.boolean_at(i)); });
    case AttributeType::integer_array: return array([&](std::size_t i) { return std::to_string(value.integer_at(i)); });
    case AttributeType::floating_array: return array([&](std::size_t i) { return of_double(value.floating_at(i)); });
  }
  return "?";
}

/// `key=value key=value`.
inline std::string shown(const RecordedAttributes& attributes) {
  std::string text;
  for (const RecordedAttribute& attribute : attributes) {
    text += (text.empty() ? "" : " ") + std::string{attribute.key} + '=' + shown(attribute.value);
  }
  return text;
}

struct RecordedSpan {
  struct Event {
    std::string name;
    std::int64_t time_unix_ns;
    std::string attributes;
    std::uint32_t dropped_attributes;
  };
  struct Link {
    TraceId trace_id;
    SpanId span_id;
    std::uint8_t flags;
    bool is_remote;
    std::string trace_state;
    std::string attributes;
    std::uint32_t dropped_attributes;
  };

  explicit RecordedSpan(const SpanRecord& record)
      : scope{record.scope_name()},
        version{record.scope_version()},
        name{record.name()},
        kind{record.kind()},
        trace_id{record.trace_id()},
        span_id{record.span_id()},
        parent_id{record.parent_id()},
        parent_is_remote{record.parent_is_remote()},
        flags{record.flags()},
        trace_state{record.trace_state()},
        start_unix_ns{record.start_unix_ns()},
        end_unix_ns{record.end_unix_ns()},
        status{record.status()},
        description{record.status_description()},
        attributes{shown(record.attributes())},
        attribute_count{record.attribute_count()},
        dropped_attributes{record.dropped_attributes()},
        dropped_events{record.dropped_events()},
        dropped_links{record.dropped_links()} {
    for (const RecordedEvent& event : record.events()) {
      events.push_back(
          {std::string{event.name}, event.time_unix_ns, shown(event.attributes), event.dropped_attributes});
    }
    for (const RecordedLink& link : record.links()) {
      links.push_back({link.trace_id, link.span_id, link.flags, link.is_remote, std::string{link.trace_state},
                       shown(link.attributes), link.dropped_attributes});
    }
  }

  std::string scope;
  std::string version;
  std::string name;
  SpanKind kind;
  TraceId trace_id;
  SpanId span_id;
  SpanId parent_id;
  bool parent_is_remote;
  std::uint8_t flags;
  std::string trace_state;
  std::int64_t start_unix_ns;
  std::int64_t end_unix_ns;
  SpanStatus status;
  std::string description;
  std::string attributes;
  std::uint32_t attribute_count;
  std::uint32_t dropped_attributes;
  std::uint32_t dropped_events;
  std::uint32_t dropped_links;
  std::vector<Event> events;
  std::vector<Link> links;
};

class RecordedSpans final : public SpanSink {
 public:
  /// Everything that has ended.
  static std::vector<RecordedSpan> drain() {
    RecordedSpans sink;
    drain_spans(sink);
    return std::move(sink.spans_);
  }

  /// The one span that has ended; throws when there are more or none.
  static RecordedSpan drain_one() {
    std::vector<RecordedSpan> all = drain();
    if (all.size() != 1) throw std::logic_error{"drained " + std::to_string(all.size()) + " spans"};
    return std::move(all.front());
  }

  SinkAnswer span(const SpanRecord& record) override {
    spans_.emplace_back(record);
    return SinkAnswer::taken;
  }

 private:
  std::vector<RecordedSpan> spans_;
};

/// Forgets what earlier tests of the process left, and leaves the calling thread a chunk with 30 KB of room: a drain
/// gives spans in the order of their ends only within one.
inline void forget_spans() {
  static const Tracer tracer{"filler"};
  static const std::string more_than_half_a_chunk(33'000, 'x');
  for (int i = 0; i < 2; ++i) {
    Span span = tracer.root("filler");
    span.set_attribute("filler", more_than_half_a_chunk);
  }
  RecordedSpans::drain();
}

FAST_TELEMETRY_END_NAMESPACE
