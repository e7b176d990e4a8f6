// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/tracer.h"

#include <cstring>
#include <memory>

#include "fast_telemetry/spans/context.h"
#include "items.h"
#include "rules.h"
#include "thread_spans.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using detail::TracerState;
using detail::Verdict;

/// Kept for ever, as what points to it is.
Text kept(Text text) {
  char* const copy = new char[text.size() + 1];
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return {copy, text.size()};
}

bool is_sampled(const TracerState& tracer, const SpanContext* parent, const TraceId& trace_id, Literal name,
                SpanKind kind) noexcept {
  const Verdict verdict = TracerState::read(parent == nullptr ? tracer.for_roots : tracer.for_children);
  switch (verdict) {
    case Verdict::never: return false;
    case Verdict::always: return true;
    case Verdict::as_parent: return parent != nullptr && parent->is_sampled();
    case Verdict::ask: break;
  }
  // Acquire: pairs with the release in set_sampler.
  const detail::Rule* const rule = __atomic_load_n(&tracer.rule, __ATOMIC_ACQUIRE);
  return rule->is_sampled({parent, trace_id, name.text(), kind});
}

}  // namespace

/// The start of a span that is recorded. Everything that is not set here is never read.
struct Span::Beginning {
  static void begin(Span& span, const TracerState& tracer, Literal name, const SpanStart& start) noexcept {
    detail::SpanHeader& header = span.header_;
    header.kind = start.kind;
    header.status = SpanStatus::unset;
    header.tracer = &tracer;
    header.name = name.text().data();
    header.name_size = static_cast<std::uint32_t>(name.text().size());
    header.attributes = 0;
    header.events = 0;
    header.links = 0;
    header.dropped_events = 0;
    header.dropped_links = 0;
    header.dropped_attributes = 0;
    span.tracer_ = &tracer;
    span.spill_ = nullptr;
    span.used_ = 0;
    span.capacity_ = inline_bytes;
    span.has_trace_id_ = true;
    span.has_span_id_ = true;
    span.state_ = State::recording;
    if (!span.trace_state_.empty()) keep_trace_state(span);
    // Last: what starting costs is no part of what is timed.
    const bool is_given = start.start_unix_ns != 0;
    header.start_ns = is_given ? start.start_unix_ns : detail::span_clock(tracer);
    if (is_given) header.bits = static_cast<std::uint8_t>(header.bits | detail::HeaderBit::start_is_unix);
  }

  [[gnu::cold]] static void keep_trace_state(Span& span) noexcept {
    const Text text = span.trace_state_.text();
    const detail::ItemHeader header{
        nullptr, 0, detail::ItemTag::trace_state, {}, static_cast<std::uint32_t>(text.size())};
    if (Items{span}.append(header, text.data())) return;
    detail::buffers->trace_states_cut.fetch_add(1, std::memory_order_relaxed);
  }
};

Tracer::Tracer(Text name, const TracerOptions& options) {
  detail::make_buffers();
  detail::install_epoch();
  auto state = std::make_unique<TracerState>();
  state->name = kept(name);
  state->version = kept(options.version);
  state->limits = options.limits;
  state->clock = options.clock;
  state_ = state.release();
  set_sampler(options.sampler);
}

void Tracer::set_sampler(Sampler sampler) noexcept {
  // A span that starts meanwhile may go by one part of the old sampler: each part is right by itself.
  const detail::Rule& rule = sampler.rule();
  __atomic_store_n(&state_->rule, &rule, __ATOMIC_RELEASE);
  __atomic_store_n(&state_->for_roots, rule.for_roots, __ATOMIC_RELEASE);
  __atomic_store_n(&state_->for_children, rule.for_children, __ATOMIC_RELEASE);
}

Span Tracer::start(Literal name, const SpanStart& start) const noexcept {
  return child(current_context(), name, start);
}

Span Tracer::make_root(Literal name, const SpanStart& start) const noexcept {
  detail::ThreadSpans& own = detail::thread_spans();
  Span span;
  span.header_.trace_id = own.random_trace_id();
  if (!is_sampled(*state_, nullptr, span.header_.trace_id, name, start.kind)) {
    return Span{Span::Unsampled{}, *state_, span.header_.trace_id, random_flag, {}};
  }
  span.header_.span_id = own.random_span_id();
  span.header_.parent_id = SpanId{};
  span.header_.flags = sampled_flag | random_flag;
  span.header_.bits = 0;
  span.epoch_ = own.epoch();
  Span::Beginning::begin(span, *state_, name, start);
  return span;
}

Span Tracer::make_child_of(const TracerState& tracer, const Span& parent, Literal name,
                           const SpanStart& start) noexcept {
  if (parent.state_ == Span::State::none) return Span{};
  return make_child(tracer, parent.context(), name, start);
}

Span Tracer::make_child(const TracerState& tracer, const SpanContext& parent, Literal name,
                        const SpanStart& start) noexcept {
  const auto inherited = static_cast<std::uint8_t>(parent.flags & random_flag);
  if (!is_sampled(tracer, &parent, parent.trace_id, name, start.kind)) {
    return Span{Span::Unsampled{}, tracer, parent.trace_id, inherited, parent.trace_state};
  }
  detail::ThreadSpans& own = detail::thread_spans();
  Span span;
  span.header_.trace_id = parent.trace_id;
  span.header_.span_id = own.random_span_id();
  span.header_.parent_id = parent.span_id;
  span.header_.flags = static_cast<std::uint8_t>(sampled_flag | inherited);
  span.header_.bits = static_cast<std::uint8_t>(parent.is_remote ? detail::HeaderBit::parent_is_remote : 0);
  span.trace_state_ = parent.trace_state;
  span.epoch_ = own.epoch();
  Span::Beginning::begin(span, tracer, name, start);
  return span;
}

FAST_TELEMETRY_END_NAMESPACE
