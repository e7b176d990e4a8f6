// SPDX-License-Identifier: Apache-2.0
//
// What a single record takes while 100 000 series are collected over and over on another CPU: the latency that at most
// one record in a thousand exceeds. Beside it the same while that CPU is as busy with memory of its own, since a
// virtual CPU is interrupted more often when all are busy, and while it is idle. Each record is between two reads of
// the clock, whose cost is in all rows. The writer picks series at random, so that most records find the cell's line
// where the collection left it.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "beside.h"
#include "fast_telemetry/clock.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/registry.h"
#include "total_visitor.h"

namespace ft = fast_telemetry;

namespace {

constexpr std::size_t series = 100'000;
constexpr std::size_t records = 1U << 16U;

void BM_latency(benchmark::State& state) {
  ft::Registry registry;
  ft::Dynamic<ft::Counter, 1> counters{registry, {.name = "requests"}, {"tenant"}, {.max_series = series}};
  std::vector<decltype(counters.with("0"))> handles;
  for (std::size_t i = 0; i < series; ++i) handles.push_back(counters.with(std::to_string(i)));

  run_on(allowed_cpus().front());
  for (auto& handle : handles) handle.add();  // the first record of a CPU in a series is another benchmark's
  std::mt19937_64 random{20260901};
  Beside beside{registry, series, static_cast<Other>(state.range(0))};
  std::vector<std::uint32_t> times;
  std::uint64_t recorded = series;
  while (state.KeepRunningBatch(records)) {
    for (std::size_t i = 0; i < records; ++i) {
      auto& handle = handles[random() % series];
      const std::int64_t begin = ft::now_ns();
      handle.add();
      const std::int64_t end = ft::now_ns();
      times.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(end - begin, UINT32_MAX)));
    }
    recorded += records;
  }
  beside.stop();

  const auto below = [&](double part) {
    const auto at = times.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(times.size()));
    std::nth_element(times.begin(), at, times.end());
    return static_cast<double>(*at);
  };
  state.counters["p50"] = below(0.5);
  state.counters["p99"] = below(0.99);
  state.counters["ns"] = below(0.999);
  state.counters["p9999"] = below(0.9999);

  ft::Reader reader{registry};
  TotalVisitor total;
  reader.collect().visit(total);
  if (total.total() != recorded) state.SkipWithError("not every record was found");
}
BENCHMARK(BM_latency)->ArgName("other")->DenseRange(0, 2)->UseRealTime();

}  // namespace
