// SPDX-License-Identifier: Apache-2.0
//
// latency: percentiles of single records, each between two reads of the clock, while every series is collected over and
// over on another CPU; beside that CPU busy with memory of its own, and idle. Every record is timed, a series' first
// one on this CPU excepted.
#include <algorithm>
#include <array>
#include <random>
#include <string>

#include "bench/micro/beside.h"
#include "curves.h"
#include "fast_telemetry/clock.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/registry.h"

namespace ft = fast_telemetry;

namespace curves {
namespace {

void percentiles(Size size, std::string_view what, Other other) {
  const std::size_t series = choose(size, 1'000U, 100'000U, 100'000U);
  const std::size_t records = choose(size, std::size_t{1} << 14U, std::size_t{1} << 22U, std::size_t{1} << 24U);
  ft::Registry registry;
  ft::Dynamic<ft::Counter, 1> counters{
      registry, {.name = "requests"}, {"tenant"}, {.max_series = static_cast<std::uint32_t>(series)}};
  std::vector<decltype(counters.with("0"))> handles;
  for (std::size_t i = 0; i < series; ++i) handles.push_back(counters.with(std::to_string(i)));

  run_on(allowed_cpus().front());
  for (auto& handle : handles) handle.add();
  std::mt19937_64 random{20260901};  // arbitrary, fixed
  std::vector<std::uint32_t> times(records);
  Beside beside{registry, series, other};
  for (std::uint32_t& time : times) {
    auto& handle = handles[random() % series];
    const std::int64_t begin = ft::now_ns();
    handle.add();
    const std::int64_t end = ft::now_ns();
    time = static_cast<std::uint32_t>(std::min<std::int64_t>(end - begin, UINT32_MAX));
  }
  beside.stop();

  ft::Reader reader{registry};
  TotalVisitor total;
  reader.collect().visit(total);
  expect("records", total.total(), series + records);
  for (const double percentile : {50.0, 90.0, 99.0, 99.9, 99.99}) {
    const auto at = times.begin() + static_cast<std::ptrdiff_t>(percentile / 100 * static_cast<double>(records));
    std::nth_element(times.begin(), at, times.end());
    emit({"latency", percentile, what, static_cast<double>(*at), "ns"});
  }
}

}  // namespace

void draw_latency(Size size) {
  // Each in a process of its own: the next one's collections would pass the cells of the one before.
  in_child([&] { percentiles(size, "the other CPU is idle", Other::nothing); });
  in_child([&] { percentiles(size, "it is busy with memory of its own", Other::adds_up); });
  in_child([&] { percentiles(size, "it collects", Other::collects); });
}

}  // namespace curves
