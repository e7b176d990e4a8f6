// SPDX-License-Identifier: Apache-2.0
//
// Fork: a child starts at zero, is whole, and counts for itself; the parent does not notice.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/sweeper.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/stress/stress.h"

namespace fork_test {

namespace ft = fast_telemetry;

enum class Side : std::uint8_t { left, right };
constexpr ft::Label label(Side side) { return ft::from_enumerator("side", side); }

std::int64_t unix_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

struct Metrics {
  ft::Registry registry;
  ft::Counter counter{registry, {.name = "counter"}};
  ft::Labeled<ft::Counter, Side> labeled{registry, {.name = "labeled"}};
  ft::FloatHistogram histogram{registry, {.name = "histogram"}, {0.5, 1.0}};
  ft::Gauge<std::int64_t> gauge{registry, {.name = "gauge"}};
  /// Destroyed and re-created once, so that its value is not in its cells.
  std::optional<ft::Counter> returned;
  /// Readers that have read in the parent.
  ft::Reader cumulative{registry};
  ft::Reader delta{registry, {.temporality = ft::Temporality::delta}};

  Metrics() {
    returned.emplace(registry, ft::Info{.name = "returned"});
    returned->add(1000);
    returned.reset();
    returned.emplace(registry, ft::Info{.name = "returned"});
    alignas(ft::Counter) static unsigned char unborn[sizeof(ft::Counter)];
    reinterpret_cast<ft::Counter*>(unborn)->add();  // a counted drop
    ft::Counter gone{registry, {.name = "gone"}};
    gone.add(5);
    record();
    static_cast<void>(cumulative.collect());
    cumulative.accept();
    static_cast<void>(delta.collect());
    delta.accept();
  }

  void record() {
    counter.add();
    labeled.with(Side::right).add(2);
    histogram.record(0.75);
    gauge.set(4);
    returned->add(3);
  }
};

void expect_zero(stress::Findings& findings, Metrics& metrics) {
  findings.expect_equal("counter in the new child", metrics.counter.value(), 0U);
  findings.expect_equal("labelled counter in the new child", metrics.labeled.total(), 0U);
  findings.expect_equal("histogram's count in the new child", metrics.histogram.count(), 0U);
  findings.expect_equal("histogram's sum in the new child", metrics.histogram.sum(), 0.0);
  findings.expect_equal("gauge in the new child", metrics.gauge.get(), 0);
  findings.expect_equal("returned counter in the new child", metrics.returned->value(), 0U);
  findings.expect_equal("records dropped in the new child", ft::storage_info().dropped_no_metric, 0U);
}

void expect_one_record(stress::Findings& findings, const char* reader, const ft::RecordingVisitor& seen,
                       std::int64_t forked_unix_ns) {
  const std::string who = std::string{" as the child's "} + reader + " reader sees it";
  findings.expect_equal("counter" + who, seen.counter("counter"), 1U);
  findings.expect_equal("labelled counter" + who, seen.sum("labeled"), 2U);
  findings.expect_equal("histogram's count" + who, seen.histogram("histogram").count(), 1U);
  findings.expect_equal("histogram's sum" + who, seen.histogram("histogram").sum, 0.75);
  findings.expect_equal("gauge" + who, seen.gauge("gauge"), 4);
  findings.expect_equal("returned counter" + who, seen.counter("returned"), 3U);
  findings.expect(seen.point("counter").born_unix_ns >= forked_unix_ns,
                  "the child's series are as old as the parent's");
}

/// Everything a child may do, from its first moment on.
std::string live_as_child(Metrics& metrics, std::int64_t forked_unix_ns) {
  stress::Findings findings;
  expect_zero(findings, metrics);
  metrics.record();
  expect_one_record(findings, "cumulative", ft::RecordingVisitor{metrics.cumulative}, forked_unix_ns);
  const ft::RecordingVisitor first_window{metrics.delta};
  expect_one_record(findings, "delta", first_window, forked_unix_ns);
  findings.expect(first_window.collection().since_unix_ns >= forked_unix_ns,
                  "the child's first window began in the parent");
  metrics.delta.accept();
  metrics.counter.add(4);
  findings.expect_equal("the second window's counter", ft::RecordingVisitor{metrics.delta}.counter("counter"), 4U);
  findings.expect_equal("the total", ft::RecordingVisitor{metrics.cumulative}.counter("counter"), 5U);

  // Metrics come, go, and come back; the parent's go too.
  ft::Reader fresh{metrics.registry};
  for (std::uint64_t round = 1; round <= 3; ++round) {
    ft::Counter mine{metrics.registry, {.name = "made_in_the_child"}};
    mine.add(10);
    findings.expect_equal("a counter made in the child", mine.value(), 10 * round);
  }
  metrics.returned.reset();
  const ft::RecordingVisitor seen{fresh};
  findings.expect_equal("final value of the child's own", seen.counter("made_in_the_child"), 30U);
  findings.expect_equal("final value of the parent's", seen.counter("returned"), 3U);
  findings.expect(!seen.has("gone"), "the child reports the final value of a metric that was gone before it was");
  findings.expect_equal("what other threads made", seen.has("other_threads") ? seen.sum("other_threads") : 0, 0U);
  return findings.text();
}

// Forks in a loop while other threads write, make and destroy metrics, and fold: whatever they hold at that moment, the
// child can do everything, and has nothing of theirs.
//
// Mutations: no fork handlers (the child waits for a lock of a thread that it does not have); extents not wiped; bases,
// births, baselines or held finals not reset; marks of other threads kept (the first destruction in the child waits for
// ever).
TEST(Fork, gives_the_child_a_fresh_start_whatever_other_threads_are_doing) {
  const auto metrics = std::make_unique<Metrics>();
  std::atomic<bool> done{false};
  std::array<std::uint64_t, 2> adds{};
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t& mine : adds) {
      threads.emplace_back([&] {
        while (!done.load(std::memory_order_acquire)) {
          for (int n = 0; n < 100; ++n) metrics->counter.add();
          metrics->labeled.with(Side::left).add(100);
          mine += 100;
        }
      });
    }
    threads.emplace_back([&] {
      ft::Reader reader{metrics->registry};
      while (!done.load(std::memory_order_acquire)) static_cast<void>(reader.collect());
    });
    threads.emplace_back([&] {
      while (!done.load(std::memory_order_acquire)) {
        ft::Counter counter{metrics->registry, {.name = "other_threads"}};
        counter.add();
      }
    });
    for (std::uint64_t round = 0; round < stress::scaled(40) && !HasFailure(); ++round) {
      const std::int64_t now = unix_ns();
      const std::string wrong = stress::in_child([&] {
        std::string text = live_as_child(*metrics, now);
        // A child's child is a child. Not on every round: it doubles the time.
        if (round % 4 == 0) {
          metrics->returned.emplace(metrics->registry, ft::Info{.name = "returned"});
          const std::int64_t again = unix_ns();
          text += stress::in_child([&] {
            stress::Findings findings;
            expect_zero(findings, *metrics);
            metrics->record();
            expect_one_record(findings, "cumulative", ft::RecordingVisitor{metrics->cumulative}, again);
            return findings.text();
          });
        }
        return text;
      });
      EXPECT_EQ(wrong, "") << "in round " << round;
    }
    done.store(true, std::memory_order_release);
  }
  const std::uint64_t total = adds[0] + adds[1];
  EXPECT_EQ(metrics->counter.value(), total + 1);
  EXPECT_EQ(metrics->labeled.total(), total + 2);
  EXPECT_EQ(metrics->returned->value(), 1003U);
  const ft::RecordingVisitor seen{metrics->cumulative};
  EXPECT_EQ(seen.counter("counter"), total + 1);
  EXPECT_EQ(seen.counter("returned"), 1003U);
}

struct DynamicMetrics {
  ft::Registry registry;
  ft::Scope scope{registry};
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}, {.max_series = 20}};
  ft::Dynamic<ft::Histogram, 1> sizes{scope, {.name = "sizes"}, {"x"}, {}, ft::Bounds{10}};
  ft::Reader cumulative{registry};
  ft::Reader delta{registry, {.temporality = ft::Temporality::delta}};
  ft::Sweeper sweeper{registry, {.idle_sweeps = 0}};
  ft::Dynamic<ft::Counter, 1>::Handle handle = requests.with("handle");
  /// Other threads make series of it, and sweep them away.
  ft::Registry busy_registry;
  ft::Dynamic<ft::Counter, 1> busy{ft::Scope{busy_registry}, {.name = "busy"}, {"x"}, {.max_series = 1000}};

  DynamicMetrics() {
    requests.at("gone").add(5);
    static_cast<void>(sweeper.sweep());
    static_cast<void>(sweeper.sweep());
    handle.add(7);
    requests.at("alive").add(9);
    sizes.at("alive").record(3);
  }
};

/// Series of the parent's start at zero; new ones can be made up to the limit, evicted and read.
std::string live_as_child(DynamicMetrics& metrics) {
  stress::Findings findings;
  findings.expect_equal("a handle in the new child", metrics.handle.value(), 0U);
  findings.expect_equal("a series in the new child", metrics.requests.find("alive").value(), 0U);
  findings.expect_equal("overflows in the new child", metrics.requests.overflow_count(), 0U);
  {
    const ft::RecordingVisitor seen{metrics.cumulative};
    findings.expect_equal("the sum of all series in the new child", seen.sum("requests"), 0U);
    findings.expect(!seen.has("requests", {{"x", "gone"}}), "the child shows a final value of the parent's");
  }
  metrics.handle.add(1);
  metrics.sizes.at("alive").record(4);
  for (int i = 0; i < 100; ++i) metrics.requests.at("child" + std::to_string(i)).add(1);
  findings.expect_equal("the handle", metrics.handle.value(), 1U);
  const ft::RecordingVisitor first{metrics.delta};
  metrics.delta.accept();
  findings.expect_equal("the child's own series and their overflow", first.sum("requests"), 101U);
  findings.expect_equal("a histogram", first.histogram("sizes", {{"x", "alive"}}).count(), 1U);
  for (int i = 0; i < 3; ++i) static_cast<void>(metrics.sweeper.sweep());
  metrics.handle.add(2);
  findings.expect_equal("the handle after sweeps in the child", metrics.handle.value(), 3U);
  findings.expect_equal("the next window", ft::RecordingVisitor{metrics.delta}.sum("requests"), 2U);
  metrics.busy.at("child").add(1);
  ft::Sweeper sweeper{metrics.busy_registry, {.idle_sweeps = 0}};
  std::uint64_t forgotten = 0;
  for (int i = 0; i < 4; ++i) forgotten += sweeper.sweep().forgotten;
  findings.expect(forgotten != 0, "the child never forgets what it evicted");
  ft::Dynamic<ft::Counter, 1> mine{metrics.scope, {.name = "mine"}, {"x"}};
  mine.at("a").add(1);
  findings.expect_equal("the child's own metric", mine.find("a").value(), 1U);
  return findings.text();
}

// Forks while other threads make series, look them up and sweep, and with a series of its own under way: what
// requests.at() found stays pinned over the fork.
//
// Mutations: the index's locks not taken around a fork (the child hangs); pins of other threads not forgotten (it
// forgets nothing); final values of series not let go of.
TEST(Fork, gives_the_child_fresh_series) {
  const auto metrics = std::make_unique<DynamicMetrics>();
  std::atomic<bool> done{false};
  std::uint64_t added = 0;
  std::uint64_t forks = 0;
  {
    std::vector<std::jthread> threads;
    threads.emplace_back([&] {
      for (int n = 0; !done.load(std::memory_order_acquire); ++n) {
        metrics->busy.at(n).add();
        metrics->handle.add();
        ++added;
      }
    });
    threads.emplace_back([&] {
      ft::Sweeper sweeper{metrics->busy_registry, {.idle_sweeps = 0}};
      while (!done.load(std::memory_order_acquire)) static_cast<void>(sweeper.sweep());
    });
    for (std::uint64_t round = 0; round < stress::scaled(40) && !HasFailure(); ++round) {
      using Found = ft::Dynamic<ft::Counter, 1>::Found;
      std::unique_ptr<Found> found{new Found{metrics->requests.at("alive")}};
      const std::string wrong = stress::in_child([&] {
        found.reset();
        return live_as_child(*metrics);
      });
      EXPECT_EQ(wrong, "") << "in round " << round;
      found->add(1);
      ++forks;
    }
    done.store(true, std::memory_order_release);
  }
  EXPECT_EQ(metrics->handle.value(), 7U + added);
  EXPECT_EQ(metrics->requests.find("alive").value(), 9U + forks);
  EXPECT_EQ(ft::RecordingVisitor{metrics->cumulative}.counter("requests", {{"x", "handle"}}), metrics->handle.value());
}

struct ForkInHandler {
  ft::Counter* counter = nullptr;
  volatile sig_atomic_t is_child = 0;
  volatile sig_atomic_t forks = 0;
  volatile sig_atomic_t failed = 0;
  int status = 0;
} in_handler;

void fork_in_handler(int) {
  if (in_handler.is_child != 0) return;
  const pid_t child = fork();
  if (child == 0) {
    in_handler.is_child = 1;
    alarm(stress::child_deadline_s);
    return;
  }
  in_handler.forks = in_handler.forks + 1;
  if (child < 0 || waitpid(child, &in_handler.status, 0) != child || in_handler.status != 0) in_handler.failed = 1;
}

/// A handler forks on top of whatever this thread was recording; the child returns from the handler, finishes that
/// record, makes and destroys a metric, collects, and does not return.
void record_under_forks(Metrics& metrics, std::uint64_t rounds) {
  in_handler = {};
  std::vector<std::unique_ptr<ft::Counter>> untouched(5 * rounds);
  for (auto& counter : untouched) counter = std::make_unique<ft::Counter>();
  std::uint64_t first_writes = 0;
  std::uint64_t adds = 1;
  {
    const stress::Handler handler{SIGUSR1, fork_in_handler};
    stress::ThreadTimer timer{SIGUSR1};
    for (std::uint64_t round = 0; round < rounds && in_handler.is_child == 0 && in_handler.failed == 0; ++round) {
      // Once per round: forking takes longer than any interval that would interrupt often.
      timer.send_after(1 + static_cast<long>(round % 64) * 1000);
      while (in_handler.forks == static_cast<sig_atomic_t>(round) && in_handler.is_child == 0) {
        metrics.counter.add();
        ++adds;
        if (first_writes < 5 * (round + 1)) untouched[first_writes++]->add();
      }
    }
  }
  if (in_handler.is_child != 0) {
    ft::Counter mine{metrics.registry, {.name = "made_in_the_child"}};
    mine.add(7);
    const bool counts = ft::RecordingVisitor{metrics.cumulative}.counter("made_in_the_child") == 7;
    metrics.returned.reset();
    _exit(counts ? 0 : 1);
  }
  EXPECT_EQ(in_handler.failed, 0) << "a child ended with status " << in_handler.status
                                  << (WIFSIGNALED(in_handler.status) ? ": it hung or crashed" : "");
  EXPECT_EQ(metrics.counter.value(), adds);
  for (std::uint64_t i = 0; i < first_writes; ++i) ASSERT_EQ(untouched[i]->value(), 1U);
}

// Mutations: marks set to zero in the child, where the interrupted record then takes down one that is not up (the next
// destruction waits for ever); the arena's lock taken by the handler on top of its own thread's attach.
TEST(Fork, in_a_signal_handler_leaves_a_child_that_can_go_on) {
  const auto metrics = std::make_unique<Metrics>();
  record_under_forks(*metrics, stress::scaled(400));
}

// The forking thread may hold what others wait for while they hold what fork waits for: a mark, which a destruction
// waits for, or the arena's lock, which gives back the runs of destroyed metrics after a collection.
//
// Mutations, each of which hangs: barrier_mutex taken before a fork; runs in quarantine freed under fold_mutex.
TEST(Fork, in_a_signal_handler_waits_for_nobody_who_waits_for_its_thread) {
  const auto metrics = std::make_unique<Metrics>();
  std::atomic<bool> done{false};
  std::vector<std::jthread> threads;
  threads.emplace_back([&] {
    while (!done.load(std::memory_order_acquire)) {
      ft::Counter counter;
      counter.add();
    }
  });
  threads.emplace_back([&] {
    ft::Reader reader{metrics->registry};
    while (!done.load(std::memory_order_acquire)) static_cast<void>(reader.collect());
  });
  record_under_forks(*metrics, stress::scaled(200));
  done.store(true, std::memory_order_release);
}

}  // namespace fork_test
