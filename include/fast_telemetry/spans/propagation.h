// SPDX-License-Identifier: Apache-2.0
//
// Traces across processes: W3C's traceparent and tracestate, read from any carrier and written to any. For clients and
// servers. Baggage is in baggage.h.
#pragma once

#include "fast_telemetry/spans/span_context.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// The headers that inject_context may set, for those who have to clear a carrier first.
inline constexpr Text context_headers[] = {"traceparent", "tracestate"};

/// "00-<trace id>-<span id>-<flags>": 55 characters.
struct TraceparentText {
  char chars[55];

  [[nodiscard]] constexpr Text text() const noexcept { return {chars, sizeof chars}; }
};

/// Reads one value of a traceparent header by the rules of W3C Trace Context Level 2 (3.2.2), spaces and tabs around it
/// aside. Versions above 00 are read as far as 00 goes. Not valid when a rule is broken. The result is remote.
[[nodiscard]] SpanContext parse_traceparent(Text value) noexcept;

/// Version 00, with the sampled and the random flag as the context has them. `context` must be valid.
[[nodiscard]] TraceparentText format_traceparent(const SpanContext& context) noexcept;

/// Collects a context from the headers of one request, given one after the other in their order.
///
/// Values must live until context() was called. Never allocates on the heap, never throws, never keeps more than 32
/// members of a tracestate. One thread at a time.
class ContextExtractor {
 public:
  /// Any header; those that are none of ours are ignored. Names in any case, as HTTP has them.
  void header(Text name, Text value) noexcept;

  void traceparent(Text value) noexcept;
  void tracestate(Text value) noexcept;

  /// The context; not valid when there was not exactly one traceparent or it breaks a rule. A tracestate that breaks a
  /// rule is left out as a whole.
  [[nodiscard]] SpanContext context() const noexcept;

 private:
  friend class TraceState;
  [[nodiscard]] TraceState trace_state() const noexcept;

  static constexpr std::size_t most_members = 32;
  Text members_[most_members];
  std::size_t member_count_ = 0;
  bool state_is_bad_ = false;
  SpanContext parent_;
  std::uint32_t parents_ = 0;
};

/// Reads a context from a carrier: any range of pairs of name and value (a vector, a std::map, std::multimap, …).
/// For other carriers, give their headers to a ContextExtractor.
template <class Carrier>
[[nodiscard]] SpanContext extract_context(const Carrier& carrier) {
  ContextExtractor extractor;
  for (const auto& [name, value] : carrier) extractor.header(Text{name}, Text{value});
  return extractor.context();
}

/// Writes a context to a carrier: calls `set(ft::Text name, ft::Text value)` for traceparent and, when it is not empty,
/// tracestate. Nothing for a context that is not valid. The sampled flag is sent as it is: whoever is called is told
/// when nobody keeps this trace.
template <class Set>
void inject_context(const SpanContext& context, Set&& set) {
  if (!context.is_valid()) return;
  const TraceparentText traceparent = format_traceparent(context);
  set(Text{"traceparent"}, traceparent.text());
  if (!context.trace_state.empty()) set(Text{"tracestate"}, context.trace_state.text());
}

FAST_TELEMETRY_END_NAMESPACE
