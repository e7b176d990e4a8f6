// SPDX-License-Identifier: Apache-2.0
//
// Conservation: whatever interrupts, moves or preempts a writer, every add is counted exactly once, by every reader.
//
// Runs on the path of restartable sequences, on the fallback (GLIBC_TUNABLES, or a build without them) and under
// sanitizers. Parity: SHD-5, CNT-5, CNT-6, HIS-6, LAB-3, W-16, W-17.
#include <gtest/gtest.h>

#include <array>
#include <barrier>
#include <memory>
#include <optional>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "src/core/arena.h"
#include "tests/stress/stress.h"

namespace conservation_test {

namespace ft = fast_telemetry;

enum class Verb : std::uint8_t { get, set, del };
constexpr ft::Label label(Verb verb) { return ft::from_enumerator("verb", verb); }

enum class Result : std::uint8_t { ok, failed };
constexpr ft::Label label(Result result) { return ft::from_enumerator("result", result); }

constexpr std::array<std::uint64_t, 4> bounds{1, 2, 4, 8};
constexpr std::array<double, 3> float_bounds{-1.5, 0.25, 2.0};

struct Metrics {
  ft::Registry registry;
  ft::Scope scope{registry};
  ft::Counter counter{scope, {.name = "counter"}};
  ft::Labeled<ft::Counter, Verb, Result> labeled{scope, {.name = "labeled"}};
  ft::Histogram histogram{scope, {.name = "histogram"}, ft::Bounds{bounds.data(), bounds.size()}};
  ft::FloatHistogram float_histogram{
      scope, {.name = "float_histogram"}, ft::FloatBounds{float_bounds.data(), float_bounds.size()}};
};

/// What was recorded, or what a reader found. Sums of doubles are sums of quarters below 2^50, so they are exact in any
/// order.
struct Tally {
  std::uint64_t counter = 0;
  std::array<std::uint64_t, 6> labeled{};
  std::array<std::uint64_t, bounds.size() + 1> buckets{};
  double sum = 0;
  std::array<std::uint64_t, float_bounds.size() + 1> float_buckets{};
  double float_sum = 0;

  friend bool operator==(const Tally&, const Tally&) = default;

  void operator+=(const Tally& more) {
    const auto add = [](auto& to, const auto& from) {
      for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
    };
    counter += more.counter;
    add(labeled, more.labeled);
    add(buckets, more.buckets);
    sum += more.sum;
    add(float_buckets, more.float_buckets);
    float_sum += more.float_sum;
  }

  /// Cell by cell, sums left out: a sum may be ahead of or behind its buckets, and negative observations make it fall.
  [[nodiscard]] bool is_behind(const Tally& earlier) const {
    const auto behind = [](const auto& now, const auto& before) {
      for (std::size_t i = 0; i < now.size(); ++i) {
        if (now[i] < before[i]) return true;
      }
      return false;
    };
    return counter < earlier.counter || behind(labeled, earlier.labeled) || behind(buckets, earlier.buckets) ||
           behind(float_buckets, earlier.float_buckets);
  }

  friend std::ostream& operator<<(std::ostream& out, const Tally& tally) {
    const auto list = [&](const char* name, const auto& values) {
      out << name;
      for (const auto value : values) out << ' ' << value;
    };
    out << "counter " << tally.counter;
    list(", labeled", tally.labeled);
    list(", buckets", tally.buckets);
    list(", float buckets", tally.float_buckets);
    out.precision(17);
    return out << ", sum " << tally.sum << ", float sum " << tally.float_sum;
  }
};

/// Writes to every flavour of cell: integer, labelled, histogram, and the sum of doubles.
void record(Metrics& metrics, Tally& tally, std::uint64_t n) {
  metrics.counter.add(1 + (n & 1));
  tally.counter += 1 + (n & 1);

  const std::size_t combination = n % 6;
  metrics.labeled.with(static_cast<Verb>(combination / 2), static_cast<Result>(combination % 2)).add();
  ++tally.labeled[combination];

  constexpr std::array<std::size_t, 10> bucket{0, 0, 1, 2, 2, 3, 3, 3, 3, 4};
  metrics.histogram.record(n % 10);
  ++tally.buckets[bucket[n % 10]];
  tally.sum += static_cast<double>(n % 10);

  constexpr std::array<double, 4> values{-2.0, 0.25, 1.75, 1024.25};
  metrics.float_histogram.record(values[n % 4]);
  ++tally.float_buckets[n % 4];
  tally.float_sum += values[n % 4];
}

Tally read(ft::Reader& reader) {
  const ft::RecordingVisitor seen{reader};
  Tally tally;
  tally.counter = seen.counter("counter");
  const auto& points = seen.family("labeled").points;
  for (std::size_t i = 0; i < tally.labeled.size(); ++i) tally.labeled[i] = std::get<std::uint64_t>(points[i].value);
  const auto& histogram = seen.histogram("histogram");
  std::copy(histogram.buckets.begin(), histogram.buckets.end(), tally.buckets.begin());
  tally.sum = histogram.sum;
  const auto& floats = seen.histogram("float_histogram");
  std::copy(floats.buckets.begin(), floats.buckets.end(), tally.float_buckets.begin());
  tally.float_sum = floats.sum;
  return tally;
}

/// What the signal handler on a thread records, and where. Touched by that thread only.
struct InHandler {
  Metrics* metrics = nullptr;
  Tally tally;
  std::uint64_t signals = 0;
};
thread_local InHandler in_handler;

void record_in_handler(int) {
  if (in_handler.metrics != nullptr) record(*in_handler.metrics, in_handler.tally, in_handler.signals++);
}

struct Plan {
  unsigned writers;
  std::uint64_t records;             ///< per writer
  std::uint64_t records_per_hop;     ///< a writer moves to the next CPU after so many; 0: stays where it began
  std::uint64_t records_per_signal;  ///< a writer has itself interrupted, soon, after so many; 0: never
  bool storm;                        ///< one more thread does nothing but send signals to all writers
};

/// Writers write what `plan` says while three readers fold in a loop; all totals must agree.
void expect_conservation(const Plan& plan) {
  const auto metrics = std::make_unique<Metrics>();
  // A first write in a handler that interrupts another is a counted drop (FirstWrite in limits_test.cc): not here.
  Tally expected;
  record(*metrics, expected, 0);
  const std::vector<int> cpus = stress::allowed_cpus();
  const stress::Handler handler{SIGUSR1, record_in_handler};
  std::barrier start{static_cast<std::ptrdiff_t>(plan.writers) + 4};
  std::barrier written{static_cast<std::ptrdiff_t>(plan.writers) + 1};
  std::atomic<bool> done{false};
  std::atomic<bool> storm_over{false};
  std::vector<Tally> tallies(plan.writers);
  std::vector<std::uint64_t> signals(plan.writers);

  const auto write = [&](unsigned writer) {
    in_handler.metrics = metrics.get();
    in_handler.signals = writer;
    start.arrive_and_wait();
    {
      stress::ThreadTimer timer{SIGUSR1};
      std::size_t cpu = writer;
      stress::run_on(cpus[cpu % cpus.size()]);
      for (std::uint64_t n = 0; n < plan.records; ++n) {
        record(*metrics, tallies[writer], n);
        // From one to ten thousand nanoseconds: anywhere in the next records.
        if (plan.records_per_signal != 0 && n % plan.records_per_signal == 0) {
          timer.send_after(1 + static_cast<long>(n * 7919 % 10'000));
        }
        if (plan.records_per_hop != 0 && n % plan.records_per_hop == 0) stress::run_on(cpus[++cpu % cpus.size()]);
      }
    }
    written.arrive_and_wait();
    // The storm has ended: what it sent last has been handled when this thread returns from blocking it.
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    tallies[writer] += in_handler.tally;
    signals[writer] = in_handler.signals - writer;
  };

  const auto read_cumulative = [&](Tally& last, std::uint64_t& steps_back) {
    ft::Reader reader{metrics->registry};
    start.arrive_and_wait();
    while (!done.load(std::memory_order_acquire)) {
      const Tally now = read(reader);
      if (now.is_behind(last)) ++steps_back;
      last = now;
    }
    last = read(reader);
  };

  // Every third collection is not accepted, as when an export fails: the next one must cover its window too.
  const auto read_deltas = [&](Tally& total) {
    ft::Reader reader{metrics->registry, {.temporality = ft::Temporality::delta}};
    start.arrive_and_wait();
    for (std::uint64_t round = 0; !done.load(std::memory_order_acquire); ++round) {
      const Tally window = read(reader);
      if (round % 3 == 0) continue;
      reader.accept();
      total += window;
    }
    total += read(reader);
  };

  Tally cumulative;
  Tally delta;
  std::uint64_t steps_back = 0;
  std::uint64_t value_steps_back = 0;
  {
    std::jthread cumulative_reader{[&] { read_cumulative(cumulative, steps_back); }};
    std::jthread delta_reader{[&] { read_deltas(delta); }};
    std::jthread value_reader{[&] {
      start.arrive_and_wait();
      for (std::uint64_t last = 0; !done.load(std::memory_order_acquire);) {
        const std::uint64_t now = metrics->counter.value();
        if (now < last) ++value_steps_back;
        last = now;
      }
    }};
    std::vector<std::jthread> writers;
    for (unsigned writer = 0; writer < plan.writers; ++writer) writers.emplace_back(write, writer);
    std::optional<std::jthread> storm;
    start.arrive_and_wait();
    if (plan.storm) {
      storm.emplace([&] {
        while (!storm_over.load(std::memory_order_acquire)) {
          for (auto& writer : writers) pthread_kill(writer.native_handle(), SIGUSR1);
        }
      });
    }
    // The storm ends before the first writer does: a signal may not be sent to a thread that is gone. It must outlast
    // the writing, so it is the writers' last record that ends it.
    written.arrive_and_wait();
    storm_over.store(true, std::memory_order_release);
    storm.reset();
    writers.clear();
    done.store(true, std::memory_order_release);
  }

  for (const Tally& tally : tallies) expected += tally;
  std::uint64_t handled = 0;
  for (const std::uint64_t count : signals) handled += count;
  EXPECT_EQ(cumulative, expected);
  EXPECT_EQ(delta, expected);
  EXPECT_EQ(metrics->counter.value(), expected.counter);
  EXPECT_EQ(steps_back, 0U);
  EXPECT_EQ(value_steps_back, 0U);
  if (plan.records_per_signal != 0 || plan.storm) {
    EXPECT_GT(handled, 0U) << "no writer was ever interrupted: this run proves nothing";
  }
}

// A run that silently took the other path would prove the wrong thing.
TEST(Conservation, runs_on_the_write_path_it_is_meant_for) {
  const ft::Counter counter;
  const ft::StorageInfo info = ft::storage_info();
  EXPECT_EQ(info.path == ft::WritePath::restartable_sequence, stress::is_rseq_run()) << info.path_reason;
  EXPECT_EQ(info.path_reason.empty(), stress::is_rseq_run());
}

// Writers hop between CPUs and are interrupted by handlers that write to the very cells they interrupt.
//
// Mutations: rseq_add as a plain load, add and store with the CPU number read before it; an extra shard's add as a load
// and a store; `>=` left out where a CPU has no shard.
TEST(Conservation, holds_while_writers_migrate_and_handlers_write_to_the_interrupted_cell) {
  expect_conservation({.writers = 4,
                       .records = stress::scaled(1'000'000),
                       .records_per_hop = 512,
                       .records_per_signal = 200,
                       .storm = false});
}

// More threads than CPUs that all stay where they are, so that preemption is the rule, and a storm of signals.
//
// Mutations: as above; also rseq_add without the store that announces the descriptor.
TEST(Conservation, holds_while_pinned_writers_preempt_each_other_in_a_storm_of_signals) {
  expect_conservation({.writers = 8,
                       .records = stress::scaled(1'000'000),
                       .records_per_hop = 0,
                       .records_per_signal = 0,
                       .storm = true});
}

/// A machine whose highest CPU is beyond what was possible when the program started: restored from a snapshot, say.
class HighestCpuHasNoShard {
 public:
  HighestCpuHasNoShard() {
    const ft::Counter starts_storage;
    if (shards_ = ft::detail::shards; shards_ == 0) return;
    const auto highest = static_cast<std::uint32_t>(stress::allowed_cpus().back());
    ft::detail::layout_shards = ft::detail::shards = std::min(highest, shards_);
  }
  ~HighestCpuHasNoShard() { ft::detail::layout_shards = ft::detail::shards = shards_; }
  HighestCpuHasNoShard(const HighestCpuHasNoShard&) = delete;
  HighestCpuHasNoShard& operator=(const HighestCpuHasNoShard&) = delete;

 private:
  std::uint32_t shards_;
};

// Writers on one CPU take the cold path at full rate, and go back to plain adds when they hop to another.
//
// Mutations: the comparison with `shards` left out (the CPU then adds plainly where others add with a lock); an extra
// shard's add as a load and a store.
TEST(Conservation, holds_while_writers_hop_to_a_cpu_that_has_no_shard) {
  const HighestCpuHasNoShard machine;
  expect_conservation({.writers = 6,
                       .records = stress::scaled(600'000),
                       .records_per_hop = 2048,
                       .records_per_signal = 200,
                       .storm = false});
}

}  // namespace conservation_test
