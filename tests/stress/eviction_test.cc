// SPDX-License-Identifier: Apache-2.0
//
// Eviction: series go idle, are evicted, are written again and made anew while writers, sweeps and readers race. What
// was added is reported to every reader exactly once.
//
// FAST_TELEMETRY_STRESS_SECONDS is how long each test runs; 2 where it is not set.
// Parity: DYN-17, DYN-22 to DYN-25, W-31, W-32, W-34.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <random>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/detail/arena.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/sweeper.h"
#include "fast_telemetry/testing/ignoring_visitor.h"
#include "tests/stress/stress.h"

namespace eviction_test {

namespace ft = fast_telemetry;

/// What was added, or seen: by label the counter, the histogram's count and its sum.
using Totals = std::vector<std::uint64_t>;
constexpr std::size_t figures = 3;

using Counter = ft::Dynamic<ft::Counter, 1>;
using Sizes = ft::Dynamic<ft::Histogram, 1>;

/// What one collection shows, by place in Totals. No label may appear twice.
class Seen final : public ft::IgnoringVisitor {
 public:
  struct Point {
    std::uint64_t id;
    std::uint64_t value;
  };
  explicit Seen(const ft::Snapshot& snapshot) { snapshot.visit(*this); }

  std::map<std::size_t, Point> points;
  std::size_t repeated = 0;

  using ft::IgnoringVisitor::histogram;
  using ft::IgnoringVisitor::sum;
  void sum(const ft::Series& series, const ft::NumberPoint<std::uint64_t>& point) override {
    note(series, 0, point.value);
  }
  void histogram(const ft::Series& series, const ft::HistogramPoint& point) override {
    std::uint64_t count = 0;
    for (const std::uint64_t bucket : point.buckets) count += bucket;
    note(series, 1, count);
    note(series, 2, static_cast<std::uint64_t>(point.sum));
  }

 private:
  void note(const ft::Series& series, std::size_t figure, std::uint64_t value) {
    if (series.labels.size() != 1) return;
    const std::string label{view(series.labels[0].value)};
    if (label == "true") return;  // the overflow series
    if (!points.emplace(std::stoul(label) * figures + figure, Point{series.id, value}).second) ++repeated;
  }
};

std::chrono::seconds duration() {
  const char* const seconds = std::getenv("FAST_TELEMETRY_STRESS_SECONDS");
  return std::chrono::seconds{seconds == nullptr ? 2 : std::atol(seconds)};
}

/// What threads add, by label and by handle.
class Load {
 public:
  Load(ft::Registry& registry, std::size_t labels)
      : counter_{registry, {.name = "evicted"}, {"label"}, {.max_series = 4096}},
        sizes_{registry, {.name = "sizes"}, {"label"}, {.max_series = 4096}, ft::Bounds{10, 100}},
        labels_{labels},
        total_(labels * figures) {}

  void by_label(unsigned seed) {
    std::minstd_rand random{seed};
    Totals added(total_.size());
    while (!stopped()) look_up_and_add(random, added);
    keep(added);
  }

  void by_handle(unsigned seed) {
    std::minstd_rand random{seed};
    Totals added(total_.size());
    while (!stopped()) take_handles_and_add(random, added, 20'000);
    keep(added);
  }

  /// Threads that end soon after they began: most of what they touch, they touch first and last.
  void by_short_lived_threads(unsigned seed) {
    while (!stopped()) {
      std::thread{[this, mine = ++seed] {
        std::minstd_rand random{mine};
        Totals added(total_.size());
        for (int i = 0; i < 5; ++i) look_up_and_add(random, added);
        take_handles_and_add(random, added, 100);
        keep(added);
      }}.join();
    }
  }

  void stop() { stop_ = true; }
  [[nodiscard]] bool stopped() const { return stop_.load(std::memory_order_relaxed); }
  [[nodiscard]] const Totals& added() const { return total_; }
  [[nodiscard]] std::uint64_t overflows() const { return counter_.overflow_count() + sizes_.overflow_count(); }

 private:
  void look_up_and_add(std::minstd_rand& random, Totals& added) {
    const std::size_t label = random() % labels_;
    for (std::uint64_t i = 0; i < 20; ++i) {
      counter_.at(label).add();
      sizes_.at(label).record(10 * i);
      added[label * figures] += 1;
      added[label * figures + 1] += 1;
      added[label * figures + 2] += 10 * i;
    }
  }

  void take_handles_and_add(std::minstd_rand& random, Totals& added, int adds) {
    struct Handles {
      std::size_t label;
      Counter::Handle counter;
      Sizes::Handle sizes;
    };
    std::vector<Handles> handles;
    for (int i = 0; i < 16; ++i) {
      const std::size_t label = random() % labels_;
      handles.push_back({label, counter_.with(label), sizes_.with(label)});
    }
    for (int i = 0; i < adds; ++i) {
      const Handles& one = handles[random() % handles.size()];
      one.counter.add(2);
      one.sizes.record(7);
      added[one.label * figures] += 2;
      added[one.label * figures + 1] += 1;
      added[one.label * figures + 2] += 7;
      if (i % 500 == 0) sched_yield();
    }
  }

  void keep(const Totals& added) {
    const std::lock_guard lock{mutex_};
    for (std::size_t i = 0; i < added.size(); ++i) total_[i] += added[i];
  }

  Counter counter_;
  Sizes sizes_;
  std::size_t labels_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  Totals total_;
};

struct DeltaReader {
  DeltaReader(ft::Registry& registry, std::size_t labels)
      : reader{registry, {.temporality = ft::Temporality::delta}}, totals(labels * figures) {}
  void collect() {
    const Seen seen{reader.collect()};
    repeated += seen.repeated;
    for (const auto& [place, point] : seen.points) totals[place] += point.value;
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
    for (const auto& [place, point] : seen.points) {
      auto& value = values[{place, point.id}];
      fell += point.value < value;
      value = point.value;
    }
    reader.accept();
  }
  [[nodiscard]] Totals totals(std::size_t labels) const {
    Totals sums(labels * figures);
    for (const auto& [key, value] : values) sums[key.first] += value;
    return sums;
  }
  ft::Reader reader;
  std::map<std::pair<std::size_t, std::uint64_t>, std::uint64_t> values;
  std::size_t repeated = 0;
  std::size_t fell = 0;
};

/// Writers by label, by handle and in threads that come and go, sweeps that evict what is idle and sweeps that evict
/// everything, three delta readers and a cumulative one. Returns how many series were evicted.
std::uint64_t race(std::size_t labels) {
  ft::Registry registry;
  Load load{registry, labels};
  std::array<std::unique_ptr<DeltaReader>, 3> deltas;
  for (auto& reader : deltas) reader = std::make_unique<DeltaReader>(registry, labels);
  CumulativeReader cumulative{registry};

  std::uint64_t evicted = 0;
  std::vector<std::thread> threads;
  threads.emplace_back([&] { load.by_label(1); });
  threads.emplace_back([&] { load.by_handle(2); });
  threads.emplace_back([&] { load.by_short_lived_threads(3); });
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
  EXPECT_EQ(load.overflows(), 0U);
  return evicted;
}

// Births and deaths: most labels are evicted, forgotten and made anew. In 60 seconds tens of thousands are.
//
// Mutations: a baseline used though its slot has another series; `earlier` not carried on. The barrier left out: see
// below.
TEST(Eviction, of_series_that_come_and_go) {
  const std::uint64_t evicted = race(4096);
  RecordProperty("evicted", std::to_string(evicted));
  EXPECT_GT(evicted, stress::scaled(500) * static_cast<std::uint64_t>(duration().count()));
}

/// A few series, each alone on a page of the CPU that writes them, so that this page can be taken away.
class LonelySeries {
 public:
  explicit LonelySeries(const ft::Scope& scope)
      : metric_{scope, ft::Info{.name = "lonely"}, ft::Counter::declare(), {keys, 1, count, "overflow"}} {
    std::array<std::uint64_t, 600> bounds{};
    for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = i;
    for (std::size_t i = 0; i < count; ++i) {
      fillers_.push_back(std::make_unique<ft::Histogram>(ft::Bounds{bounds.data(), bounds.size()}));
      fillers_.back()->record(1000);
      const std::string label = std::to_string(i);
      const ft::Text text{label};
      sites_[i] = &metric_.acquire_series(&text, 1);
      add(i);
    }
  }
  ~LonelySeries() {
    for (ft::detail::Site* const site : sites_) ft::detail::release_series(*site);
  }
  LonelySeries(const LonelySeries&) = delete;
  LonelySeries& operator=(const LonelySeries&) = delete;

  /// On `cpu`: adds so that the commit has to wait for a page, if the series has cells and all of its page is zero.
  void add_slowly(std::size_t i, int cpu) {
    std::uint64_t* cells = __atomic_load_n(&sites_[i]->cells, __ATOMIC_RELAXED);
    if (cells == nullptr) {
      // A microsecond in which the sweep can finish: written again at once, it would not be evicted.
      for (int n = 0; n < 3000; ++n) std::atomic_signal_fence(std::memory_order_seq_cst);
      add(i);
      cells = __atomic_load_n(&sites_[i]->cells, __ATOMIC_RELAXED);
    }
    // Not at once: the sweep that finds it written again evicts nothing yet.
    if (random_() % 1024 == 0 && cells != nullptr && take_page(cells, cpu)) add(i);
  }

  void expect_exact() const {
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(ft::detail::read_integer(*sites_[i], 0), added_[i]) << i;
  }

  static constexpr std::uint32_t count = 4;

 private:
  static constexpr ft::Text keys[] = {"label"};

  void add(std::size_t i) {
    ft::detail::add(*sites_[i], 0, std::uint64_t{1});
    ++added_[i];
  }

  /// Nobody but this CPU's one writer makes a cell of its page anything but zero, so nothing is lost with it.
  static bool take_page(std::uint64_t* cells, int cpu) {
    const auto copy =
        reinterpret_cast<std::uintptr_t>(cells) + static_cast<std::size_t>(cpu) * ft::detail::stride_bytes;
    auto* const page = reinterpret_cast<std::uint64_t*>(copy & ~std::uintptr_t{page_bytes - 1});
    for (std::size_t i = 0; i < page_bytes / sizeof *page; ++i) {
      if (__atomic_load_n(page + i, __ATOMIC_RELAXED) != 0) return false;
    }
    return madvise(page, page_bytes, MADV_DONTNEED) == 0;
  }
  static constexpr std::size_t page_bytes = 4096;

  ft::detail::DynamicRegistration metric_;
  std::vector<std::unique_ptr<ft::Histogram>> fillers_;
  std::array<ft::detail::Site*, count> sites_{};
  std::array<std::uint64_t, count> added_{};
  std::minstd_rand random_;
};

// A sequence has read where its cells are, and its commit waits for a page that the kernel has to make: a microsecond
// in which a sweep has the time to clear the word, fold the run and give it to another series.
//
// Mutation: the barrier left out of Sweep::run (retire_barrier() replaced by true): adds under way land in the run of
// another series, or in one that is zeroed. With restartable sequences red in 4 of 4 runs of some seconds on a busy
// machine and in 2 of 5 on a quieter one: to be trusted with FAST_TELEMETRY_STRESS_SECONDS=60.
TEST(Eviction, waits_for_a_sequence_that_is_under_way) {
  const std::vector<int> cpus = stress::allowed_cpus();
  if (cpus.size() < 2) GTEST_SKIP() << "one CPU: nothing runs while a sequence does";
  ft::Registry registry;
  std::atomic<bool> stop{false};
  LonelySeries series{ft::Scope{registry}};
  std::jthread writer{[&] {
    stress::run_on(cpus[0]);
    for (std::size_t n = 0; !stop.load(std::memory_order_relaxed); ++n) {
      series.add_slowly(n % LonelySeries::count, cpus[0]);
    }
  }};
  std::uint64_t evicted = 0;
  std::jthread sweeps{[&] {
    stress::run_on(cpus[1]);
    ft::Sweeper sweeper{registry, {.idle_sweeps = 0}};
    const auto begin = std::chrono::steady_clock::now();
    const auto passed = [&] { return std::chrono::steady_clock::now() - begin; };
    // As many as the mutation takes, however little of the machine there is for this.
    while (passed() < duration() || (evicted < stress::scaled(30'000) && passed() < 5 * duration())) {
      evicted += sweeper.sweep().evicted;
    }
  }};
  sweeps.join();
  stop = true;
  writer.join();
  EXPECT_GT(evicted, 0U);
  series.expect_exact();
}

// The end of a metric and a sweep of it, at the same time: each takes away what the other may be about to fold.
//
// Mutation: `earlier` not carried on. To try with more luck than two seconds have: sweep_mutex not held in
// DynamicRegistration's destructor; a sequence would have to be under way while the sweep is between barrier and fold.
TEST(Eviction, of_a_metric_that_ends) {
  std::uint64_t evicted = 0;
  const std::uint64_t dropped_before = ft::storage_info().dropped_no_metric;
  std::atomic<std::uint64_t> added{0};
  std::uint64_t seen = 0;
  const auto end = std::chrono::steady_clock::now() + duration();
  while (std::chrono::steady_clock::now() < end) {
    ft::Registry registry;
    ft::Reader reader{registry, {.finals = ft::Finals::held}};
    std::unique_ptr<Counter> counter{new Counter{registry, {.name = "ending"}, {"label"}}};
    std::atomic<bool> stop{false};
    std::atomic<int> ready{0};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&, handle = counter->with(t)] {
        std::uint64_t mine = 0;
        ++ready;
        for (; !stop.load(std::memory_order_relaxed); ++mine) handle.add();
        added += mine;
      });
    }
    threads.emplace_back([&] {
      ft::Sweeper sweeper{registry, {.idle_sweeps = 0}};
      ++ready;
      while (!stop.load(std::memory_order_relaxed)) evicted += sweeper.sweep().evicted;
    });
    while (ready < 3) sched_yield();
    for (int n = 0; n < 20; ++n) sched_yield();
    counter.reset();
    stop = true;
    threads.clear();
    for (const auto& [place, point] : Seen{reader.collect()}.points) seen += place % figures == 0 ? point.value : 0;
  }
  EXPECT_EQ(seen + ft::storage_info().dropped_no_metric - dropped_before, added);
}

}  // namespace eviction_test
