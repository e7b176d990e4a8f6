// SPDX-License-Identifier: Apache-2.0
//
// What users' functions become: each of these is looked at as machine code.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/counter_set.h>
#include <fast_telemetry/distribution.h>
#include <fast_telemetry/extrema.h>
#include <fast_telemetry/gauge.h>
#include <fast_telemetry/histogram.h>

namespace ft = fast_telemetry;

extern "C" void add_one(ft::Counter& counter) { counter.add(); }
extern "C" void add_many(ft::Counter& counter, std::uint64_t n) { counter.add(n); }
extern "C" void set_gauge(ft::Gauge<std::int64_t>& gauge, std::int64_t value) { gauge.set(value); }
extern "C" void record_integer(ft::Histogram& histogram, std::uint64_t value) { histogram.record(value); }
extern "C" void record_double(ft::FloatHistogram& histogram, double value) { histogram.record(value); }
extern "C" void record_traced(ft::Histogram& histogram, std::uint64_t value, const ft::TraceRef& trace) {
  histogram.record(value, trace);
}
extern "C" void record_distribution(ft::Distribution& distribution, std::uint64_t value) { distribution.record(value); }
extern "C" void observe_max(ft::MaxGauge<std::int64_t>& gauge, std::int64_t value) { gauge.observe(value); }
// So much that GCC would rather call than inline, if it went by the lines of an asm.
extern "C" void add_sets(ft::CounterSet<6>& a, ft::CounterSet<6>& b, std::uint64_t n) {
  a.add_values({1, n, n, 1, 2, 3});
  b.add_values({1, n, n, 1, 2, 3});
  a.add_values({n, n, n, 1, 2, 3});
  b.add_values({1, 2, n, 1, 2, 3});
  a.add_values({1, n, 1, 1, 2, n});
  b.add_values({n, 2, n, 1, 2, 3});
}
