// SPDX-License-Identifier: Apache-2.0
#include "core/own_families.h"
#include "fast_telemetry/spans/tail_sampler.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

void visit_families(const TailSamplerInfo& info, Visitor& visitor) {
  detail::OwnFamilies own{visitor, "fast_telemetry", detail::tail_sampler_info_ids};
  const auto one_of = [&](const char* key, const char* value, std::uint64_t count) {
    const Label label{key, value};
    own.sum(count, {&label, 1});
  };
  own.counter_family("tail_spans_received", "fast_telemetry_tail_spans_received", "Spans that the tail sampler took.",
                     info.received);
  own.counter_family("tail_spans_kept", "fast_telemetry_tail_spans_kept", "Spans that it passed on.", info.kept);
  own.family({"tail_spans_dropped", "fast_telemetry_tail_spans_dropped", "Spans that it did not, by reason.",
              Unit::none, Kind::counter});
  one_of("reason", "sampled_out", info.dropped_sampled_out);
  one_of("reason", "trace_limit", info.dropped_trace_limit);
  own.family(
      {"tail_decisions", "fast_telemetry_tail_decisions", "Traces, by what was decided.", Unit::none, Kind::counter});
  one_of("decision", "error", info.traces_error);
  one_of("decision", "slow", info.traces_slow);
  one_of("decision", "ratio", info.traces_ratio);
  one_of("decision", "sampled_out", info.traces_sampled_out);
  own.counter_family("tail_decided_early", "fast_telemetry_tail_decided_early",
                     "Traces decided early for want of room.", info.decided_early);
  own.counter_family("tail_decided_rootless", "fast_telemetry_tail_decided_rootless",
                     "Traces decided before a local root had come.", info.decided_rootless);
  own.counter_family("tail_spans_late", "fast_telemetry_tail_spans_late",
                     "Spans that came after their trace's decision.", info.late_spans);
  own.counter_family("tail_revised", "fast_telemetry_tail_revised", "Traces kept from a late error or slow root on.",
                     info.revised);
  own.gauge_family("tail_spans_held", "fast_telemetry_tail_spans_held", "Spans that wait for a decision.", Unit::none,
                   info.held);
  own.gauge_family("tail_traces_held", "fast_telemetry_tail_traces_held", "Traces that wait for a decision.",
                   Unit::none, info.held_traces);
  own.gauge_family("tail_held", "fast_telemetry_tail_held_bytes", "What their spans take.", Unit::bytes,
                   info.held_bytes);
  own.gauge_family("tail_most_held", "fast_telemetry_tail_most_held_bytes", "The most that they ever took.",
                   Unit::bytes, info.most_held_bytes);
}

FAST_TELEMETRY_END_NAMESPACE
