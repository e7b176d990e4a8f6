// SPDX-License-Identifier: Apache-2.0
//
// SpanContext: what of a span crosses thread and process borders. For code that hands traces on.
#pragma once

#include "fast_telemetry/spans/ids.h"
#include "fast_telemetry/spans/trace_state.h"
#include "fast_telemetry/trace_ref.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// W3C Trace Context, Level 2, 3.2.2.5: bits of SpanContext::flags. Others are never sent.
inline constexpr std::uint8_t sampled_flag = 0x01;
inline constexpr std::uint8_t random_flag = 0x02;

/// Names a span to whoever may be its child: a value, of no use to the span itself.
struct SpanContext {
  TraceId trace_id{};
  SpanId span_id{};
  std::uint8_t flags = 0;
  bool is_remote = false;  ///< came from another process
  TraceState trace_state;

  [[nodiscard]] bool is_valid() const noexcept { return trace_id.is_valid() && span_id.is_valid(); }
  [[nodiscard]] bool is_sampled() const noexcept { return (flags & sampled_flag) != 0; }

  /// For metrics that keep exemplars: zeros, which is no trace, unless it is sampled.
  [[nodiscard]] TraceRef trace_ref() const noexcept {
    TraceRef ref{};
    if (!is_sampled()) return ref;
    for (std::size_t i = 0; i < sizeof ref.trace_id; ++i) ref.trace_id[i] = trace_id.bytes[i];
    for (std::size_t i = 0; i < sizeof ref.span_id; ++i) ref.span_id[i] = span_id.bytes[i];
    return ref;
  }
};

FAST_TELEMETRY_END_NAMESPACE
