// SPDX-License-Identifier: Apache-2.0
//
// simulated_memory: what a series takes, of counters, histograms and distributions, by how many CPUs recorded into it,
// of a machine with as many (simulated_cpus.h). Beside prometheus-cpp, which does not know of CPUs.
#include <chrono>

#include "bench/micro/label_sets.h"
#include "bench/micro/memory_growth.h"
#include "curves.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/registry.h"
#include "simulated_cpus.h"
#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
#include "bench/micro/peers/prometheus_cpp.h"
#endif

namespace ft = fast_telemetry;

namespace curves {
namespace {

/// One a decade from 1 µs to 10 s: a series' requests are alike, but not all the same.
constexpr std::uint64_t durations_ns[] = {1'000,      10'000,      100'000,       1'000'000,
                                          10'000'000, 100'000'000, 1'000'000'000, 10'000'000'000};
constexpr std::uint64_t records = std::size(durations_ns);  // per series and CPU

void emit_bytes(unsigned cpus, std::string_view what, std::uint64_t bytes, std::size_t series) {
  emit({"simulated_memory", static_cast<double>(cpus), what, static_cast<double>(bytes) / static_cast<double>(series),
        "bytes per series"});
}

/// `record(series, i)` makes the i-th record in a series.
template <class Metric, class Record, class... Shape>
void measure(unsigned cpus, std::size_t series, std::string_view what, Record record, const Shape&... shape) {
  simulate_cpus(cpus);
  const LabelSets sets{series};
  const std::vector<Labels> labels = sets.in_order(shuffled(series, births_seed));
  ft::Registry registry;
  ft::Dynamic<Metric, 2> metric{ft::Scope{registry},
                                {.name = "requests"},
                                {"tenant", "route"},
                                {.max_series = static_cast<std::uint32_t>(series)},
                                shape...};
  unsigned cpu = 0;
  const auto everywhere = [&](const auto& work) {
    for (cpu = 0; cpu < cpus; ++cpu) work();
  };
  const std::uint64_t bytes = memory_growth(series, everywhere, [&](std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) {
      for (std::size_t k = 0; k < records; ++k) {
        auto found = metric.at(labels[i].tenant, labels[i].route);
        move_to_cpu(cpu);
        record(found, k);
      }
    }
  });
  move_back(cpus, series);
  std::uint64_t total = 0;
  for (const Labels& l : labels) {
    const auto found = metric.find(l.tenant, l.route);
    if constexpr (requires { found.count(); }) {
      total += found.count();
    } else {
      total += found.value();
    }
  }
  expect(what, total, cpus * series * records);
  emit_bytes(cpus, what, bytes, series);
}

void ours(Size size, unsigned cpus) {
  const std::size_t few = choose<std::size_t>(size, 100, 1'000, 1'000);
  const auto observe = [](auto& found, std::size_t k) { found.record(std::chrono::nanoseconds{durations_ns[k]}); };
  in_child([&] { measure<ft::Counter>(cpus, 10 * few, "counter", [](auto& found, std::size_t) { found.add(); }); });
  in_child([&] { measure<ft::Histogram>(cpus, few, "histogram of 13 bounds", observe, ft::buckets::latency); });
  in_child([&] { measure<ft::Distribution>(cpus, few, "distribution of scale 3", observe, ft::Range::latency()); });
}

#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
constexpr auto once = [](const auto& work) { work(); };

std::uint64_t counters_of_prometheus_cpp(const std::vector<Labels>& labels) {
  PrometheusCpp metric;
  const std::uint64_t bytes = memory_growth(labels.size(), once, [&](std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) metric.record(labels[i]);
  });
  expect("prometheus-cpp counters", metric.total(), labels.size());
  return bytes;
}

std::uint64_t histograms_of_prometheus_cpp(const std::vector<Labels>& labels) {
  prometheus::Registry registry;
  auto& family = prometheus::BuildHistogram().Name("requests").Help("Requests.").Register(registry);
  const std::uint64_t bytes = memory_growth(labels.size(), once, [&](std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) {
      auto& histogram = family.Add({{"tenant", std::string{labels[i].tenant}}, {"route", std::string{labels[i].route}}},
                                   latency_seconds);
      for (const std::uint64_t ns : durations_ns) histogram.Observe(static_cast<double>(ns) / 1e9);
    }
  });
  std::uint64_t count = 0;
  const auto families = family.Collect();
  for (const auto& metric : families.at(0).metric) count += metric.histogram.sample_count;
  expect("prometheus-cpp histograms", count, labels.size() * records);
  return bytes;
}

/// Drawn as a line from end to end.
void prometheus_cpp(Size size, std::string_view what, std::uint64_t (*measure)(const std::vector<Labels>&)) {
  const std::size_t series = choose<std::size_t>(size, 1'000, 10'000, 10'000);
  in_child([&] {
    const LabelSets sets{series};
    const std::uint64_t bytes = measure(sets.in_order(shuffled(series, births_seed)));
    for (const unsigned cpus : {1U, 256U}) emit_bytes(cpus, what, bytes, series);
  });
}
#endif

}  // namespace

void draw_simulated_memory(Size size) {
  for (const unsigned cpus : {1U, 2U, 4U, 8U, 16U, 32U, 64U, 128U, 256U}) ours(size, cpus);
#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
  prometheus_cpp(size, "prometheus-cpp counter", counters_of_prometheus_cpp);
  prometheus_cpp(size, "prometheus-cpp histogram", histograms_of_prometheus_cpp);
#endif
}

}  // namespace curves
