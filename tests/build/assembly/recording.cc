// SPDX-License-Identifier: Apache-2.0
//
// What users' functions become: each of these is looked at as machine code.
#include <fast_telemetry/counter.h>
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
