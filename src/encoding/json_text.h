// SPDX-License-Identifier: Apache-2.0
//
// JSON's strings and numbers (RFC 8259).
#pragma once

#include <string_view>

#include "fast_telemetry/encoding/buffer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// The text between quotes: escaped where JSON wants it (section 7), ill-formed UTF-8 repaired with U+FFFD.
void append_json_string(ByteBuffer& out, std::string_view text);

/// Bytes as a string of base64, padded (RFC 4648, section 4), which is what JSON has for protobuf's bytes.
void append_json_bytes(ByteBuffer& out, std::string_view bytes);

/// A number that reads back as the same double. What JSON has no number for is a string, as protobuf's JSON mapping
/// spells it: `"NaN"`, `"Infinity"`, `"-Infinity"`.
void append_json_double(ByteBuffer& out, double value);

void append_json_integer(ByteBuffer& out, std::int64_t value);
void append_json_integer(ByteBuffer& out, std::uint64_t value);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
