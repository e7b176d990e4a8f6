// SPDX-License-Identifier: Apache-2.0
//
// Attributes as OTLP has them: opentelemetry.proto.common.v1.KeyValue, written from whatever knows its type.
#pragma once

#include "fast_telemetry/spans/attribute.h"
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

/// An AttributeValue, read as a RecordedValue is.
class GivenValue {
 public:
  explicit GivenValue(const AttributeValue& value) noexcept : value_{value} {}

  [[nodiscard]] AttributeType type() const noexcept { return value_.type(); }
  [[nodiscard]] std::string_view string() const noexcept { return bytes(); }
  [[nodiscard]] std::string_view bytes() const noexcept { return {elements<char>(), value_.size()}; }
  [[nodiscard]] bool boolean() const noexcept { return value_.integer() != 0; }
  [[nodiscard]] std::int64_t integer() const noexcept { return value_.integer(); }
  [[nodiscard]] double floating() const noexcept { return value_.floating(); }

  [[nodiscard]] std::size_t size() const noexcept { return value_.size(); }
  [[nodiscard]] bool boolean_at(std::size_t i) const noexcept { return elements<bool>()[i]; }
  [[nodiscard]] std::int64_t integer_at(std::size_t i) const noexcept { return elements<std::int64_t>()[i]; }
  [[nodiscard]] double floating_at(std::size_t i) const noexcept { return elements<double>()[i]; }
  [[nodiscard]] std::string_view string_at(std::size_t i) const noexcept {
    const Text text = elements<Text>()[i];
    return {text.data(), text.size()};
  }

 private:
  template <class Element>
  [[nodiscard]] const Element* elements() const noexcept {
    return static_cast<const Element*>(value_.data());
  }

  const AttributeValue& value_;
};

/// Appends one KeyValue as the field `field` of `message`. `Value` is a RecordedValue or reads like one.
template <class Value>
class AttributeWriter {
 public:
  AttributeWriter(std::string_view key, const Value& value, ByteBuffer& scratch) noexcept
      : key_{key}, value_{value}, scratch_{scratch} {}

  void write_to(ProtobufWriter& message, FieldNumber field) {
    switch (value_.type()) {
      case AttributeType::string: {
        const Utf8Text text{value_.string()};
        return with_size(message, field, sized_field(text.size()),
                         [&](ProtobufWriter& any) { add_bytes(any, AnyValueField::string_value, text.in(scratch_)); });
      }
      case AttributeType::bytes:
        return with_size(message, field, sized_field(value_.bytes().size()),
                         [&](ProtobufWriter& any) { add_bytes(any, AnyValueField::bytes_value, value_.bytes()); });
      case AttributeType::boolean:
        return with_size(message, field, 2,
                         [&](ProtobufWriter& any) { add_boolean(any, AnyValueField::bool_value, value_.boolean()); });
      case AttributeType::integer: {
        const auto bits = static_cast<std::uint64_t>(value_.integer());
        return with_size(message, field, 1 + static_cast<std::size_t>(protozero::length_of_varint(bits)),
                         [&](ProtobufWriter& any) { any.add_int64(AnyValueField::int_value, value_.integer()); });
      }
      case AttributeType::floating:
        return with_size(message, field, 1 + sizeof(double),
                         [&](ProtobufWriter& any) { any.add_double(AnyValueField::double_value, value_.floating()); });
      case AttributeType::boolean_array:
        return array(message, field, [&](ProtobufWriter& any, std::size_t i) {
          add_boolean(any, AnyValueField::bool_value, value_.boolean_at(i));
        });
      case AttributeType::integer_array:
        return array(message, field, [&](ProtobufWriter& any, std::size_t i) {
          any.add_int64(AnyValueField::int_value, value_.integer_at(i));
        });
      case AttributeType::floating_array:
        return array(message, field, [&](ProtobufWriter& any, std::size_t i) {
          any.add_double(AnyValueField::double_value, value_.floating_at(i));
        });
      case AttributeType::string_array:
        return array(message, field, [&](ProtobufWriter& any, std::size_t i) {
          add_bytes(any, AnyValueField::string_value, Utf8Text{value_.string_at(i)}.in(scratch_));
        });
    }
  }

 private:
  /// `add` writes an AnyValue of `size` bytes.
  template <class Add>
  void with_size(ProtobufWriter& message, FieldNumber field, std::size_t size, Add add) {
    ProtobufWriter attribute{message, field, sized_field(key_.size()) + sized_field(size)};
    add_key(attribute);
    ProtobufWriter any{attribute, KeyValueField::value, size};
    add(any);
  }

  /// `add` writes the AnyValue of one element.
  template <class Add>
  void array(ProtobufWriter& message, FieldNumber field, Add add) {
    ProtobufWriter attribute{message, field};
    add_key(attribute);
    ProtobufWriter any{attribute, KeyValueField::value};
    if (value_.size() == 0) {  // a message without fields would be left out, and the value not be an array
      add_bytes(any, AnyValueField::array_value, {});
      return;
    }
    ProtobufWriter list{any, AnyValueField::array_value};
    for (std::size_t i = 0; i < value_.size(); ++i) {
      ProtobufWriter element{list, ArrayValueField::values};
      add(element, i);
    }
  }

  void add_key(ProtobufWriter& attribute) { add_bytes(attribute, KeyValueField::key, key_.in(scratch_)); }

  Utf8Text key_;
  const Value& value_;
  ByteBuffer& scratch_;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
