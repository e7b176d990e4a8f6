// SPDX-License-Identifier: Apache-2.0
//
// What a span has in OTLP but not in its record, whether it is written as protobuf or as JSON.
#pragma once

#include <cstdint>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// trace.proto, SpanFlags: the 8 bits of W3C; 0x200 when the context is remote; 0x100, that this is known.
constexpr std::uint32_t otlp_flags(std::uint8_t w3c, bool is_remote) noexcept {
  return w3c | 0x100U | (is_remote ? 0x200U : 0U);
}

/// Times have no sign there.
constexpr std::uint64_t otlp_time(std::int64_t unix_ns) noexcept {
  return unix_ns < 0 ? 0 : static_cast<std::uint64_t>(unix_ns);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
