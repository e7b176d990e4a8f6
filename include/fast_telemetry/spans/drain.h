// SPDX-License-Identifier: Apache-2.0
//
// drain_spans() takes finished spans out of the buffers; SpanInfo is the buffers' accounting. For the program that
// exports.
#pragma once

#include "fast_telemetry/spans/span_record.h"
#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

enum class SinkAnswer : std::uint8_t {
  taken,  ///< it is the sink's: its place is free again
  full,   ///< not taken: it stays in the buffer, and the drain ends
};

/// Receives finished spans, one by one, in no particular order: mostly as they ended in their thread.
///
/// May record spans, and may throw: the span it threw at stays in the buffer. Recording threads wait for nobody here,
/// so a slow sink only fills the buffers. Not to be drained again from within.
class SpanSink {
 public:
  [[nodiscard]] virtual SinkAnswer span(const SpanRecord& record) = 0;

 protected:
  ~SpanSink() = default;  // borrowed, never owned through this interface
};

struct DrainResult {
  std::uint64_t spans = 0;  ///< taken by the sink
  bool is_complete = true;  ///< everything that had ended when it began was looked at: false after SinkAnswer::full
};

/// Gives every span that has ended, of every thread, to the sink: also the single one of a thread that sleeps, and
/// those of threads that are gone. Each span is given to one drain only; one that begins while another runs waits for
/// it. Writers are not stopped, and what they end meanwhile may be in it or in the next.
///
/// Allocates nothing; a few ns per span, and some 10 ns per chunk of 64 KiB that was ever needed. Any thread.
DrainResult drain_spans(SpanSink& sink);

/// How many bytes the spans' buffers may take in all, 64 MiB at first: finished spans that wait for a drain (a chunk of
/// 64 KiB for each thread that records, at least), and what large unfinished spans, trace states and scopes need.
/// Memory is touched as it is needed and then used again. Beyond it, spans are dropped and counted. May be changed at
/// any time: a lower budget frees nothing by itself, but nothing new is taken above it. At most 4 GiB.
void set_span_budget(std::size_t bytes) noexcept;

/// The accounting. While spans end or are drained, its figures are read one after another; at rest, recorded = drained
/// + dropped + buffered. In a forked child all begin at zero.
struct SpanInfo {
  std::uint64_t recorded;           ///< sampled spans that have ended
  std::uint64_t drained;            ///< given to a sink, which took them
  std::uint64_t buffered;           ///< wait for a drain
  std::uint64_t dropped_budget;     ///< ended when no chunk was to be had within the budget
  std::uint64_t dropped_no_memory;  ///< ended when the kernel refused memory
  std::uint64_t dropped_forked;     ///< begun in the parent process, which records them, and ended in this one
  std::uint64_t dropped_reentrant;  ///< ended in a signal handler on top of another span's end

  std::uint64_t budget_bytes;
  std::uint64_t used_bytes;        ///< of it
  std::uint64_t most_used_bytes;   ///< ever
  std::uint64_t most_buffered;     ///< spans, as drains found them
  std::uint64_t trace_states_cut;  ///< that lost members, or all, for want of room
  std::uint64_t scopes_refused;    ///< CurrentSpan without effect, for want of room

  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_budget + dropped_no_memory + dropped_forked + dropped_reentrant;
  }
};

/// Reads the accounting. Never waits for a drain. Any thread.
[[nodiscard]] SpanInfo span_info() noexcept;

/// Visits the same figures as families of their own (`fast_telemetry_spans_recorded`, …), without Visitor::begin and
/// end: give it to Snapshot::visit after the visitor.
void visit_families(const SpanInfo& info, Visitor& visitor);

FAST_TELEMETRY_END_NAMESPACE
