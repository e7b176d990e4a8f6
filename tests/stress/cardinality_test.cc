// SPDX-License-Identifier: Apache-2.0
//
// More label sets than a metric may have series, from many threads, beside a sweeper and a reader.
// Parity: BHN-8.
#include <gtest/gtest.h>

#include <barrier>
#include <chrono>
#include <memory>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/sweeper.h"
#include "fast_telemetry/testing/ignoring_visitor.h"
#include "tests/stress/stress.h"

namespace cardinality_test {

namespace ft = fast_telemetry;

constexpr std::uint32_t max_series = 100;
constexpr std::uint64_t threads = 8;
constexpr std::uint64_t labels_of_each = 20;
constexpr std::uint64_t batch = 500;

using Counter = ft::Dynamic<ft::Counter, 1>;

/// Adds up deltas.
class Exported final : public ft::IgnoringVisitor {
 public:
  explicit Exported(ft::Registry& registry) : reader_{registry, {.temporality = ft::Temporality::delta}} {}
  void collect() {
    points_ = 0;
    reader_.collect().visit(*this);
    reader_.accept();
  }
  using ft::IgnoringVisitor::sum;
  void sum(const ft::Series&, const ft::NumberPoint<std::uint64_t>& point) override {
    total_ += point.value;
    ++points_;
  }
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] std::uint64_t points() const { return points_; }  // of the last collection

 private:
  ft::Reader reader_;
  std::uint64_t total_ = 0;
  std::uint64_t points_ = 0;
};

class Load {
 public:
  explicit Load(Counter& counter) : counter_{counter} {}

  /// Every label set once, by all threads before any goes on: 160 for 100 places. Then half of a thread's label sets
  /// for a while, then the other half: what is not written is idle, and its place is free when it was swept.
  void record(std::uint64_t thread, std::uint64_t operations) {
    begin_operations(labels_of_each);
    for (std::uint64_t l = 0; l < labels_of_each; ++l) counter_.at(thread * labels_of_each + l).add();
    all_touched_.arrive_and_wait();
    for (std::uint64_t n = 0; n < operations; n += batch) {
      begin_operations(batch);
      const std::uint64_t half = n * 4 / operations % 2 * labels_of_each / 2;
      for (std::uint64_t i = 0; i < batch; ++i) {
        counter_.at(thread * labels_of_each + half + i % (labels_of_each / 2)).add();
      }
    }
  }
  void wait_until_all_are_touched() { all_touched_.arrive_and_wait(); }

  /// At least as many as are in a collection that is complete.
  [[nodiscard]] std::uint64_t operations() const { return operations_; }

 private:
  /// Before they are done: who sees one of them sees that it has begun.
  void begin_operations(std::uint64_t count) { operations_ += count; }

  Counter& counter_;
  std::atomic<std::uint64_t> operations_{0};
  std::barrier<> all_touched_{threads + 1};
};

// What is exported never exceeds what was done, and is all of it in the end; what has no place is counted as overflow;
// and there are never more series than allowed, nor more points than those and as many that were just evicted.
//
// Mutations: DynamicIndex::count_in and slow() allow more than max_series; retire_series folds one too many, or
// nothing, into `earlier`.
TEST(Cardinality, beyond_the_limit_beside_a_sweeper) {
  ft::Registry registry;
  Counter counter{registry, {.name = "requests"}, {"key"}, {.max_series = max_series}};
  Exported exported{registry};
  ft::Sweeper sweeper{registry, {.idle_sweeps = 3}};
  Load load{counter};
  std::atomic<std::uint64_t> running{threads};
  std::vector<std::jthread> writers;
  for (std::uint64_t t = 0; t < threads; ++t) {
    writers.emplace_back([&, t] {
      load.record(t, stress::scaled(500'000));
      --running;
    });
  }
  load.wait_until_all_are_touched();
  EXPECT_GT(counter.overflow_count(), 0U);
  std::uint64_t evicted = 0;
  while (running != 0) {
    // Nothing waits for anything here: it is how often a program sweeps, and idle series need time to be idle in.
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
    evicted += sweeper.sweep().evicted;
    exported.collect();
    ASSERT_LE(exported.total(), load.operations());
    ASSERT_LE(exported.points(), 2 * max_series + 1);
    ASSERT_LE(counter.series_count(), max_series);
  }
  writers.clear();
  exported.collect();
  EXPECT_EQ(exported.total(), load.operations());
  // One sweep sees what was last written, three that it is idle.
  for (int i = 0; i < 4; ++i) evicted += sweeper.sweep().evicted;
  EXPECT_GE(evicted, max_series);
  exported.collect();
  EXPECT_EQ(exported.total(), load.operations());
}

}  // namespace cardinality_test
