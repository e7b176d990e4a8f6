// SPDX-License-Identifier: Apache-2.0
//
// What a collection costs: Reader::collect over many cells, alone and while somebody writes. Shards are those
// of the machine: one per CPU that can exist, and eight for locked adds. `cpus` of them are written to, one or every
// one this process may use; a fold skips what was never written. Rows per metric and rows per labelled cell differ in
// what a collection knows about each.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/observable.h"
#include "fast_telemetry/registry.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/storage_info.h"
#include "on_cpus.h"
#include "passes.h"
#include "total_visitor.h"
#include "wide_enums.h"

namespace ft = fast_telemetry;

namespace {

/// `size` counters, each a metric of its own.
class Metrics {
 public:
  explicit Metrics(std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      counters_.emplace_back(registry, ft::Info{.name = ft::Name::checked("c" + std::to_string(i))});
    }
  }
  void add(std::size_t i) { counters_[i].add(); }

  ft::Registry registry;

 private:
  std::deque<ft::Counter> counters_;
};

/// As many cells in metrics of 10 000 labelled counters.
class LabeledCells {
 public:
  explicit LabeledCells(std::size_t size) {
    for (std::size_t i = 0; i * per_metric < size; ++i) {
      metrics_.emplace_back(registry, ft::Info{.name = ft::Name::checked("c" + std::to_string(i))});
    }
  }
  void add(std::size_t i) {
    const std::size_t point = i % per_metric;
    metrics_[i / per_metric]
        .with(static_cast<wide_enums::Endpoint>(point / 100), static_cast<wide_enums::Tenant>(point % 100))
        .add();
  }

  ft::Registry registry;

 private:
  static constexpr std::size_t per_metric = 10'000;
  std::deque<ft::Labeled<ft::Counter, wide_enums::Endpoint, wide_enums::Tenant>> metrics_;
};

/// As many observable counters, each with a callback that reads a variable.
class Observables {
 public:
  explicit Observables(std::size_t size) : values_(size) {
    for (std::size_t i = 0; i < size; ++i) {
      counters_.emplace_back(registry, ft::Info{.name = ft::Name::checked("c" + std::to_string(i))},
                             [this, i] { return values_[i]; });
    }
  }
  void add(std::size_t i) { ++values_[i]; }  // in one thread at a time

  ft::Registry registry;

 private:
  std::vector<std::uint64_t> values_;
  std::deque<ft::ObservableCounter<std::uint64_t>> counters_;
};

/// Adds to cells in random order until it is destroyed.
template <class Cells>
class Writer {
 public:
  Writer(Cells& cells, std::size_t size) : cells_{cells}, size_{size}, thread_{[this] { run(); }} {}
  ~Writer() { stop(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Returns how often it added.
  std::uint64_t stop() {
    done_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) thread_.join();
    return adds_;
  }

 private:
  void run() {
    std::minstd_rand random;
    std::vector<std::uint32_t> order(65536);
    for (auto& i : order) i = static_cast<std::uint32_t>(random() % size_);
    while (!done_.load(std::memory_order_relaxed)) {
      for (const std::uint32_t i : order) cells_.add(i);
      adds_ += order.size();
    }
  }

  Cells& cells_;
  std::size_t size_;
  std::atomic<bool> done_{false};
  std::uint64_t adds_ = 0;
  std::thread thread_;
};

template <class Cells>
void BM_collect(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::pair made{size, state.range(1)};
  // Kept for the harness's next call with the same: registering 100 000 metrics takes longer than measuring.
  static std::unique_ptr<Cells> cells;
  static std::pair<std::size_t, std::int64_t> kept;
  static std::uint64_t expected = 0;
  if (kept != made) {
    cells = std::make_unique<Cells>(size);
    kept = made;
    expected = 0;
    on_cpus(static_cast<std::size_t>(state.range(1)), [&] {
      for (std::size_t i = 0; i < size; ++i) cells->add(i);
      expected += size;
    });
  }

  ft::Reader reader{cells->registry};
  static_cast<void>(reader.collect());  // allocates
  std::unique_ptr<Writer<Cells>> writer;
  if (state.range(2) != 0) writer = std::make_unique<Writer<Cells>>(*cells, size);
  Passes{state, 1}.run([&] {
    const ft::Snapshot* taken = &reader.collect();
    benchmark::DoNotOptimize(taken);
  });
  if (writer) expected += writer->stop();

  TotalVisitor found;
  reader.collect().visit(found);
  if (found.total() != expected || found.points() != size) state.SkipWithError("the collection is not what was added");
  state.counters["shards"] = ft::storage_info().shards;
}

/// With one shard written to and with all of them; beside a writer, which may run anywhere, with all.
void arguments(benchmark::internal::Benchmark* collect, const std::vector<std::int64_t>& cells) {
  const auto all = static_cast<std::int64_t>(allowed_cpus().size());
  collect->ArgNames({"cells", "cpus", "writers"});
  if (all > 1) collect->ArgsProduct({cells, {1}, {0}});
  collect->ArgsProduct({cells, {all}, {0, 1}});
}

BENCHMARK(BM_collect<Metrics>)->Name("BM_collect_metrics")->Apply([](auto* collect) {
  arguments(collect, {1'000, 10'000, 100'000});
});
BENCHMARK(BM_collect<LabeledCells>)->Name("BM_collect_labeled")->Apply([](auto* collect) {
  arguments(collect, {10'000, 100'000});
});
BENCHMARK(BM_collect<Observables>)
    ->Name("BM_collect_observables")
    ->ArgNames({"cells", "cpus", "writers"})
    ->ArgsProduct({{1'000, 10'000}, {1}, {0}});

}  // namespace
