// SPDX-License-Identifier: Apache-2.0
//
// Limits of the first write: in signal handlers, and on top of another first write.
#include <gtest/gtest.h>

#include <barrier>
#include <cstdlib>
#include <memory>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/storage_info.h"
#include "src/core/arena.h"
#include "tests/stress/stress.h"

namespace limits_test {

namespace ft = fast_telemetry;

/// Counters that nobody has written to yet, for a handler that writes to one more each time.
struct FirstWrites {
  std::vector<std::unique_ptr<ft::Counter>> counters;
  volatile sig_atomic_t next = 0;
} first_writes;

void write_to_the_next(int) {
  const auto i = static_cast<std::size_t>(first_writes.next);
  if (i == first_writes.counters.size()) return;
  first_writes.next = first_writes.next + 1;
  first_writes.counters[i]->add();
}

void make_counters(std::size_t count) {
  first_writes.counters.resize(count);
  for (auto& counter : first_writes.counters) counter = std::make_unique<ft::Counter>();
  first_writes.next = 0;
}

// Mutation: the lock does not know its owner (the handler waits for the thread it runs on, for ever).
TEST(FirstWrite, on_top_of_another_first_write_is_one_counted_drop) {
  make_counters(2);
  const stress::Handler handler{SIGUSR1, write_to_the_next};
  ASSERT_TRUE(ft::detail::arena_lock.lock());
  raise(SIGUSR1);  // as if it had come in the middle of this thread's own attach
  ft::detail::arena_lock.unlock();
  EXPECT_EQ(ft::storage_info().dropped_reentrant, 1U);
  EXPECT_EQ(first_writes.counters[0]->value(), 0U);

  raise(SIGUSR1);
  EXPECT_EQ(first_writes.counters[1]->value(), 1U);
  first_writes.counters[0]->add();
  EXPECT_EQ(first_writes.counters[0]->value(), 1U);
  EXPECT_EQ(ft::storage_info().dropped_reentrant, 1U);
  first_writes.counters.clear();
}

// Two threads run through the same new metrics: the one behind catches up wherever the other attaches.
//
// Mutation: an attach that is not under the lock (two runs, and the adds to one of them are lost).
TEST(FirstWrite, by_two_threads_at_once_attaches_one_run) {
  const std::size_t count = stress::scaled(100'000);
  std::vector<std::unique_ptr<ft::Counter>> counters(count);
  for (auto& counter : counters) counter = std::make_unique<ft::Counter>();
  const std::uint64_t cells_before = ft::storage_info().cells;
  const std::vector<int> cpus = stress::allowed_cpus();
  std::barrier start{2};
  const auto write = [&](int cpu) {
    stress::run_on(cpu);
    start.arrive_and_wait();
    for (auto& counter : counters) counter->add();
  };
  {
    const std::jthread one{write, cpus.front()};
    const std::jthread other{write, cpus.back()};
  }
  std::uint64_t total = 0;
  for (const auto& counter : counters) total += counter->value();
  EXPECT_EQ(total, 2 * count);
  EXPECT_EQ(ft::storage_info().cells, cells_before + count);
}

// A handler makes first writes on top of a thread that does nothing but allocate, and make, first-write and destroy
// metrics, while another thread does the same.
//
// Mutations: as above; heap memory allocated in the attach (malloc is not async-signal-safe: deadlock or corruption);
// an attach that is not under the lock.
TEST(FirstWrite, in_a_signal_handler_is_kept_or_counted_as_dropped) {
  make_counters(stress::scaled(1'000));
  const std::uint64_t dropped_before = ft::storage_info().dropped_reentrant;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> wrong{0};
  const auto churn = [&] {
    void* volatile memory = std::malloc(3000);  // so much that malloc takes its lock
    std::free(memory);
    ft::Counter counter;
    counter.add(3);
    if (counter.value() != 3) wrong.fetch_add(1);
  };
  {
    std::jthread other{[&] {
      while (!done.load(std::memory_order_acquire)) churn();
    }};
    const stress::Handler handler{SIGUSR1, write_to_the_next};
    stress::ThreadTimer timer{SIGUSR1};
    for (std::uint64_t n = 0; static_cast<std::size_t>(first_writes.next) < first_writes.counters.size(); ++n) {
      if (n % 4 == 0) timer.send_after(1 + static_cast<long>(n * 7919 % 10'000));
      churn();
    }
    done.store(true, std::memory_order_release);
  }
  std::uint64_t kept = 0;
  for (const auto& counter : first_writes.counters) {
    EXPECT_LE(counter->value(), 1U);
    kept += counter->value();
  }
  EXPECT_EQ(kept + ft::storage_info().dropped_reentrant - dropped_before, first_writes.counters.size());
  EXPECT_EQ(wrong.load(), 0U);
  first_writes.counters.clear();
}

}  // namespace limits_test
