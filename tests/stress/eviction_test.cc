// SPDX-License-Identifier: Apache-2.0
//
// Eviction: series go idle, are evicted, are written again and made anew while writers, sweeps and readers race. What
// was added is reported to every reader exactly once.
//
// FAST_TELEMETRY_STRESS_SECONDS is how long each test runs; 2 where it is not set.
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

/// What threads add, by label and by handle.
class Load {
 public:
  Load(ft::Dynamic<ft::Counter, 1>& counter, std::size_t labels) : counter_{counter}, labels_{labels}, total_(labels) {}

  void by_label(unsigned seed) {
    std::mt19937 random{seed};
    Totals added(labels_);
    while (!stop_.load(std::memory_order_relaxed)) {
      const std::size_t label = random() % labels_;
      for (int i = 0; i < 20; ++i) {
        counter_.at(label).add();
        ++added[label];
      }
    }
    keep(added);
  }

  void by_handle(unsigned seed) {
    std::mt19937 random{seed};
    Totals added(labels_);
    while (!stop_.load(std::memory_order_relaxed)) {
      std::vector<std::pair<std::size_t, ft::Dynamic<ft::Counter, 1>::Handle>> handles;
      for (int i = 0; i < 16; ++i) {
        const std::size_t label = random() % labels_;
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
    for (std::size_t i = 0; i < labels_; ++i) total_[i] += added[i];
  }

  ft::Dynamic<ft::Counter, 1>& counter_;
  std::size_t labels_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  Totals total_;
};

struct DeltaReader {
  DeltaReader(ft::Registry& registry, std::size_t labels)
      : reader{registry, {.temporality = ft::Temporality::delta}}, totals(labels) {}
  void collect() {
    const Seen seen{reader.collect()};
    repeated += seen.repeated;
    for (const auto& [label, point] : seen.points) totals[label] += point.value;
    reader.accept();
  }
  ft::Reader reader;
  Totals totals;
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
  [[nodiscard]] Totals totals(std::size_t labels) const {
    Totals sums(labels);
    for (const auto& [key, value] : values) sums[key.first] += value;
    return sums;
  }
  ft::Reader reader;
  std::map<std::pair<std::size_t, std::uint64_t>, std::uint64_t> values;
  std::size_t repeated = 0;
  std::size_t fell = 0;
};

/// Writers by label and by handle, sweeps that evict what is idle and sweeps that evict everything, three delta readers
/// and a cumulative one. Returns how many series were evicted.
std::uint64_t race(std::size_t labels) {
  ft::Registry registry;
  ft::Scope scope{registry};
  ft::Dynamic<ft::Counter, 1> counter{scope, {.name = "evicted"}, {"label"}, {.max_series = 4096}};
  Load load{counter, labels};
  std::array<std::unique_ptr<DeltaReader>, 3> deltas;
  for (auto& reader : deltas) reader = std::make_unique<DeltaReader>(registry, labels);
  CumulativeReader cumulative{registry};

  std::uint64_t evicted = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 2; ++i) threads.emplace_back([&load, i] { load.by_label(i); });
  for (unsigned i = 0; i < 2; ++i) threads.emplace_back([&load, i] { load.by_handle(100 + i); });
  threads.emplace_back([&] {
    ft::Sweeper idle{registry, {.idle_sweeps = 1}};
    ft::Sweeper ruthless{registry, {.idle_sweeps = 0}};
    while (!load.stopped()) evicted += idle.sweep().evicted + ruthless.sweep().evicted;
  });
  threads.emplace_back([&] {
    while (!load.stopped()) {
      for (auto& reader : deltas) reader->collect();
      cumulative.collect();
    }
  });
  std::this_thread::sleep_for(duration());  // the length of the race, not an order of events
  load.stop();
  for (auto& thread : threads) thread.join();

  cumulative.collect();
  EXPECT_EQ(cumulative.totals(labels), load.added());
  EXPECT_EQ(cumulative.repeated, 0U);
  EXPECT_EQ(cumulative.fell, 0U);
  for (auto& reader : deltas) {
    reader->collect();
    EXPECT_EQ(reader->totals, load.added());
    EXPECT_EQ(reader->repeated, 0U);
  }
  EXPECT_EQ(counter.overflow_count(), 0U);
  return evicted;
}

// Two threads add here and there among a few series, so that each is written again just when it is evicted.
//
// Mutation: the barrier left out of Sweep::run: adds under way land in a run that was folded and zeroed.
TEST(Eviction, of_what_is_being_written) {
  constexpr std::size_t labels = 2000;
  ft::Registry registry;
  ft::Dynamic<ft::Counter, 1> counter{ft::Scope{registry}, {.name = "evicted"}, {"label"}};
  std::vector<ft::Dynamic<ft::Counter, 1>::Handle> handles;
  for (std::size_t label = 0; label < labels; ++label) handles.push_back(counter.with(label));
  std::atomic<bool> stop{false};
  std::array<Totals, 2> added{Totals(labels), Totals(labels)};
  std::vector<std::thread> writers;
  for (unsigned i = 0; i < 2; ++i) {
    writers.emplace_back([&, i] {
      std::minstd_rand random{i + 1};
      while (!stop.load(std::memory_order_relaxed)) {
        const std::size_t label = random() % labels;
        handles[label].add();
        ++added[i][label];
      }
    });
  }
  ft::Sweeper sweeper{registry, {.idle_sweeps = 0}};
  std::uint64_t evicted = 0;
  for (const auto end = std::chrono::steady_clock::now() + duration(); std::chrono::steady_clock::now() < end;) {
    evicted += sweeper.sweep().evicted;
  }
  stop = true;
  for (auto& writer : writers) writer.join();
  EXPECT_GT(evicted, 0U);
  for (std::size_t label = 0; label < labels; ++label) {
    EXPECT_EQ(handles[label].value(), added[0][label] + added[1][label]) << "after " << evicted << " evictions";
  }
}

// Births and deaths: most labels are evicted, forgotten and made anew.
TEST(Eviction, of_series_that_come_and_go) { EXPECT_GT(race(4096), stress::scaled(1000)); }

}  // namespace
