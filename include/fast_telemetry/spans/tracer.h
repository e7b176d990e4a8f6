// SPDX-License-Identifier: Apache-2.0
//
// Tracer: where spans come from. For code that traces.
#pragma once

#include "fast_telemetry/spans/span.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Which clock the spans of a tracer read at their start, their end and their events.
enum class SpanClock : std::uint8_t {
  precise,  ///< now_ns()
  coarse,   ///< coarse_now_ns(): a third of the cost, and up to 10 ms old: short spans last 0 ns
};

/// How much one span may carry. What comes later is left out and counted (OTLP's dropped_…_count). A tracer whose
/// limits are all as here has those of set_default_span_limits, now and later.
struct SpanLimits {
  std::uint16_t attributes = 128;
  std::uint16_t events = 128;
  std::uint16_t links = 128;
  std::uint16_t attributes_per_event = 128;
  std::uint16_t attributes_per_link = 128;
  std::uint32_t value_characters = 0xFFFFFFFF;  ///< of a string; bytes of Bytes

  friend constexpr bool operator==(const SpanLimits&, const SpanLimits&) noexcept = default;
};

struct TracerOptions {
  Text version = {};  ///< of the instrumented library
  Sampler sampler = Sampler::process_default();
  SpanLimits limits = {};
  SpanClock clock = SpanClock::precise;
};

namespace detail {

/// What a sampler decides without being asked.
enum class Verdict : std::uint8_t { ask, never, always, as_parent, by_id };

/// What a tracer is; immortal, since spans and records refer to it.
struct TracerState {
  std::uint8_t for_roots;  ///< Verdicts; these two and the rule change with the sampler
  std::uint8_t for_children;
  SpanClock clock;
  bool has_default_limits;
  bool has_default_sampler;  ///< atomic, as the verdicts
  SpanLimits limits;         ///< likewise
  Text name;
  Text version;
  const Rule* rule;
  TracerState* next;  ///< of all there are: what is kept for ever is to be found, or leak checkers call it lost

  [[nodiscard]] static Verdict read(const std::uint8_t& verdict) noexcept {
    return static_cast<Verdict>(__atomic_load_n(&verdict, __ATOMIC_RELAXED));
  }

  [[nodiscard]] static std::uint16_t limit(const std::uint16_t& limit) noexcept {
    return __atomic_load_n(&limit, __ATOMIC_RELAXED);
  }

  [[nodiscard]] std::uint32_t value_characters() const noexcept {
    return __atomic_load_n(&limits.value_characters, __ATOMIC_RELAXED);
  }
};

}  // namespace detail

/// Makes the spans of one part of the program, which its name tells (OTLP's instrumentation scope).
///
/// A handle, to copy and to share between threads. Make one per library or component and keep it, not one per request:
/// what it consists of stays for the life of the process, since spans refer to it (name and version, and 64 bytes).
class Tracer {
 public:
  /// Copies the texts. Throws std::bad_alloc.
  explicit Tracer(Text name, const TracerOptions& options = {});

  /// From now on, for all copies of this tracer; spans that have begun stay as they are. Any thread.
  void set_sampler(Sampler sampler) noexcept;

  /// A child of the calling thread's current span (context.h), or the first span of a new trace if there is none.
  [[nodiscard]] Span start(Literal name, const SpanStart& start = {}) const noexcept;

  /// The first span of a new trace.
  [[nodiscard]] Span root(Literal name, const SpanStart& start = {}) const noexcept {
    if (detail::TracerState::read(state_->for_roots) == detail::Verdict::never) return Span{Span::Unsampled{}, *state_};
    return make_root(name, start);
  }

  /// A child of a span of this process. A child of none is none.
  [[nodiscard]] Span child(const Span& parent, Literal name, const SpanStart& start = {}) const noexcept {
    return child_of(*state_, parent, name, start);
  }

  /// A child of what was extracted from a request, or was passed on in this process. A root if `parent` is not valid.
  [[nodiscard]] Span child(const SpanContext& parent, Literal name, const SpanStart& start = {}) const noexcept {
    if (!parent.is_valid()) return root(name, start);
    if (!parent.is_sampled() && detail::TracerState::read(state_->for_children) == detail::Verdict::as_parent) {
      const auto flags = static_cast<std::uint8_t>(parent.flags & random_flag);
      return Span{Span::Unsampled{}, *state_, parent.trace_id, flags, parent.trace_state};
    }
    return make_child(*state_, parent, name, start);
  }

 private:
  friend class Span;

  static Span child_of(const detail::TracerState& tracer, const Span& parent, Literal name,
                       const SpanStart& start) noexcept {
    if (parent.state_ == Span::State::unsampled && parent.has_trace_id_ &&
        detail::TracerState::read(tracer.for_children) == detail::Verdict::as_parent) {
      return Span{Span::Unsampled{}, tracer, parent.header_.trace_id, parent.header_.flags(), parent.trace_state_};
    }
    return make_child_of(tracer, parent, name, start);
  }

  [[nodiscard]] Span make_root(Literal name, const SpanStart& start) const noexcept;
  [[nodiscard]] static Span make_child_of(const detail::TracerState& tracer, const Span& parent, Literal name,
                                          const SpanStart& start) noexcept;
  [[nodiscard]] static Span make_child(const detail::TracerState& tracer, const SpanContext& parent, Literal name,
                                       const SpanStart& start) noexcept;

  detail::TracerState* state_;
};

/// What tracers go by that were made without a sampler, or without limits, of their own: those that exist, and those
/// made later. For the program's main, which so decides for all its libraries; a Telemetry does it, when its options or
/// the environment say so. Not while another thread sets a tracer's sampler; otherwise any thread. The second one
/// throws std::bad_alloc. What they are given is kept for the life of the process.
void set_default_sampler(Sampler sampler) noexcept;
void set_default_span_limits(const SpanLimits& limits);

inline Span Span::child(Literal name, const SpanStart& start) const noexcept {
  if (state_ == State::none) return Span{};
  return Tracer::child_of(*tracer_, *this, name, start);
}

FAST_TELEMETRY_END_NAMESPACE
