// SPDX-License-Identifier: Apache-2.0
//
// What otlp_text.h has to show for a recorded span, written from the record by the rules of OTLP.
#pragma once

#include <string>

#include "fast_telemetry/spans/span_record.h"
#include "src/core/utf8.h"
#include "tests/support/otlp_text.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

class ExpectedOtlp {
 public:
  /// With the indentation that a span has in a request.
  static std::string of(const SpanRecord& record) {
    ExpectedOtlp expected;
    expected.begin("", "span");
    expected.span(record);
    return expected.text_;
  }

 private:
  void begin(const std::string& indent, const char* message) {
    text_ += (std::string_view{message} == "span" ? "    " : "      ") + indent + message + "\n";
  }
  void line(const std::string& indent, const char* name, const std::string& value) {
    text_ += "      " + indent + name + ": " + value + "\n";
  }
  void text(const std::string& indent, const char* name, std::string_view value) {
    if (!value.empty()) line(indent, name, detail::repaired(value));
  }
  void count(const std::string& indent, const char* name, std::uint32_t value) {
    if (value != 0) line(indent, name, std::to_string(value));
  }
  template <class Id>
  void id(const std::string& indent, const char* name, const Id& id) {
    const auto digits = id.hex();
    if (id.is_valid()) line(indent, name, std::string{digits.text().data(), digits.text().size()});
  }

  void element(const std::string& indent, AttributeType type, const RecordedValue& value, std::size_t i) {
    switch (type) {
      case AttributeType::string_array: return line(indent, "string", detail::repaired(value.string_at(i)));
      case AttributeType::boolean_array: return line(indent, "bool", value.boolean_at(i) ? "true" : "false");
      case AttributeType::integer_array: return line(indent, "int", std::to_string(value.integer_at(i)));
      default: return line(indent, "double", otlp_text::hex(value.floating_at(i)));
    }
  }

  void attributes(const std::string& indent, const RecordedAttributes& attributes) {
    for (const RecordedAttribute& attribute : attributes) {
      begin(indent, "attribute");
      text(indent + "  ", "key", attribute.key);
      begin(indent + "  ", "value");
      const std::string inner = indent + "    ";
      const RecordedValue& value = attribute.value;
      switch (value.type()) {
        case AttributeType::string: line(inner, "string", detail::repaired(value.string())); break;
        case AttributeType::bytes: line(inner, "bytes", otlp_text::hex(value.bytes())); break;
        case AttributeType::boolean: line(inner, "bool", value.boolean() ? "true" : "false"); break;
        case AttributeType::integer: line(inner, "int", std::to_string(value.integer())); break;
        case AttributeType::floating: line(inner, "double", otlp_text::hex(value.floating())); break;
        default:
          begin(inner, "array");
          for (std::size_t i = 0; i < value.size(); ++i) {
            begin(inner + "  ", "values");
            element(inner + "    ", value.type(), value, i);
          }
      }
    }
  }

  void span(const SpanRecord& record) {
    id("", "trace_id", record.trace_id());
    id("", "span_id", record.span_id());
    text("", "trace_state", record.trace_state());
    id("", "parent_span_id", record.parent_id());
    text("", "name", record.name());
    line("", "kind", std::to_string(static_cast<int>(record.kind())));
    line("", "start", std::to_string(record.start_unix_ns()));
    line("", "end", std::to_string(record.end_unix_ns()));
    attributes("", record.attributes());
    count("", "dropped_attributes", record.dropped_attributes());
    for (const RecordedEvent& event : record.events()) {
      begin("", "event");
      line("  ", "time", std::to_string(event.time_unix_ns));
      text("  ", "name", event.name);
      attributes("  ", event.attributes);
      count("  ", "dropped_attributes", event.dropped_attributes);
    }
    count("", "dropped_events", record.dropped_events());
    for (const RecordedLink& link : record.links()) {
      begin("", "link");
      id("  ", "trace_id", link.trace_id);
      id("  ", "span_id", link.span_id);
      text("  ", "trace_state", link.trace_state);
      attributes("  ", link.attributes);
      count("  ", "dropped_attributes", link.dropped_attributes);
      line("  ", "flags", std::to_string(link.flags + 256 + (link.is_remote ? 512 : 0)));
    }
    count("", "dropped_links", record.dropped_links());
    if (record.status() != SpanStatus::unset) {
      begin("", "status");
      text("  ", "message", record.status_description());
      line("  ", "code", record.status() == SpanStatus::ok ? "1" : "2");
    }
    line("", "flags", std::to_string(record.flags() + 256 + (record.parent_is_remote() ? 512 : 0)));
  }

  std::string text_;
};

FAST_TELEMETRY_END_NAMESPACE
