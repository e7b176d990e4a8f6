// SPDX-License-Identifier: Apache-2.0
//
// series: among how many series a record by two labels takes how long, what the first record of a series takes, and the
// memory of each.
#include <algorithm>
#include <chrono>

#include "bench/micro/dynamic_counter.h"
#include "curves.h"
#include "tests/support/resident_memory.h"
#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
#include "bench/micro/peers/prometheus_cpp.h"
#endif

namespace curves {
namespace {

template <class Metric>
void measure(std::size_t series, const std::string& subject) {
  const LabelSets sets{series};
  // In an order that has nothing to do with the one they are recorded in later.
  const std::vector<Labels> births = sets.in_order(shuffled(series, births_seed));
  const auto x = static_cast<double>(series);
  const auto per_series = [&](const char* what, double value, const char* unit) {
    emit({"series", x, subject + what, value / x, unit});
  };

  const std::uint64_t before = resident_memory();
  Metric metric{series};
  const auto begin = std::chrono::steady_clock::now();
  for (const Labels& labels : births) metric.record(labels);
  const auto end = std::chrono::steady_clock::now();
  const std::uint64_t after = resident_memory();

  const std::size_t rounds = std::max<std::size_t>(65536 / series, 1);  // arbitrary
  std::uint64_t recorded = series;
  const double pass = median_time_ns([&] {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (const Labels& labels : sets) metric.record(labels);
    }
    recorded += rounds * series;
  });
  expect(subject, metric.total(sets), recorded);

  per_series(", by labels", pass / static_cast<double>(rounds), "ns per record");
  per_series(", first record", std::chrono::duration<double, std::nano>(end - begin).count(), "ns per record");
  // Of fewer, pages are all there is to see.
  if (series >= 1'000) per_series("", static_cast<double>(after - before), "bytes per series");
}

}  // namespace

void draw_series(Size size) {
  for (const std::size_t series : series_counts(size)) {
    in_child([&] { measure<DynamicCounter>(series, "Dynamic<Counter, 2>"); });
#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
    in_child([&] { measure<PrometheusCpp>(series, "prometheus-cpp"); });
#endif
  }
}

}  // namespace curves
