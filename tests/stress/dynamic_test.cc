// SPDX-License-Identifier: Apache-2.0
//
// Dynamic series in all the places where recording is legal: in signal handlers, at the end of a metric and of the
// process, in many threads at once.
#include "fast_telemetry/dynamic.h"

#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <new>
#include <string>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic_free.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/sweeper.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/stress/stress.h"

namespace dynamic_test {

namespace ft = fast_telemetry;

using Counter = ft::Dynamic<ft::Counter, 1>;

std::uint64_t dropped_in_handlers() { return ft::storage_info().dropped_reentrant; }

struct InHandler {
  Counter* requests = nullptr;
  const Counter::Handle* handle = nullptr;
  volatile sig_atomic_t count = 0;
} in_handler;

void record_in_handler(int) {
  in_handler.requests->at("evicted").add();
  in_handler.handle->add();
  in_handler.count = in_handler.count + 1;
}

// A handler records by labels and by handle on top of at() on the same thread, which makes series, and so holds the
// index's mutex much of the time, while sweeps evict what the handler records in.
//
// Mutation: DynamicIndex::find_or_make goes to slow() for a series that has no cells: the handler waits for its own
// thread for ever.
TEST(DynamicInSignalHandlers, records_on_top_of_a_lookup) {
  ft::Registry registry;
  Counter requests{ft::Scope{registry}, {.name = "requests"}, {"x"}, {.max_series = 5000}};
  // A handle keeps the series in the index, as a held final value would.
  const auto evicted = requests.with("evicted");
  const auto handle = requests.with("handle");
  in_handler.requests = &requests;
  in_handler.handle = &handle;
  in_handler.count = 0;
  const std::uint64_t dropped = dropped_in_handlers();

  std::atomic<bool> done{false};
  std::jthread sweeps{[&] {
    ft::Sweeper sweeper{registry, {.idle_sweeps = 0}};
    while (!done.load(std::memory_order_acquire)) static_cast<void>(sweeper.sweep());
  }};
  std::uint64_t own = 0;
  {
    const stress::Handler on_signal{SIGUSR1, record_in_handler};
    stress::ThreadTimer timer{SIGUSR1};
    const auto rounds = static_cast<sig_atomic_t>(stress::scaled(5000));
    for (sig_atomic_t seen = 0; seen < rounds; seen = in_handler.count) {
      timer.send_after(1 + seen % 64 * 500);
      while (in_handler.count == seen) {
        requests.at(own % 2000).add();
        ++own;
      }
    }
  }
  done.store(true, std::memory_order_release);
  sweeps.join();
  const auto handled = static_cast<std::uint64_t>(in_handler.count);
  EXPECT_EQ(evicted.value() + handle.value() + dropped_in_handlers() - dropped, 2 * handled);
  EXPECT_EQ(requests.overflow_count(), 0U);
}

/// What threads go on recording in while its metric ends, as they do with a static object.
class Storage {
 public:
  explicit Storage(const ft::Scope& scope) { new (memory_) Gauge{scope, {.name = "level"}, {"x", "y"}}; }
  void end() { metric().~Gauge(); }
  void record(std::uint64_t n) {
    // Long texts are not in memory that only series use: who reads them too late reads what others write there.
    metric().at(text_, n % 64).set(1);
    metric().with(text_, n % 7).set(1);
    static_cast<void>(metric().find(text_, n % 5));
  }

 private:
  using Gauge = ft::Dynamic<ft::Gauge<std::int64_t>, 2>;
  Gauge& metric() { return *std::launder(reinterpret_cast<Gauge*>(memory_)); }

  const std::string text_ = std::string(2000, 'x');
  alignas(Gauge) unsigned char memory_[sizeof(Gauge)]{};
};

// The last reference to a gauge's series is the metric's: they are freed as it ends.
//
// Mutation: DynamicRegistration's destructor does not wait for pins (a crash, or a find in AddressSanitizer).
TEST(DynamicEnd, waits_for_who_has_looked_up_a_series) {
  ft::Registry registry;
  for (std::uint64_t round = 0; round < stress::scaled(60); ++round) {
    Storage storage{ft::Scope{registry, "", {{"round", "1"}}}};
    std::atomic<bool> done{false};
    std::atomic<int> started{0};
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        for (std::uint64_t n = t; !done.load(std::memory_order_acquire); n += 3) {
          storage.record(n);
          if (n == t) ++started;
        }
      });
    }
    while (started < 2) sched_yield();
    storage.end();
    done.store(true, std::memory_order_release);
  }
  ft::Reader reader{registry};
  EXPECT_EQ(ft::RecordingVisitor{reader}.point_count(), 0U);
}

struct AtExit {
  ft::Registry registry;
  Counter requests{ft::Scope{registry}, {.name = "requests"}, {"x"}, {.max_series = 100}};
  ft::DynamicFree<ft::Counter> events{ft::Scope{registry}, {.name = "events"}};
  ft::Sweeper sweeper{registry, {.idle_sweeps = 0}};
};

// exit() while threads look up, make series, use handles and sweep: static objects end under them, some before and some
// after the metrics. Nobody waits for ever, and nobody crashes.
TEST(DynamicEnd, of_the_process_with_threads_that_go_on) {
  for (std::uint64_t round = 0; round < stress::scaled(20) && !HasFailure(); ++round) {
    const std::string wrong = stress::in_child([]() -> std::string {
      static AtExit metrics;
      static std::atomic<int> started{0};
      static const auto handle = metrics.requests.with("kept");
      for (int t = 0; t < 3; ++t) {
        std::thread{[t] {
          for (std::uint64_t n = 0;; ++n) {
            metrics.requests.at(n % 200).add();
            metrics.events.at({{"n", n % 10}, {"t", t}}).add();
            handle.add();
            if (n == 100) ++started;
          }
        }}.detach();
      }
      // Not detached from what it uses: a Sweeper that has ended must not be called.
      for (int n = 0; n < 5 || started < 3; ++n) static_cast<void>(metrics.sweeper.sweep());
      std::exit(0);
    });
    EXPECT_EQ(wrong, "") << "in round " << round;
  }
}

// Many metrics, many threads, all tables growing at once.
TEST(DynamicGrowth, of_many_metrics_in_many_threads_loses_nothing) {
  constexpr std::size_t metrics = 40;
  constexpr std::uint64_t labels = 500;
  constexpr int threads = 6;
  ft::Registry registry;
  std::vector<std::unique_ptr<Counter>> all;
  for (std::size_t i = 0; i < metrics; ++i) {
    const std::string name = "m" + std::to_string(i);
    all.emplace_back(new Counter{ft::Scope{registry}, {.name = ft::Name::checked(name)}, {"x"}});
  }
  std::latch start{threads};
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < threads; ++t) {
      writers.emplace_back([&, t] {
        start.arrive_and_wait();
        for (std::uint64_t n = 0; n < labels; ++n) {
          const std::uint64_t label = t % 2 == 0 ? n : labels - 1 - n;
          for (const auto& metric : all) metric->at(label).add();
        }
      });
    }
  }
  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.point_count(), metrics * labels);
  for (const auto& metric : all) {
    ASSERT_EQ(metric->series_count(), labels);
    ASSERT_EQ(metric->overflow_count(), 0U);
    for (std::uint64_t n = 0; n < labels; ++n) ASSERT_EQ(metric->find(n).value(), std::uint64_t{threads});
  }
}

}  // namespace dynamic_test
