// SPDX-License-Identifier: Apache-2.0
//
// Reads OTLP's messages for traces and metrics off the wire into text, by the tables of OpenTelemetry's .proto files
// and nothing of ours. Stricter than receivers: a field that is not in the table, has another wire type, comes twice,
// says the default, is no UTF-8 or an id of the wrong length is an error.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace otlp_text {

enum class Kind : std::uint8_t {
  message,
  text,
  bytes,
  id,
  number,
  boolean,
  signed_number,
  zigzag,
  fixed32,
  fixed64,
  signed_fixed64,
  real,        ///< shown as its bits
  plain_real,  ///< shown as a number
  packed_numbers,
  packed_fixed64,
  packed_reals,
};

struct Message;
struct Field {
  std::uint32_t number;
  const char* name;
  Kind kind;
  bool repeated = false;
  const Message* message = nullptr;
};
struct Message {
  std::vector<Field> fields;
  bool is_one_of = false;  ///< its fields exclude each other and say their default, too
};

inline std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(byte));
    text += digits;
  }
  return text;
}

inline std::string hex(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(bits));
  return digits;
}

/// By arithmetic on the code points, unlike the library, which goes by ranges of bytes.
inline bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    const int more = lead < 0x80 ? 0 : lead >> 5U == 6 ? 1 : lead >> 4U == 14 ? 2 : lead >> 3U == 30 ? 3 : -1;
    if (more < 0) return false;
    std::uint32_t point = more == 0 ? lead : lead & (0x3FU >> static_cast<unsigned>(more));
    for (int n = 0; n < more; ++n) {
      if (i == text.size() || (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80) return false;
      point = point << 6U | (static_cast<unsigned char>(text[i++]) & 0x3FU);
    }
    const std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (point < least[more] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
  }
  return true;
}

inline const Message& any_value() {
  static Message any;
  static Message array;
  if (any.fields.empty()) {
    any.is_one_of = true;
    any.fields = {{1, "string", Kind::text}, {2, "bool", Kind::boolean},  {3, "int", Kind::signed_number},
                  {4, "double", Kind::real}, {5, "array", Kind::message}, {7, "bytes", Kind::bytes}};
    any.fields[4].message = &array;
    array.fields = {{1, "values", Kind::message, true, &any}};
  }
  return any;
}

inline const Message& key_value() {
  static const Message message{{{1, "key", Kind::text}, {2, "value", Kind::message, false, &any_value()}}};
  return message;
}

inline const Message& span() {
  static const Message event{{{1, "time", Kind::fixed64},
                              {2, "name", Kind::text},
                              {3, "attribute", Kind::message, true, &key_value()},
                              {4, "dropped_attributes", Kind::number}}};
  static const Message link{{{1, "trace_id", Kind::id},
                             {2, "span_id", Kind::id},
                             {3, "trace_state", Kind::text},
                             {4, "attribute", Kind::message, true, &key_value()},
                             {5, "dropped_attributes", Kind::number},
                             {6, "flags", Kind::fixed32}}};
  static const Message status{{{2, "message", Kind::text}, {3, "code", Kind::number}}};
  static const Message message{{{1, "trace_id", Kind::id},
                                {2, "span_id", Kind::id},
                                {3, "trace_state", Kind::text},
                                {4, "parent_span_id", Kind::id},
                                {5, "name", Kind::text},
                                {6, "kind", Kind::number},
                                {7, "start", Kind::fixed64},
                                {8, "end", Kind::fixed64},
                                {9, "attribute", Kind::message, true, &key_value()},
                                {10, "dropped_attributes", Kind::number},
                                {11, "event", Kind::message, true, &event},
                                {12, "dropped_events", Kind::number},
                                {13, "link", Kind::message, true, &link},
                                {14, "dropped_links", Kind::number},
                                {15, "status", Kind::message, false, &status},
                                {16, "flags", Kind::fixed32}}};
  return message;
}

inline const Message& metric() {
  static const Message exemplar{{{2, "time", Kind::fixed64},
                                 {3, "double", Kind::plain_real},
                                 {4, "span_id", Kind::id},
                                 {5, "trace_id", Kind::id},
                                 {6, "int", Kind::signed_fixed64},
                                 {7, "filtered", Kind::message, true, &key_value()}}};
  static const Message number{{{2, "start", Kind::fixed64},
                               {3, "time", Kind::fixed64},
                               {4, "double", Kind::plain_real},
                               {5, "exemplar", Kind::message, true, &exemplar},
                               {6, "int", Kind::signed_fixed64},
                               {7, "attribute", Kind::message, true, &key_value()}}};
  static const Message histogram{{{2, "start", Kind::fixed64},
                                  {3, "time", Kind::fixed64},
                                  {4, "count", Kind::fixed64},
                                  {5, "sum", Kind::plain_real},
                                  {6, "buckets", Kind::packed_fixed64},
                                  {7, "bounds", Kind::packed_reals},
                                  {8, "exemplar", Kind::message, true, &exemplar},
                                  {9, "attribute", Kind::message, true, &key_value()},
                                  {11, "min", Kind::plain_real},
                                  {12, "max", Kind::plain_real}}};
  static const Message buckets{{{1, "offset", Kind::zigzag}, {2, "buckets", Kind::packed_numbers}}};
  static const Message exponential{{{1, "attribute", Kind::message, true, &key_value()},
                                    {2, "start", Kind::fixed64},
                                    {3, "time", Kind::fixed64},
                                    {4, "count", Kind::fixed64},
                                    {5, "sum", Kind::plain_real},
                                    {6, "scale", Kind::zigzag},
                                    {7, "zero_count", Kind::fixed64},
                                    {8, "positive", Kind::message, false, &buckets},
                                    {11, "exemplar", Kind::message, true, &exemplar},
                                    {12, "min", Kind::plain_real},
                                    {13, "max", Kind::plain_real},
                                    {14, "zero_threshold", Kind::plain_real}}};
  static const Message gauge{{{1, "point", Kind::message, true, &number}}};
  static const Message sum{
      {{1, "point", Kind::message, true, &number}, {2, "temporality", Kind::number}, {3, "monotonic", Kind::boolean}}};
  static const Message histograms{{{1, "point", Kind::message, true, &histogram}, {2, "temporality", Kind::number}}};
  static const Message exponentials{
      {{1, "point", Kind::message, true, &exponential}, {2, "temporality", Kind::number}}};
  static const Message message{{{1, "name", Kind::text},
                                {2, "description", Kind::text},
                                {3, "unit", Kind::text},
                                {5, "gauge", Kind::message, false, &gauge},
                                {7, "sum", Kind::message, false, &sum},
                                {9, "histogram", Kind::message, false, &histograms},
                                {10, "exponential", Kind::message, false, &exponentials}}};
  return message;
}

inline const Message& metrics_request() {
  static const Message scope{
      {{1, "name", Kind::text}, {2, "version", Kind::text}, {3, "attribute", Kind::message, true, &key_value()}}};
  static const Message scope_metrics{{{1, "scope", Kind::message, false, &scope},
                                      {2, "metric", Kind::message, true, &metric()},
                                      {3, "schema_url", Kind::text}}};
  static const Message resource{{{1, "attribute", Kind::message, true, &key_value()}}};
  static const Message resource_metrics{
      {{1, "resource", Kind::message, false, &resource}, {2, "scope_metrics", Kind::message, true, &scope_metrics}}};
  static const Message message{{{1, "resource_metrics", Kind::message, true, &resource_metrics}}};
  return message;
}

inline const Message& request() {
  static const Message scope{{{1, "name", Kind::text}, {2, "version", Kind::text}}};
  static const Message scope_spans{
      {{1, "scope", Kind::message, false, &scope}, {2, "span", Kind::message, true, &span()}}};
  static const Message resource{{{1, "attribute", Kind::message, true, &key_value()}}};
  static const Message resource_spans{
      {{1, "resource", Kind::message, false, &resource}, {2, "scope_spans", Kind::message, true, &scope_spans}}};
  static const Message message{{{1, "resource_spans", Kind::message, true, &resource_spans}}};
  return message;
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_{bytes} {}

  /// `name: value` per line; messages are indented.
  std::string read(const Message& message, const std::string& indent = "") {
    std::string text;
    std::set<std::uint32_t> seen;
    while (!rest_.empty()) {
      const std::uint64_t tag = varint();
      const Field& field = field_of(message, tag >> 3U);
      if (!seen.insert(field.number).second && !field.repeated) fail(field, "comes twice");
      if (message.is_one_of && seen.size() > 1) fail(field, "is one too many");
      if (const std::uint64_t type = tag & 7U; type != wire_type(field.kind)) fail(field, "has another wire type");
      text += indent + field.name;
      if (field.kind == Kind::message) {
        text += "\n" + Reader{take(varint())}.read(*field.message, indent + "  ");
      } else {
        text += ": " + value(field, message.is_one_of) + "\n";
      }
    }
    return text;
  }

 private:
  static std::uint64_t wire_type(Kind kind) {
    switch (kind) {
      case Kind::number:
      case Kind::boolean:
      case Kind::signed_number:
      case Kind::zigzag: return 0;
      case Kind::fixed64:
      case Kind::signed_fixed64:
      case Kind::real:
      case Kind::plain_real: return 1;
      case Kind::fixed32: return 5;
      default: return 2;
    }
  }

  std::string value(const Field& field, bool default_is_legal) {
    const auto shown = [&](const std::string& text, bool is_default) {
      if (is_default && !default_is_legal) fail(field, "says the default");
      return text;
    };
    switch (field.kind) {
      case Kind::text: {
        const std::string_view bytes = take(varint());
        if (!is_utf8(bytes)) fail(field, "is no UTF-8");
        return shown(std::string{bytes}, bytes.empty());
      }
      case Kind::bytes: return hex(take(varint()));
      case Kind::id: {
        const std::string_view bytes = take(varint());
        if (bytes.size() != (std::string_view{field.name} == "trace_id" ? 16 : 8)) fail(field, "has another length");
        if (bytes.find_first_not_of('\0') == std::string_view::npos) fail(field, "is all zeros");
        return hex(bytes);
      }
      case Kind::number: {
        const std::uint64_t number = varint();
        return shown(std::to_string(number), number == 0);
      }
      case Kind::boolean: return varint() == 1 ? "true" : "false";
      case Kind::signed_number: return std::to_string(static_cast<std::int64_t>(varint()));
      case Kind::fixed32: return std::to_string(fixed<std::uint32_t>());
      case Kind::fixed64: return std::to_string(fixed<std::uint64_t>());
      case Kind::signed_fixed64: return std::to_string(fixed<std::int64_t>());
      case Kind::zigzag: {
        const std::uint64_t number = varint();
        const auto half = static_cast<std::int64_t>(number / 2);
        return shown(std::to_string(number % 2 == 0 ? half : -half - 1), number == 0);
      }
      case Kind::real: return hex(fixed<double>());
      case Kind::plain_real: return plain(fixed<double>());
      case Kind::packed_numbers: return packed(field, [](Reader& list) { return std::to_string(list.varint()); });
      case Kind::packed_fixed64:
        return packed(field, [](Reader& list) { return std::to_string(list.fixed<std::uint64_t>()); });
      case Kind::packed_reals: return packed(field, [](Reader& list) { return plain(list.fixed<double>()); });
      case Kind::message: break;
    }
    return {};
  }

  static std::string plain(double number) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.17g", number);
    return digits;
  }

  template <class ReadElement>
  std::string packed(const Field& field, ReadElement read_element) {
    Reader list{take(varint())};
    if (list.rest_.empty()) fail(field, "says the default");
    std::string text;
    while (!list.rest_.empty()) text += (text.empty() ? "" : " ") + read_element(list);
    return text;
  }

  static const Field& field_of(const Message& message, std::uint64_t number) {
    for (const Field& field : message.fields) {
      if (field.number == number) return field;
    }
    throw std::runtime_error{"there is no field " + std::to_string(number)};
  }

  [[noreturn]] static void fail(const Field& field, const char* what) {
    throw std::runtime_error{std::string{field.name} + " " + what};
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) {
        if (byte == 0 && shift != 0) throw std::runtime_error{"a number is longer than it need be"};
        return value;
      }
    }
    throw std::runtime_error{"a number does not end"};
  }

  template <class T>
  T fixed() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);  // as little-endian as the machine
    return value;
  }

  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) throw std::runtime_error{"a field goes beyond the end"};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
};

}  // namespace otlp_text

/// An ExportTraceServiceRequest as text. Throws std::runtime_error with what is wrong with it.
inline std::string otlp_request_text(std::string_view bytes) {
  return otlp_text::Reader{bytes}.read(otlp_text::request());
}

/// An ExportMetricsServiceRequest likewise.
inline std::string otlp_metrics_text(std::string_view bytes) {
  return otlp_text::Reader{bytes}.read(otlp_text::metrics_request());
}

FAST_TELEMETRY_END_NAMESPACE
