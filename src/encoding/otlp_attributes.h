// SPDX-License-Identifier: Apache-2.0
//
// Attributes as OTLP has them: opentelemetry.proto.common.v1.KeyValue, written from whatever knows its type.
#pragma once

#include "fast_telemetry/spans/attribute.h"
#include "fast_telemetry/visitor.h"
#include "protobuf.h"
#include "utf8_text.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct AnyValueField {
  enum : FieldNumber { string_value = 1, bool_value, int_value, double_value, array_value, bytes_value = 7 };
};
struct ArrayValueField {
  enum : FieldNumber { values = 1 };
};
struct KeyValueField {
  enum : FieldNumber { key = 1, value };
};

/// A field of type string; left out when empty, which is how it reads then.
inline void add_text(ProtobufWriter& message, FieldNumber field, std::string_view text, ByteBuffer& scratch) {
  if (!text.empty()) add_bytes(message, field, Utf8Text{text}.in(scratch));
}

/// Appends KeyValues as fields of a message that is being written into `out`. `scratch` is for text that has to be
/// repaired.
class AttributeWriter {
 public:
  AttributeWriter(ByteBuffer& out, ByteBuffer& scratch) noexcept : out_{out}, scratch_{scratch} {}

  /// What a label says. One with an empty value is absent.
  void write(FieldNumber field, const Label& label) {
    if (!label.value.empty()) write_text(field, view(label.key), view(label.value));
  }

  /// `Value` is a RecordedValue or reads like one.
  template <class Value>
  void write(ProtobufWriter& message, FieldNumber field, std::string_view key, const Value& value) {
    switch (value.type()) {
      case AttributeType::string: return write_text(field, key, value.string());
      case AttributeType::bytes: {
        const std::string_view bytes = value.bytes();
        return write_sized(field, key, sized_field(bytes.size()), [&](FieldCursor& any) {
          any.begin(AnyValueField::bytes_value, bytes.size());
          any.bytes(bytes);
        });
      }
      case AttributeType::boolean:
        return write_sized(field, key, 2,
                           [&](FieldCursor& any) { any.number(AnyValueField::bool_value, value.boolean() ? 1 : 0); });
      case AttributeType::integer: {
        const auto bits = static_cast<std::uint64_t>(value.integer());
        return write_sized(field, key, 1 + static_cast<std::size_t>(protozero::length_of_varint(bits)),
                           [&](FieldCursor& any) { any.number(AnyValueField::int_value, bits); });
      }
      case AttributeType::floating:
        return write_sized(field, key, 1 + sizeof(double),
                           [&](FieldCursor& any) { any.real(AnyValueField::double_value, value.floating()); });
      case AttributeType::boolean_array:
        return write_array(message, field, key, value.size(), [&](ProtobufWriter& any, std::size_t i) {
          any.add_uint32(AnyValueField::bool_value, value.boolean_at(i) ? 1 : 0);
        });
      case AttributeType::integer_array:
        return write_array(message, field, key, value.size(), [&](ProtobufWriter& any, std::size_t i) {
          any.add_int64(AnyValueField::int_value, value.integer_at(i));
        });
      case AttributeType::floating_array:
        return write_array(message, field, key, value.size(), [&](ProtobufWriter& any, std::size_t i) {
          any.add_double(AnyValueField::double_value, value.floating_at(i));
        });
      case AttributeType::string_array:
        return write_array(message, field, key, value.size(), [&](ProtobufWriter& any, std::size_t i) {
          add_bytes(any, AnyValueField::string_value, Utf8Text{value.string_at(i)}.in(scratch_));
        });
    }
  }

 private:
  void write_text(FieldNumber field, std::string_view key, std::string_view value) {
    const Utf8Text text{value};
    write_sized(field, key, sized_field(text.size()), [&](FieldCursor& any) {
      any.begin(AnyValueField::string_value, text.size());
      any.bytes(text.in(scratch_));
    });
  }

  /// `write_any` writes an AnyValue of `size` bytes.
  template <class WriteAny>
  void write_sized(FieldNumber field, std::string_view key, std::size_t size, WriteAny write_any) {
    const Utf8Text key_text{key};
    const std::size_t attribute_size = sized_field(key_text.size()) + sized_field(size);
    FieldCursor attribute{out_.prepare(sized_field(attribute_size))};
    attribute.begin(field, attribute_size);
    attribute.begin(KeyValueField::key, key_text.size());
    attribute.bytes(key_text.in(scratch_));
    attribute.begin(KeyValueField::value, size);
    write_any(attribute);
    out_.commit(attribute.end());
  }

  /// `write_any` writes the AnyValue of one element.
  template <class WriteAny>
  void write_array(ProtobufWriter& message, FieldNumber field, std::string_view key, std::size_t size,
                   WriteAny write_any) {
    ProtobufWriter attribute{message, field};
    add_text(attribute, KeyValueField::key, key, scratch_);
    ProtobufWriter any{attribute, KeyValueField::value};
    if (size == 0) {  // a message without fields would be left out, and the value not be an array
      add_bytes(any, AnyValueField::array_value, {});
      return;
    }
    ProtobufWriter list{any, AnyValueField::array_value};
    for (std::size_t i = 0; i < size; ++i) {
      ProtobufWriter element{list, ArrayValueField::values};
      write_any(element, i);
    }
  }

  ByteBuffer& out_;
  ByteBuffer& scratch_;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
