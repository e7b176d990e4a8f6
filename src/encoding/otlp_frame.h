// SPDX-License-Identifier: Apache-2.0
//
// What a request of OTLP has around its spans or metrics: one resource, scopes, and a size.
#pragma once

#include <span>
#include <string_view>

#include "fast_telemetry/encoding/otlp_resource.h"
#include "protobuf.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// A protobuf message has at most 2 GiB.
inline constexpr std::size_t most_message_bytes = 0x7FFFFFFF;

/// What a field with a length takes at most, before that length is known.
constexpr std::size_t sized_field_at_most(std::size_t content) noexcept { return 1 + 5 + content; }

/// ResourceSpans.resource, which is ResourceMetrics.resource too.
void append_otlp_resource(ByteBuffer& out, std::span<const ResourceAttribute> attributes, ByteBuffer& scratch);

/// An instrumentation scope.
struct OtlpScope {
  std::string_view name;
  std::string_view version;
  std::span<const ResourceAttribute> attributes = {};
};

/// ScopeSpans.scope, which is ScopeMetrics.scope too.
void append_otlp_scope(ByteBuffer& out, const OtlpScope& shown, ByteBuffer& scratch);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
