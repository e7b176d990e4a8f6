// SPDX-License-Identifier: Apache-2.0
//
// JSON's objects and arrays, and OTLP's fields in them.
#pragma once

#include <cstdint>
#include <string_view>

#include "json_text.h"
#include "otlp_values.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// The members of a JSON object, or the elements of an array, one after the other.
class JsonList {
 public:
  explicit JsonList(ByteBuffer& out) noexcept : out_{out} {}

  /// Begins one; `name` has its quotes and colon.
  ByteBuffer& next(std::string_view name = {}) {
    if (!is_first_) out_.append(",");
    is_first_ = false;
    out_.append(name);
    return out_;
  }

  [[nodiscard]] ByteBuffer& buffer() const noexcept { return out_; }

 private:
  ByteBuffer& out_;
  bool is_first_ = true;
};

// Fields are left out when they say the default. `name` has its quotes and colon.

inline void add_text(JsonList& object, std::string_view name, std::string_view text) {
  if (!text.empty()) append_json_string(object.next(name), text);
}

inline void add_count(JsonList& object, std::string_view name, std::uint64_t count) {
  if (count != 0) append_json_integer(object.next(name), count);
}

template <class Integer>
void append_quoted(ByteBuffer& out, Integer value) {
  out.append("\"");
  append_json_integer(out, value);
  out.append("\"");
}

inline void add_time(JsonList& object, std::string_view name, std::int64_t unix_ns) {
  append_quoted(object.next(name), otlp_time(unix_ns));
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
