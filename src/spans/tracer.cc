// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/tracer.h"

#include <atomic>
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

constinit std::atomic<TracerState*> all_tracers{nullptr};

/// Kept for ever, and so that leak checkers find them: the last one counts.
struct DefaultLimits {
  SpanLimits limits;
  DefaultLimits* before;
};

constinit std::atomic<DefaultLimits*> default_limits{nullptr};
constinit std::atomic<const detail::Rule*> default_rule{nullptr};

// A tracer is among all before it looks for a default, and a default is set before all tracers are looked for; whoever
// has written looks again. All of it is sequentially consistent, so one of the two sees the other.

void apply(TracerState& tracer, const detail::Rule& rule) noexcept {
  // A span that starts meanwhile may go by one part of the old sampler: each part is right by itself.
  __atomic_store_n(&tracer.rule, &rule, __ATOMIC_SEQ_CST);
  __atomic_store_n(&tracer.for_roots, static_cast<std::uint8_t>(rule.for_roots), __ATOMIC_SEQ_CST);
  __atomic_store_n(&tracer.for_children, static_cast<std::uint8_t>(rule.for_children), __ATOMIC_SEQ_CST);
}

void apply(TracerState& tracer, const SpanLimits& limits) noexcept {
  const auto store = [](auto& to, auto value) { __atomic_store_n(&to, value, __ATOMIC_SEQ_CST); };
  store(tracer.limits.attributes, limits.attributes);
  store(tracer.limits.events, limits.events);
  store(tracer.limits.links, limits.links);
  store(tracer.limits.attributes_per_event, limits.attributes_per_event);
  store(tracer.limits.attributes_per_link, limits.attributes_per_link);
  store(tracer.limits.value_characters, limits.value_characters);
}

void apply_default_sampler(TracerState& tracer) noexcept {
  for (;;) {
    const detail::Rule* const rule = default_rule.load();
    apply(tracer, rule == nullptr ? Sampler::process_default().rule() : *rule);
    if (default_rule.load() == rule) return;
  }
}

void apply_default_limits(TracerState& tracer) noexcept {
  for (;;) {
    const DefaultLimits* const defaults = default_limits.load();
    apply(tracer, defaults == nullptr ? SpanLimits{} : defaults->limits);
    if (default_limits.load() == defaults) return;
  }
}

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
    case Verdict::by_id:
    case Verdict::ask: break;
  }
  // Acquire: pairs with the release in set_sampler.
  const detail::Rule* const rule = __atomic_load_n(&tracer.rule, __ATOMIC_ACQUIRE);
  return rule->is_sampled({parent, trace_id, name.text(), kind});
}

}  // namespace

struct Span::Beginning {
  const TracerState& tracer;
  detail::ThreadSpans& own;
  const TraceId& trace_id;
  const SpanId& parent_id;
  std::uint8_t flags;
  std::uint8_t bits;
  const TraceState* trace_state;  ///< null: a root
  Literal name;
  const SpanStart& start;

  [[gnu::cold]] static void keep_trace_state(Span& span) noexcept {
    const Text text = span.trace_state_.text();
    const auto header = detail::ItemHeader::of(detail::ItemTag::trace_state, {}, text.size());
    if (Items{span}.append(header, text.data())) return;
    detail::buffers->trace_states_cut.fetch_add(1, std::memory_order_relaxed);
  }
};

// Returned by value and never named, so that it is made where the caller has it: a move would copy all of this.
[[gnu::always_inline]] inline Span::Span(const Beginning& from) noexcept
    : tracer_{&from.tracer},
      spill_{nullptr},
      epoch_{from.own.epoch()},
      used_{0},
      capacity_{inline_bytes},
      keys_{0},
      state_{State::recording},
      has_trace_id_{true},
      has_half_id_{false},
      has_span_id_{true} {
  header_.what = detail::SpanHeader::of(from.start.kind, from.flags, from.bits);
  header_.trace_id = from.trace_id;
  header_.span_id = from.own.random_span_id();
  header_.parent_id = from.parent_id;
  header_.tracer = &from.tracer;
  header_.name = from.name.text().data();
  header_.counts = 0;
  header_.rest = from.name.text().size();
  if (from.trace_state != nullptr && !from.trace_state->empty()) [[unlikely]] {
    trace_state_ = *from.trace_state;
    Beginning::keep_trace_state(*this);
  }
  if (from.start.start_unix_ns != 0) [[unlikely]] {
    header_.start_ns = from.start.start_unix_ns;
    header_.what |= detail::SpanHeader::of({}, 0, detail::HeaderBit::start_is_unix);
    return;
  }
  header_.start_ns = detail::span_clock(from.tracer);  // last: what starting costs is no part of what is timed
}

Tracer::Tracer(Text name, const TracerOptions& options) {
  detail::make_buffers();
  detail::install_epoch();
  auto state = std::make_unique<TracerState>();
  state->name = kept(name);
  state->version = kept(options.version);
  state->limits = options.limits;
  state->has_default_limits = options.limits == SpanLimits{};
  state->has_default_sampler = &options.sampler.rule() == &Sampler::process_default().rule();
  state->clock = options.clock;
  apply(*state, options.sampler.rule());
  state_ = state.release();
  state_->next = all_tracers.load(std::memory_order_relaxed);
  while (!all_tracers.compare_exchange_weak(state_->next, state_)) {
  }
  if (state_->has_default_limits) apply_default_limits(*state_);
  set_sampler(options.sampler);
}

void Tracer::set_sampler(Sampler sampler) noexcept {
  const bool is_default = &sampler.rule() == &Sampler::process_default().rule();
  __atomic_store_n(&state_->has_default_sampler, is_default, __ATOMIC_SEQ_CST);
  if (is_default) return apply_default_sampler(*state_);
  apply(*state_, sampler.rule());
}

void set_default_sampler(Sampler sampler) noexcept {
  default_rule.store(&sampler.rule());
  for (TracerState* tracer = all_tracers.load(); tracer != nullptr; tracer = tracer->next) {
    if (__atomic_load_n(&tracer->has_default_sampler, __ATOMIC_SEQ_CST)) apply_default_sampler(*tracer);
  }
}

void set_default_span_limits(const SpanLimits& limits) {
  auto* const defaults = new DefaultLimits{limits, default_limits.load()};
  while (!default_limits.compare_exchange_weak(defaults->before, defaults)) {
  }
  for (TracerState* tracer = all_tracers.load(); tracer != nullptr; tracer = tracer->next) {
    if (tracer->has_default_limits) apply_default_limits(*tracer);
  }
}

Span Tracer::start(Literal name, const SpanStart& start) const noexcept {
  return child(current_context(), name, start);
}

Span Tracer::make_root(Literal name, const SpanStart& start) const noexcept {
  detail::ThreadSpans& own = detail::thread_spans();
  // Acquire: pairs with the release in set_sampler.
  const detail::Rule* const rule = __atomic_load_n(&state_->rule, __ATOMIC_ACQUIRE);
  if (rule->for_roots == Verdict::by_id) {
    const std::uint64_t low_half = own.random();
    if (!rule->is_chosen(low_half)) return Span{Span::Unsampled{}, *state_, low_half};
    return Span{Span::Beginning{*state_, own, own.random_trace_id(low_half), SpanId{}, sampled_flag | random_flag, 0,
                                nullptr, name, start}};
  }
  const TraceId trace_id = own.random_trace_id();
  if (!is_sampled(*state_, nullptr, trace_id, name, start.kind)) {
    return Span{Span::Unsampled{}, *state_, trace_id, random_flag, {}};
  }
  return Span{Span::Beginning{*state_, own, trace_id, SpanId{}, sampled_flag | random_flag, 0, nullptr, name, start}};
}

Span Tracer::make_child_of(const TracerState& tracer, const Span& parent, Literal name,
                           const SpanStart& start) noexcept {
  if (parent.state_ == Span::State::none) return Span{};
  const Verdict verdict = TracerState::read(tracer.for_children);
  const bool is_recorded = parent.state_ != Span::State::unsampled;
  // Without a context made for it: it is what most spans are.
  if (is_recorded && (verdict == Verdict::as_parent || verdict == Verdict::always)) {
    return Span{Span::Beginning{tracer, detail::thread_spans(), parent.header_.trace_id, parent.header_.span_id,
                                parent.header_.flags(), 0, &parent.trace_state_, name, start}};
  }
  return make_child(tracer, parent.context(), name, start);
}

Span Tracer::make_child(const TracerState& tracer, const SpanContext& parent, Literal name,
                        const SpanStart& start) noexcept {
  const auto inherited = static_cast<std::uint8_t>(parent.flags & random_flag);
  if (!is_sampled(tracer, &parent, parent.trace_id, name, start.kind)) {
    return Span{Span::Unsampled{}, tracer, parent.trace_id, inherited, parent.trace_state};
  }
  return Span{Span::Beginning{tracer, detail::thread_spans(), parent.trace_id, parent.span_id,
                              static_cast<std::uint8_t>(sampled_flag | inherited),
                              static_cast<std::uint8_t>(parent.is_remote ? detail::HeaderBit::parent_is_remote : 0),
                              &parent.trace_state, name, start}};
}

FAST_TELEMETRY_END_NAMESPACE
