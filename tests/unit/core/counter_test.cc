// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/counter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <limits>
#include <thread>
#include <type_traits>
#include <vector>

#include "fast_telemetry/storage_info.h"
#include "tests/support/recording_visitor.h"

namespace ft = fast_telemetry;

namespace {

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

// CNT-1: unlike the original there is a default constructor, and nobody chooses a number of shards.
TEST(Counter, starts_at_zero_without_a_registry_or_a_shard_count) {
  const ft::Counter counter;
  EXPECT_EQ(counter.value(), 0u);
}

// CNT-2, CNT-5
TEST(Counter, inc_adds_one_and_add_adds_its_argument_or_one) {
  ft::Counter counter;
  counter.inc();
  EXPECT_EQ(counter.value(), 1u);
  counter.add();
  EXPECT_EQ(counter.value(), 2u);
  counter.add(40);
  EXPECT_EQ(counter.value(), 42u);
  counter.add(0);
  EXPECT_EQ(counter.value(), 42u);
}

// CNT-8; W-10: the sum is unsigned, so a large total is not shown as a negative one.
TEST(Counter, wraps_at_two_to_the_64) {
  ft::Counter counter;
  counter.add(largest);
  EXPECT_EQ(counter.value(), largest);
  counter.inc();
  EXPECT_EQ(counter.value(), 0u);
  counter.add(7);
  EXPECT_EQ(counter.value(), 7u);
}

// CNT-3 does not hold for ours: a total that only rises takes no negative argument. What is left of it is the wrap.
// CNT-4 neither: there is no argument for a memory order.
TEST(Counter, takes_unsigned_numbers_only) {
  static_assert(std::is_same_v<decltype(&ft::Counter::add), void (ft::Counter::*)(std::uint64_t) noexcept>);
}

TEST(Counter, cannot_be_copied_or_moved) {
  static_assert(!std::is_copy_constructible_v<ft::Counter> && !std::is_copy_assignable_v<ft::Counter>);
  static_assert(!std::is_move_constructible_v<ft::Counter> && !std::is_move_assignable_v<ft::Counter>);
}

TEST(Counter, records_without_throwing) {
  static_assert(noexcept(std::declval<ft::Counter&>().add(1)) && noexcept(std::declval<ft::Counter&>().inc()) &&
                noexcept(std::declval<const ft::Counter&>().value()));
}

TEST(Counter, counts_unregistered_and_is_not_exported) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Counter counter;
  counter.add(3);
  EXPECT_EQ(counter.value(), 3u);
  EXPECT_EQ(ft::RecordingVisitor{reader}.point_count(), 0u);
}

TEST(Counter, is_exported_with_the_value_it_shows_itself) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Counter counter{registry, {.name = "requests"}};
  counter.add(5);
  EXPECT_EQ(counter.value(), 5u);
  EXPECT_EQ(ft::RecordingVisitor{reader}.counter("requests"), 5u);
}

// SHD-4: the original pads each cell; ours are packed.
TEST(Counter, neighbours_in_one_run_of_memory_do_not_mix) {
  std::vector<std::unique_ptr<ft::Counter>> counters;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    counters.push_back(std::make_unique<ft::Counter>());
    counters.back()->add(i);
  }
  for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(counters[i]->value(), i);
}

TEST(Counter, starts_at_zero_in_memory_another_counter_gave_back) {
  for (int i = 0; i < 100; ++i) {
    ft::Counter counter;
    EXPECT_EQ(counter.value(), 0u);
    counter.add(1000);
    EXPECT_EQ(counter.value(), 1000u);
  }
}

// SHD-5, CNT-5: the original's own test, "many threads × 1 000 000". The stress tests break the add into load and
// store; this many adds see that in the locked build.
TEST(Counter, loses_nothing_when_many_threads_add) {
  constexpr int threads = 8;
  constexpr std::uint64_t per_thread = 1'000'000;
  ft::Counter counter;
  std::barrier start{threads};
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < threads; ++i) {
      writers.emplace_back([&] {
        start.arrive_and_wait();
        for (std::uint64_t n = 0; n < per_thread; ++n) counter.inc();
      });
    }
  }
  EXPECT_EQ(counter.value(), threads * per_thread);
}

// SHD-3, W-03: the original gives every thread a number for ever. Ours keeps nothing per thread.
TEST(Counter, takes_no_memory_for_threads_that_come_and_go) {
  ft::Counter counter;
  counter.inc();
  const std::uint64_t before = ft::storage_info().reserved_bytes;
  for (int i = 0; i < 500; ++i) std::jthread{[&] { counter.inc(); }};
  EXPECT_EQ(counter.value(), 501u);
  EXPECT_EQ(ft::storage_info().reserved_bytes, before);
}

// CNT-5: the promise beyond "not a consistent cut". The release and acquire on `published` make the adds happen before
// the read; with eager readers a value() that skipped a shard or read stale cells would show less.
TEST(Counter, value_contains_every_add_that_happened_before_the_call) {
  constexpr std::uint64_t rounds = 20'000;
  ft::Counter counter;
  std::atomic<std::uint64_t> published{0};
  std::jthread writer{[&] {
    for (std::uint64_t n = 1; n <= rounds; ++n) {
      counter.inc();
      published.store(n, std::memory_order_release);
    }
  }};
  for (std::uint64_t seen = 0; seen < rounds;) {
    seen = published.load(std::memory_order_acquire);
    const std::uint64_t value = counter.value();
    ASSERT_GE(value, seen);
    ASSERT_LE(value, rounds);
  }
}

TEST(Counter, value_never_steps_back_while_others_add) {
  ft::Counter counter;
  std::atomic<bool> done{false};
  std::vector<std::jthread> writers;
  for (int i = 0; i < 2; ++i) {
    writers.emplace_back([&] {
      while (!done.load(std::memory_order_relaxed)) counter.inc();
    });
  }
  std::uint64_t last = 0;
  for (int i = 0; i < 50'000; ++i) {
    const std::uint64_t now = counter.value();
    ASSERT_GE(now, last);
    last = now;
  }
  done.store(true, std::memory_order_relaxed);
}

}  // namespace
