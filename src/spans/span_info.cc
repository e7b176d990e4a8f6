// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include "core/own_families.h"
#include "fast_telemetry/spans/drain.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

void visit_families(const SpanInfo& info, Visitor& visitor) {
  detail::OwnFamilies own{visitor, "fast_telemetry", detail::span_info_ids};
  own.counter_family("spans_recorded", "fast_telemetry_spans_recorded", "Sampled spans that have ended.",
                     info.recorded);
  own.counter_family("spans_drained", "fast_telemetry_spans_drained", "Spans that a sink took.", info.drained);
  own.family({"spans_dropped", "fast_telemetry_spans_dropped", "Spans that could not be kept, by reason.", Unit::none,
              Kind::counter});
  for (const auto& [reason, count] :
       std::array<std::pair<const char*, std::uint64_t>, 4>{{{"budget", info.dropped_budget},
                                                             {"no_memory", info.dropped_no_memory},
                                                             {"forked", info.dropped_forked},
                                                             {"reentrant", info.dropped_reentrant}}}) {
    const Label label{"reason", reason};
    own.sum(count, {&label, 1});
  }
  own.gauge_family("spans_buffered", "fast_telemetry_spans_buffered", "Spans that wait for a drain.", Unit::none,
                   info.buffered);
  own.gauge_family("spans_most_buffered", "fast_telemetry_spans_most_buffered", "The most that a drain ever found.",
                   Unit::none, info.most_buffered);
  own.gauge_family("span_budget", "fast_telemetry_span_budget_bytes", "What the spans' buffers may take.", Unit::bytes,
                   info.budget_bytes);
  own.gauge_family("span_used", "fast_telemetry_span_used_bytes", "What they take of it.", Unit::bytes,
                   info.used_bytes);
  own.gauge_family("span_most_used", "fast_telemetry_span_most_used_bytes", "The most that they ever took.",
                   Unit::bytes, info.most_used_bytes);
  own.counter_family("trace_states_cut", "fast_telemetry_trace_states_cut",
                     "Trace states that lost members for want of room.", info.trace_states_cut);
  own.counter_family("span_scopes_refused", "fast_telemetry_span_scopes_refused",
                     "Scopes of current spans without effect, for want of room.", info.scopes_refused);
}

FAST_TELEMETRY_END_NAMESPACE
