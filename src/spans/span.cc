// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/span.h"

#include <cxxabi.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <typeinfo>

#include "items.h"
#include "thread_spans.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

void Literal::throw_bad_literal() { throw std::invalid_argument{"a name or key has 1 to 1024 characters"}; }

std::int64_t detail::span_clock(const TracerState& tracer) noexcept {
  return tracer.clock == SpanClock::precise ? now_ns() : coarse_now_ns();
}

void Span::take(Span& other) noexcept {
  header_ = other.header_;
  tracer_ = other.tracer_;
  trace_state_ = static_cast<TraceState&&>(other.trace_state_);
  state_ = other.state_;
  has_trace_id_ = other.has_trace_id_;
  has_half_id_ = other.has_half_id_;
  has_span_id_ = other.has_span_id_;
  if (state_ == State::recording) {
    spill_ = other.spill_;
    epoch_ = other.epoch_;
    used_ = other.used_;
    capacity_ = other.capacity_;
    keys_ = other.keys_;
    if (spill_ == nullptr) std::memcpy(inline_, other.inline_, used_);
  }
  other.state_ = State::none;
}

Span& Span::operator=(Span&& other) noexcept {
  if (this == &other) return *this;
  if (state_ == State::recording) finish();
  trace_state_ = TraceState{};
  if (other.state_ == State::none) {
    state_ = State::none;
  } else {
    take(other);
  }
  return *this;
}

Span::Span(Unsampled, const detail::TracerState& tracer, std::uint64_t low_half) noexcept
    : tracer_{&tracer}, state_{State::unsampled}, has_trace_id_{false}, has_half_id_{true}, has_span_id_{false} {
  std::memcpy(header_.trace_id.bytes + sizeof low_half, &low_half, sizeof low_half);
}

void Span::draw_ids() const noexcept {
  detail::ThreadSpans& own = detail::thread_spans();
  if (!has_trace_id_) {
    std::uint64_t low_half = own.random();
    if (has_half_id_) std::memcpy(&low_half, header_.trace_id.bytes + sizeof low_half, sizeof low_half);
    header_.trace_id = own.random_trace_id(low_half);
    header_.what = detail::SpanHeader::of(SpanKind::internal, random_flag, 0);
  }
  if (!has_span_id_) header_.span_id = own.random_span_id();
  has_trace_id_ = true;
  has_span_id_ = true;
}

SpanContext Span::context() const noexcept {
  if (state_ == State::none) return {};
  if (!has_span_id_) draw_ids();
  return {header_.trace_id, header_.span_id, header_.flags(), false, trace_state_};
}

TraceRef Span::trace_ref() const noexcept {
  TraceRef ref{};
  if (state_ != State::recording && state_ != State::ended) return ref;
  std::memcpy(ref.trace_id, header_.trace_id.bytes, sizeof ref.trace_id);
  std::memcpy(ref.span_id, header_.span_id.bytes, sizeof ref.span_id);
  return ref;
}

void Span::add_exception(const std::exception& exception) noexcept {
  const char* const mangled = typeid(exception).name();
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> type{abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                         &std::free};
  add_exception(type != nullptr ? type.get() : mangled, exception.what(), {});
}

inline void Span::hand_over(std::int64_t end_ns, std::uint8_t end_bits) noexcept {
  detail::ThreadSpans& own = detail::thread_spans();
  Items items{*this};
  if (epoch_ == own.epoch()) [[likely]] {
    own.record({header_, end_ns, end_bits, items.begin(), used_});
  } else {
    detail::buffers->recorded.add();
    detail::buffers->dropped[static_cast<std::size_t>(detail::SpanDrop::forked)].add();
  }
  if (spill_ != nullptr) [[unlikely]]
    items.free_spill();
  state_ = State::ended;
}

void Span::finish() noexcept { hand_over(detail::span_clock(*tracer_), 0); }

void Span::finish_now(std::int64_t now_ns) noexcept { hand_over(now_ns, 0); }

void Span::finish_at(std::int64_t unix_ns) noexcept { hand_over(unix_ns, detail::HeaderBit::end_is_unix); }

FAST_TELEMETRY_END_NAMESPACE
