// SPDX-License-Identifier: Apache-2.0
//
// TailSampler: which traces are exported, decided when they are over. For programs that export.
#pragma once

#include <memory>

#include "fast_telemetry/spans/drain.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
class TailState;
}

struct TailSamplerOptions {
  // Which traces are kept. One with an error always is.
  std::int64_t slower_than_ns = 0;  ///< those whose local root lasted longer; 0: no such rule
  double slow_quantile = 0;  ///< those slower than this live quantile (0.99) of their root's name; 0: no such rule
  double ratio = 0;          ///< this share of the rest, by trace id as Sampler::trace_id_ratio

  // When a trace is decided.
  std::int64_t wait_after_root_ns = 1'000'000'000;  ///< for what ended beside its root, on other threads
  std::int64_t longest_wait_ns = 30'000'000'000;    ///< for a root that does not come, from the trace's first span on

  // How much is held until then, and remembered afterwards.
  std::size_t max_bytes = std::size_t{32} << 20U;  ///< of all spans; 1 MiB to 2 GiB
  std::uint32_t max_traces = 16'384;
  std::uint32_t max_bytes_per_trace = 1U << 20U;
  std::uint32_t max_spans_per_trace = 4096;
  std::uint32_t max_decisions = 16'384;  ///< for late spans; the oldest is forgotten first
};

/// A tail sampler's accounting. Spans: received = kept + dropped + held. Of another thread's sampler, its figures are
/// read one after another. In a forked child all begin at zero.
struct TailSamplerInfo {
  std::uint64_t received;             ///< spans that it took
  std::uint64_t kept;                 ///< that the next sink took from it
  std::uint64_t held;                 ///< whose trace is not decided yet, or that the next sink has no room for yet
  std::uint64_t dropped_sampled_out;  ///< of traces that were not chosen
  std::uint64_t dropped_trace_limit;  ///< beyond what is held of one trace

  std::uint64_t traces_error;        ///< kept for an error
  std::uint64_t traces_slow;         ///< kept for their duration
  std::uint64_t traces_ratio;        ///< kept of the rest
  std::uint64_t traces_sampled_out;  ///< not kept
  std::uint64_t decided_early;       ///< of all these, for want of room
  std::uint64_t decided_rootless;    ///< of all these, before a local root had come
  std::uint64_t late_spans;          ///< that came after their trace's decision
  std::uint64_t revised;             ///< sampled out, and kept from a late error or slow root on

  std::uint64_t held_traces;
  std::uint64_t held_bytes;
  std::uint64_t most_held_bytes;  ///< ever

  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_sampled_out + dropped_trace_limit; }
};

/// A sink between drain_spans() and the next sink, which holds back the spans of each trace until it is over, and then
/// passes all of them on or none:
///
///     ft::TailSampler tail{{.slow_quantile = 0.99, .ratio = 0.01}, encoder};
///     for (bool is_complete = false; !is_complete;) {
///       is_complete = ft::drain_spans(tail).is_complete;
///       is_complete = tail.decide() && is_complete;
///       if (const auto request = encoder.finish(); request.count != 0) send(request.bytes);
///     }
///
/// Kept is a trace with a span whose status is `error`; then one whose local root was slow; then, of the rest, `ratio`
/// of the trace ids, the same ones that Sampler::trace_id_ratio chooses, in this and in every other process.
///
/// **Local root**: a span without a parent, or with one in another process (SpanContext::is_remote, as extract_context
/// sets it). Its end is taken for the end of this process's part of the trace, and wait_after_root_ns later the trace
/// is decided. A process that is called twice in a trace has two; the first to end decides for both. A trace whose
/// local root does not come (it still runs, was dropped, or is a parent that was not sampled or not marked as remote)
/// is decided longest_wait_ns after its first span, the longest of its spans being what slower_than_ns is asked of.
///
/// **Late spans** go the way their trace went, as long as the decision is remembered. One that has an error, or is a
/// slow local root, is kept whatever was decided, and its trace from there on: a long request that fails has at least
/// its root exported.
///
/// **Live quantile**: per name of the local root (64 names; all others share one estimate), over its last 8 000 to
/// 16 000 local roots and, at half the weight each time, as many before. A root is slow when fewer than
/// 1 - slow_quantile of these were in its bucket or above; a bucket is a 128th of a doubling wide, so durations within
/// 1 % of each other are not told apart: of equal ones, none is slow. Nor is any before there are
/// 1 / (1 - slow_quantile) roots of its name.
///
/// **Limits**: what exceeds one trace's is dropped and counted, but its errors still decide, and the first local root
/// is held all the same. What exceeds the limits of all has a trace decided early, by what is known of it: the one
/// whose root came first or, if none has come, the oldest. When the next sink is full, so is this one: spans stay in
/// the buffer, whose budget holds.
///
/// The sampled flag stays as it is: it was sent downstream when the span started. Downstream processes that decide by
/// themselves agree on the ratio, but not on what was slow here: their parts of such traces may be missing.
///
/// Memory: max_bytes of address space, which is touched as it is needed, and 80 bytes per trace that is held or
/// remembered, and up to 0.5 MB for a live quantile; all allocated at construction. Nothing is allocated later. Some 50
/// ns per span. Not thread-safe, but for info(); its clock is now_ns(). What it holds in a process that forks is the
/// parent's; the child begins empty.
class TailSampler final : public SpanSink {
 public:
  /// `next` must outlive it. Throws std::invalid_argument for a ratio or a quantile that is none, or a limit out of
  /// range; std::bad_alloc.
  TailSampler(const TailSamplerOptions& options, SpanSink& next);
  ~TailSampler();
  TailSampler(const TailSampler&) = delete;
  TailSampler& operator=(const TailSampler&) = delete;

  /// Takes a copy. `full`: the next sink is. Throws what the next sink throws; the span is not taken then.
  [[nodiscard]] SinkAnswer span(const SpanRecord& record) override;

  /// Decides the traces whose time has come, and passes on those that are kept: to be called after each drain. False:
  /// the next sink is full, and there is more. Throws what the next sink throws; the span it threw at is still held.
  [[nodiscard]] bool decide();

  /// The same for all traces, whether their time has come or not: to be called before the program ends.
  [[nodiscard]] bool flush();

  /// Any thread.
  [[nodiscard]] TailSamplerInfo info() const noexcept;

 private:
  std::unique_ptr<detail::TailState> state_;
};

/// Visits the accounting as families of their own (`fast_telemetry_tail_spans_received`, …), without Visitor::begin
/// and end: give it to Snapshot::visit after the visitor.
void visit_families(const TailSamplerInfo& info, Visitor& visitor);

FAST_TELEMETRY_END_NAMESPACE
