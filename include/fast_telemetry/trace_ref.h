// SPDX-License-Identifier: Apache-2.0
//
// TraceRef: the span that an observation was made in, for metrics that keep exemplars. For code that records.
#pragma once

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Ids as W3C's Trace Context has them, byte by byte; whichever tracer made them.
///
/// Give it to `record(value, trace)` or `add(n, trace)` when the trace is sampled, so that whoever follows the exemplar
/// finds it. A trace id of zeros is no trace: the observation is recorded and never becomes an exemplar.
///
/// Of the observations with a trace that come to one bucket (a counter: to one point) between two collections, one is
/// kept whole as its exemplar: each with the same probability, whatever their order, values and threads. It is shown
/// until a later window has another one, except that a delta reader is shown it once. The window is everybody's: each
/// reader's collection ends it, so where several readers collect, each sees the choice among what came since the last
/// collection of any of them. An exemplar lasts as long as its metric: final values of destroyed metrics have none. A
/// forked child begins without any.
///
/// Cost: up to 2 ns more than the record without a trace for all that are not chosen (bench/micro/record_bench.cc); of
/// n in a window some ln n are chosen for a while, which read the clock and write the slot. Memory: 56 bytes per bucket
/// of a metric that was given a trace (one set for all CPUs, in pages of 4 KiB that all metrics share), and 56 per
/// bucket in each reader; none for others. Safe wherever recording is: who would have to wait, or finds no memory,
/// gives the exemplar up, and the observation is recorded all the same.
struct TraceRef {
  std::byte trace_id[16];
  std::byte span_id[8];  ///< zeros: not known
};

FAST_TELEMETRY_END_NAMESPACE
