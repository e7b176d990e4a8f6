// SPDX-License-Identifier: Apache-2.0
//
// Attributes in JSON, in the style that a format wants.
#pragma once

#include "fast_telemetry/spans/span_record.h"
#include "json_list.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// How attributes look: as OTLP has them, a list of keys and typed values.
struct OtlpStyle {
  static constexpr bool is_complete = true;
  static void string(ByteBuffer& out, std::string_view text) {
    out.append("{\"stringValue\":");
    append_json_string(out, text);
    out.append("}");
  }
  static void bytes(ByteBuffer& out, std::string_view bytes) {
    out.append("{\"bytesValue\":");
    append_json_bytes(out, bytes);
    out.append("}");
  }
  static void boolean(ByteBuffer& out, bool is) { out.append(is ? "{\"boolValue\":true}" : "{\"boolValue\":false}"); }
  static void integer(ByteBuffer& out, std::int64_t value) {
    out.append("{\"intValue\":");
    append_quoted(out, value);
    out.append("}");
  }
  static void floating(ByteBuffer& out, double value) {
    out.append("{\"doubleValue\":");
    append_json_double(out, value);
    out.append("}");
  }
  static constexpr std::string_view begin_array = "{\"arrayValue\":{\"values\":[";
  static constexpr std::string_view end_array = "]}}";

  static constexpr std::string_view begin_attributes = "\"attributes\":[";
  static constexpr std::string_view end_attributes = "]";
  static void begin_attribute(ByteBuffer& out, std::string_view key) {
    out.append("{\"key\":");
    append_json_string(out, key);
    out.append(",\"value\":");
  }
  static constexpr std::string_view end_attribute = "}";
};

/// `Value` is a RecordedValue or reads like one.
template <class Style, class Value>
void append_value(ByteBuffer& out, const Value& value) {
  const auto array = [&](auto append_element) {
    out.append(Style::begin_array);
    JsonList elements{out};
    for (std::size_t i = 0; i < value.size(); ++i) append_element(elements.next(), i);
    out.append(Style::end_array);
  };
  switch (value.type()) {
    case AttributeType::string: return Style::string(out, value.string());
    case AttributeType::bytes: return Style::bytes(out, value.bytes());
    case AttributeType::boolean: return Style::boolean(out, value.boolean());
    case AttributeType::integer: return Style::integer(out, value.integer());
    case AttributeType::floating: return Style::floating(out, value.floating());
    case AttributeType::boolean_array:
      return array([&](ByteBuffer& to, std::size_t i) { Style::boolean(to, value.boolean_at(i)); });
    case AttributeType::integer_array:
      return array([&](ByteBuffer& to, std::size_t i) { Style::integer(to, value.integer_at(i)); });
    case AttributeType::floating_array:
      return array([&](ByteBuffer& to, std::size_t i) { Style::floating(to, value.floating_at(i)); });
    case AttributeType::string_array:
      return array([&](ByteBuffer& to, std::size_t i) { Style::string(to, value.string_at(i)); });
  }
}

template <class Style, class Value>
void append_attribute(ByteBuffer& out, std::string_view key, const Value& value) {
  Style::begin_attribute(out, key);
  append_value<Style>(out, value);
  out.append(Style::end_attribute);
}

/// One of OTLP's, of text.
inline void append_text_attribute(ByteBuffer& out, std::string_view key, std::string_view value) {
  OtlpStyle::begin_attribute(out, key);
  OtlpStyle::string(out, value);
  out.append(OtlpStyle::end_attribute);
}

template <class Style>
void add_attributes(JsonList& object, const RecordedAttributes& attributes) {
  JsonList list{object.next(Style::begin_attributes)};
  for (const RecordedAttribute& attribute : attributes) {
    append_attribute<Style>(list.next(), attribute.key, attribute.value);
  }
  object.buffer().append(Style::end_attributes);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
