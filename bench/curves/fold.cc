// SPDX-License-Identifier: Apache-2.0
//
// fold: one collection of so many dynamic counters, into which one CPU recorded or each of the machine's.
// simulated_fold: the same by CPUs that record, of a machine with as many (simulated_cpus.h).
#include <string>

#include "bench/micro/label_sets.h"
#include "bench/micro/on_cpus.h"
#include "bench/micro/total_visitor.h"
#include "curves.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/registry.h"
#include "fast_telemetry/snapshot.h"
#include "simulated_cpus.h"
#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
#include "bench/micro/peers/prometheus_cpp.h"
#endif

namespace ft = fast_telemetry;

namespace curves {
namespace {

/// Counters by two labels, one record in each from every CPU.
struct Counters {
  explicit Counters(std::size_t series)
      : counter{ft::Scope{registry},
                {.name = "requests"},
                {"tenant", "route"},
                {.max_series = static_cast<std::uint32_t>(series)}} {
    for (const Labels& labels : LabelSets{series}) handles.push_back(counter.with(labels.tenant, labels.route));
  }

  ft::Registry registry;
  ft::Dynamic<ft::Counter, 2> counter;
  std::vector<ft::SeriesHandle<ft::Counter>> handles;
};

/// In microseconds, of a registry with this total.
double collection_time(ft::Registry& registry, std::uint64_t expected) {
  ft::Reader reader{registry};
  static_cast<void>(reader.collect());  // allocates
  const double ns = median_time_ns([&] { static_cast<void>(reader.collect()); });
  TotalVisitor found;
  reader.collect().visit(found);
  expect("collection", found.total(), expected);
  return ns / 1e3;
}

void fold(std::size_t series, std::size_t cpus) {
  Counters counters{series};
  on_cpus(cpus, [&] {
    for (auto& handle : counters.handles) handle.add();
  });
  emit({"fold", static_cast<double>(series), std::to_string(cpus) + (cpus == 1 ? " CPU recorded" : " CPUs recorded"),
        collection_time(counters.registry, cpus * series), "us per collection"});
}

void simulated_fold(std::size_t series, unsigned cpus) {
  simulate_cpus(cpus);
  Counters counters{series};
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    for (auto& handle : counters.handles) {
      move_to_cpu(cpu);
      handle.add();
    }
  }
  move_back(cpus, series);
  emit({"simulated_fold", static_cast<double>(cpus), std::to_string(series) + " series",
        collection_time(counters.registry, cpus * series), "us per collection"});
}

#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
void fold_prometheus_cpp(std::size_t series) {
  PrometheusCpp metric;
  for (const Labels& labels : LabelSets{series}) metric.record(labels);
  const double ns = median_time_ns([&] { static_cast<void>(metric.registry.Collect()); });
  expect("prometheus-cpp", metric.total(), series);
  emit({"fold", static_cast<double>(series), "prometheus-cpp", ns / 1e3, "us per collection"});
}
#endif

}  // namespace

void draw_fold(Size size) {
  for (const std::size_t series : series_counts(size)) {
    in_child([&] { fold(series, 1); });
    if (allowed_cpus().size() > 1) in_child([&] { fold(series, allowed_cpus().size()); });
#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
    in_child([&] { fold_prometheus_cpp(series); });
#endif
  }
}

void draw_simulated_fold(Size size) {
  for (const std::size_t series :
       choose<std::vector<std::size_t>>(size, {1'000}, {1'000, 10'000, 100'000}, {1'000, 10'000, 100'000})) {
    for (const unsigned cpus : {8U, 16U, 32U, 64U, 128U, 256U}) {
      in_child([&] { simulated_fold(series, cpus); });
    }
  }
}

}  // namespace curves
