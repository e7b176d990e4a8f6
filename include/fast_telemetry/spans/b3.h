// SPDX-License-Identifier: Apache-2.0
//
// B3: the headers of Zipkin, for clients and servers among such that do not know traceparent (propagation.h).
#pragma once

#include "fast_telemetry/spans/span_context.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// What the sender decided. `debug` is `accepted`, and to be passed on as such.
enum class B3Sampling : std::uint8_t { deferred, denied, accepted, debug };

/// A context and a decision. There may be a decision without a context (`b3: 0`).
///
/// The context is sampled when the decision is `accepted` or `debug`. With `deferred` it is up to the receiver: set
/// sampled_flag to record the request under a parent-based sampler.
struct B3Context {
  SpanContext context;
  B3Sampling sampling = B3Sampling::deferred;
};

/// "<trace id>-<span id>-<decision>": 51 characters.
struct B3Text {
  char chars[51];

  [[nodiscard]] constexpr Text text() const noexcept { return {chars, sizeof chars}; }
};

/// Reads one value of a b3 header, spaces and tabs around it aside: `trace-span`, `trace-span-decision`,
/// `trace-span-decision-parent`, or a decision alone; the decision is 0, 1 or d, ids are of lower-case digits, a trace
/// id may have 16 of them. No context and `deferred` when a rule is broken. The result is remote; the parent of its
/// span is not kept.
[[nodiscard]] B3Context parse_b3(Text value) noexcept;

/// With `debug` if that is what `b3` has, else with what the context's sampled flag says: a span's own context may have
/// been decided anew. The context must be valid.
[[nodiscard]] B3Text format_b3(const B3Context& b3) noexcept;

/// Collects B3 from the headers of one request: b3, or else X-B3-TraceId, X-B3-SpanId, X-B3-Sampled and X-B3-Flags.
///
/// Of a header that is there twice, the first counts. Values must live until b3() was called. Never allocates, never
/// throws. One thread at a time.
class B3Extractor {
 public:
  /// Any header; those that are none of ours are ignored. Names in any case.
  void header(Text name, Text value) noexcept;

  /// What the single header says; where it is absent or breaks a rule, what the several say.
  [[nodiscard]] B3Context b3() const noexcept;

 private:
  enum Field : std::uint8_t { single, trace_id, span_id, sampled, flags, field_count };
  Text values_[field_count];
  bool is_there_[field_count] = {};
};

/// Reads B3 from a carrier: any range of pairs of name and value.
template <class Carrier>
[[nodiscard]] B3Context extract_b3(const Carrier& carrier) {
  B3Extractor extractor;
  for (const auto& [name, value] : carrier) extractor.header(Text{name}, Text{value});
  return extractor.b3();
}

/// Calls `set(ft::Text name, ft::Text value)` for the single header; nothing for a context that is not valid. To pass
/// a debug request on, give it the decision that came: `inject_b3({span.context(), caller.sampling}, set)`.
template <class Set>
void inject_b3(const B3Context& b3, Set&& set) {
  if (!b3.context.is_valid()) return;
  const B3Text value = format_b3(b3);
  set(Text{"b3"}, value.text());
}

FAST_TELEMETRY_END_NAMESPACE
