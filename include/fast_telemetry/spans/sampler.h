// SPDX-License-Identifier: Apache-2.0
//
// Sampler: which spans are recorded, decided when they start. For the code that sets tracing up.
#pragma once

#include "fast_telemetry/spans/span_context.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// The role of a span, numbered as OTLP numbers them.
enum class SpanKind : std::uint8_t { internal = 1, server, client, producer, consumer };

/// What a rule of one's own is asked about.
struct SamplingQuestion {
  const SpanContext* parent;  ///< null: a root
  const TraceId& trace_id;
  Text name;
  SpanKind kind;
};

/// A rule of one's own. Called on the recording path by many threads at once: short, without locks.
class SamplingRule {
 public:
  [[nodiscard]] virtual bool is_sampled(const SamplingQuestion& question) const noexcept = 0;

 protected:
  ~SamplingRule() = default;
};

namespace detail {
struct Rule;
}

/// Decides for each span whether it is recorded. A value; made at set-up, not per request: what it consists of is kept
/// for the life of the process (some 64 bytes each).
///
/// What is not sampled still has a context that says so, and passes it on.
class Sampler {
 public:
  [[nodiscard]] static Sampler always_on();
  [[nodiscard]] static Sampler always_off();

  /// One trace in 1/ratio, by the trace id alone, so that all processes with one ratio choose the same traces, and a
  /// lower ratio chooses among those of a higher one (OpenTelemetry's TraceIdRatioBased, by the low 56 bits that W3C's
  /// random flag speaks of). The parent is not asked. Throws std::invalid_argument unless 0 <= ratio <= 1.
  [[nodiscard]] static Sampler trace_id_ratio(double ratio);

  /// Children do as their parent did; roots are decided by `root`.
  [[nodiscard]] static Sampler parent_based(Sampler root);

  /// At most so many spans in a second on average over all threads, and `burst` of them at once; the parent is not
  /// asked: usually inside parent_based. Reads the coarse clock (coarse_now_ns) and updates one word that all threads
  /// share. Throws std::invalid_argument unless 0 < per_second <= 1e9 and burst >= 1.
  [[nodiscard]] static Sampler rate_limited(double per_second, std::uint32_t burst = 1);

  /// Of a tracer: whatever set_default_sampler (tracer.h) says, now and later. Until it says anything, and within
  /// another sampler, parent_based(always_on()).
  [[nodiscard]] static Sampler process_default();

  /// `rule` must live as long as any tracer uses it.
  [[nodiscard]] static Sampler custom(const SamplingRule& rule);

  [[nodiscard]] const detail::Rule& rule() const noexcept { return *rule_; }  ///< for the library

 private:
  explicit Sampler(const detail::Rule* rule) noexcept : rule_{rule} {}

  const detail::Rule* rule_;
};

FAST_TELEMETRY_END_NAMESPACE
