// SPDX-License-Identifier: Apache-2.0
//
// Eviction: series go idle, are evicted, are written again and made anew while writers, sweeps and readers race. What
// was added is reported to every reader exactly once.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/sweeper.h"
#include "fast_telemetry/testing/ignoring_visitor.h"
#include "tests/stress/stress.h"

namespace {

namespace ft = fast_telemetry;

constexpr std::size_t labels = 4096;
using Totals = std::vector<std::uint64_t>;

/// The counters of one collection, by label. No label may appear twice.
class Seen final : public ft::IgnoringVisitor {
 public:
  struct Point {
    std::uint64_t id;
    std::uint64_t value;
  };
  explicit Seen(const ft::Snapshot& snapshot) { snapshot.visit(*this); }

  std::map<std::size_t, Point> points;
  std::size_t repeated = 0;

  using ft::IgnoringVisitor::sum;
  void sum(const ft::Series& series, const ft::NumberPoint<std::uint64_t>& point) override {
    if (series.labels.size() != 1) return;
    const std::string label{view(series.labels[0].value)};
    if (label == "true") return;  // the overflow series
    if (!points.emplace(std::stoul(label), Point{series.id, point.value}).second) ++repeated;
  }
};

std::chrono::milliseconds duration() {
  const char* const seconds = std::getenv("FAST_TELEMETRY_STRESS_SECONDS");
  return std::chrono::milliseconds{seconds == nullptr ? 2000 : 1000 * std::atol(seconds)};
}

class Load {
 public:
  explicit Load(ft::Dynamic<ft::Counter, 1>& counter) : counter_{counter} {}

  void by_label(unsigned seed) {
    std::mt19937 random{seed};
    Totals added(labels);
    while (!stop_.load(std::memory_order_relaxed)) {
      const std::size_t label = random() % labels;
      for (int i = 0; i < 20; ++i) {
        counter_.at(label).add();
        ++added[label];
      }
    }
    keep(added);
  }

  void by_handle(unsigned seed) {
    std::mt19937 random{seed};
    Totals added(labels);
    while (!stop_.load(std::memory_order_relaxed)) {
      std::vector<std::pair<std::size_t, ft::Dynamic<ft::Counter, 1>::Handle>> handles;
      for (int i = 0; i < 16; ++i) {
        const std::size_t label = random() % labels;
        handles.emplace_back(label, counter_.with(label));
      }
      for (int i = 0; i < 20'000; ++i) {
        const auto& [label, handle] = handles[random() % handles.size()];
        handle.add(2);
        added[label] += 2;
        if (i % 500 == 0) sched_yield();
      }
    }
    keep(added);
  }

  void stop() { stop_ = true; }
  [[nodiscard]] bool stopped() const { return stop_; }
  [[nodiscard]] const Totals& added() const { return total_; }

 private:
  void keep(const Totals& added) {
    const std::lock_guard lock{mutex_};
    for (std::size_t i = 0; i < labels; ++i) total_[i] += added[i];
  }

  ft::Dynamic<ft::Counter, 1>& counter_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  Totals total_ = Totals(labels);
};

struct DeltaReader {
  explicit DeltaReader(ft::Registry& registry) : reader{registry, {.temporality = ft::Temporality::delta}} {}
  void collect() {
    const Seen seen{reader.collect()};
    repeated += seen.repeated;
    for (const auto& [label, point] : seen.points) totals[label] += point.value;
    reader.accept();
  }
  ft::Reader reader;
  Totals totals = Totals(labels);
  std::size_t repeated = 0;
};

struct CumulativeReader {
  explicit CumulativeReader(ft::Registry& registry) : reader{registry} {}
  void collect() {
    const Seen seen{reader.collect()};
    repeated += seen.repeated;
    for (const auto& [label, point] : seen.points) {
      auto& value = values[{label, point.id}];
      fell += point.value < value;
      value = point.value;
    }
    reader.accept();
  }
  [[nodiscard]] Totals totals() const {
    Totals sums(labels);
    for (const auto& [key, value] : values) sums[key.first] += value;
    return sums;
  }
  ft::Reader reader;
  std::map<std::pair<std::size_t, std::uint64_t>, std::uint64_t> values;
  std::size_t repeated = 0;
  std::size_t fell = 0;
};

TEST(Eviction, loses_and_repeats_nothing) {
  ft::Registry registry;
  ft::Scope scope{registry};
  ft::Dynamic<ft::Counter, 1> counter{scope, {.name = "evicted"}, {"label"}, {.max_series = labels}};
  Load load{counter};
  std::array<std::unique_ptr<DeltaReader>, 3> deltas;
  for (auto& reader : deltas) reader = std::make_unique<DeltaReader>(registry);
  CumulativeReader cumulative{registry};

  std::vector<std::thread> writers;
  for (unsigned i = 0; i < 2; ++i) writers.emplace_back([&load, i] { load.by_label(i); });
  for (unsigned i = 0; i < 2; ++i) writers.emplace_back([&load, i] { load.by_handle(100 + i); });
  std::uint64_t evicted = 0;
  std::uint64_t forgotten = 0;
  std::thread evictor{[&] {
    ft::Sweeper sweeper{registry, {.idle_sweeps = 1}};
    while (!load.stopped()) {
      const ft::SweepResult result = sweeper.sweep();
      evicted += result.evicted;
      forgotten += result.forgotten;
    }
  }};
  std::vector<std::thread> readers;
  for (auto& reader : deltas) {
    readers.emplace_back([&] {
      while (!load.stopped()) reader->collect();
    });
  }
  readers.emplace_back([&] {
    while (!load.stopped()) cumulative.collect();
  });

  const auto end = std::chrono::steady_clock::now() + duration();
  while (std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds{50});
  load.stop();
  for (auto& thread : writers) thread.join();
  evictor.join();
  for (auto& thread : readers) thread.join();

  cumulative.collect();
  EXPECT_EQ(cumulative.totals(), load.added());
  EXPECT_EQ(cumulative.repeated, 0U);
  EXPECT_EQ(cumulative.fell, 0U);
  for (auto& reader : deltas) {
    reader->collect();
    EXPECT_EQ(reader->totals, load.added());
    EXPECT_EQ(reader->repeated, 0U);
  }
  std::printf("%llu evicted, %llu forgotten\n", static_cast<unsigned long long>(evicted),
              static_cast<unsigned long long>(forgotten));
  EXPECT_EQ(counter.overflow_count(), 0U);
}

}  // namespace
