// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/counter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <limits>
#include <thread>
#include <type_traits>
#include <vector>

#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/observable.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"

namespace ft = fast_telemetry;

namespace counter_test {

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
template <class Amount>
concept Addable = requires(ft::Counter counter, Amount amount) { counter.add({amount}); };  // braces: no narrowing

TEST(Counter, takes_unsigned_numbers_only) {
  static_assert(Addable<std::uint64_t> && Addable<unsigned>);
  static_assert(!Addable<std::int64_t> && !Addable<int> && !Addable<double>);
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

// ── FloatCounter ───────────────────────────────────────────────────────────────────────────────────────────────────

enum class Device : std::uint8_t { disk, network };
constexpr ft::Label label(Device device) { return ft::from_enumerator("device", device); }

TEST(FloatCounter, starts_at_zero_and_adds_fractions) {
  ft::FloatCounter counter;
  EXPECT_EQ(counter.value(), 0.0);
  counter.add(0.25);
  counter.add(1.5);
  counter.add(0.0);
  EXPECT_EQ(counter.value(), 1.75);
}

// P-29: a counter is neither negative nor NaN. Every refusal has its reason.
TEST(FloatCounter, counts_what_would_not_rise_as_dropped) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  ft::FloatCounter counter;
  counter.add(2.0);
  const ft::StorageInfo before = ft::storage_info();
  for (const double amount : {-1.0, -1e-300, -infinity}) counter.add(amount);
  for (const double amount : {infinity, std::numeric_limits<double>::quiet_NaN()}) counter.add(amount);
  EXPECT_EQ(ft::storage_info().dropped_negative, before.dropped_negative + 3);
  EXPECT_EQ(ft::storage_info().dropped_not_finite, before.dropped_not_finite + 2);
  EXPECT_EQ(counter.value(), 2.0);
}

TEST(FloatCounter, that_has_left_the_range_of_doubles_shows_the_largest_of_them) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::FloatCounter counter{registry, {.name = "c"}};
  constexpr double largest_double = std::numeric_limits<double>::max();
  counter.add(largest_double);
  counter.add(largest_double);
  EXPECT_EQ(counter.value(), largest_double);
  EXPECT_EQ(ft::RecordingVisitor{reader}.float_counter("c"), largest_double);
}

TEST(FloatCounter, is_a_counter_to_cumulative_and_delta_readers_and_outlives_its_object) {
  ft::Registry registry;
  ft::Reader cumulative{registry};
  ft::Reader delta{registry, {.temporality = ft::Temporality::delta}};
  {
    ft::FloatCounter counter{registry, {.name = "cpu", .unit = ft::Unit::seconds}};
    counter.add(0.5);
    EXPECT_EQ(ft::RecordingVisitor{cumulative}.family("cpu_seconds").kind, ft::Kind::counter);
    EXPECT_EQ(ft::RecordingVisitor{delta}.float_counter("cpu_seconds"), 0.5);
    delta.accept();
    counter.add(0.125);
    EXPECT_EQ(ft::RecordingVisitor{delta}.float_counter("cpu_seconds"), 0.125);
    delta.accept();
    counter.add(4.0);
  }
  EXPECT_EQ(ft::RecordingVisitor{delta}.float_counter("cpu_seconds"), 4.0);
  EXPECT_EQ(ft::RecordingVisitor{cumulative}.float_counter("cpu_seconds"), 4.625);
  // It returns, and its runs before are its base.
  ft::FloatCounter again{registry, {.name = "cpu", .unit = ft::Unit::seconds}};
  again.add(1.0);
  EXPECT_EQ(again.value(), 5.625);
  EXPECT_EQ(ft::RecordingVisitor{cumulative}.float_counter("cpu_seconds"), 5.625);
}

TEST(FloatCounter, has_labels_and_a_spare_point) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::Labeled<ft::FloatCounter, Device> busy{registry, {.name = "busy"}};
  busy.with(Device::disk).add(0.5);
  busy.with(Device::network).add(0.75);
  busy.with(static_cast<Device>(9)).add(2.0);
  EXPECT_EQ(busy.with(Device::network).value(), 0.75);
  EXPECT_EQ(busy.total(), 3.25);
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.float_counter("busy", {{"device", "disk"}}), 0.5);
  EXPECT_EQ(seen.float_counter("busy", {{"device", "invalid"}}), 2.0);
}

// Quarters add up exactly, in any order. Cells of several CPUs add up as doubles, to the metric and to a reader.
TEST(FloatCounter, loses_nothing_when_many_threads_add) {
  constexpr int threads = 8;
  constexpr int per_thread = 200'000;
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::FloatCounter counter{registry, {.name = "c"}};
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < threads; ++i) {
      writers.emplace_back([&] {
        for (int n = 0; n < per_thread; ++n) counter.add(0.25);
      });
    }
  }
  EXPECT_EQ(counter.value(), 0.25 * threads * per_thread);
  EXPECT_EQ(ft::RecordingVisitor{reader}.float_counter("c"), 0.25 * threads * per_thread);
}

// ── UpDownCounter ──────────────────────────────────────────────────────────────────────────────────────────────────

TEST(UpDownCounter, rises_and_falls_and_may_be_negative) {
  ft::UpDownCounter level;
  EXPECT_EQ(level.value(), 0);
  level.add();
  level.add(4);
  level.sub();
  EXPECT_EQ(level.value(), 4);
  level.sub(6);
  EXPECT_EQ(level.value(), -2);
  level.add(-3);
  EXPECT_EQ(level.value(), -5);
  level.sub(-5);
  EXPECT_EQ(level.value(), 0);
}

TEST(UpDownCounter, takes_the_largest_steps_there_are) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  ft::UpDownCounter level;
  level.add(most);
  EXPECT_EQ(level.value(), most);
  level.add(1);
  EXPECT_EQ(level.value(), least) << "wraps";
  level.sub(least);
  EXPECT_EQ(level.value(), 0);
}

// One thread raises, another lowers: with one cell per CPU, only their sum is the level.
TEST(UpDownCounter, loses_no_step_when_some_threads_raise_and_others_lower) {
  constexpr std::int64_t steps = 1'000'000;
  ft::UpDownCounter level;
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 3; ++i) {
      writers.emplace_back([&] {
        for (std::int64_t n = 0; n < steps; ++n) level.add(2);
      });
      writers.emplace_back([&] {
        for (std::int64_t n = 0; n < steps; ++n) level.sub();
      });
    }
  }
  EXPECT_EQ(level.value(), 3 * steps);
}

TEST(UpDownCounter, shows_signed_levels_and_signed_windows) {
  ft::Registry registry;
  ft::Reader cumulative{registry};
  ft::Reader delta{registry, {.temporality = ft::Temporality::delta}};
  ft::UpDownCounter level{registry, {.name = "in_flight"}};
  level.add(3);
  EXPECT_EQ(ft::RecordingVisitor{cumulative}.family("in_flight").kind, ft::Kind::up_down_counter);
  EXPECT_EQ(ft::RecordingVisitor{delta}.up_down_counter("in_flight"), 3);
  delta.accept();
  level.sub(5);
  EXPECT_EQ(ft::RecordingVisitor{delta}.up_down_counter("in_flight"), -5);
  EXPECT_EQ(ft::RecordingVisitor{cumulative}.up_down_counter("in_flight"), -2);
}

TEST(UpDownCounter, shows_levels_to_a_delta_reader_that_asks_for_them) {
  ft::Registry registry;
  ft::Reader reader{registry, {.temporality = ft::Temporality::delta, .totals = ft::Totals::up_down_counters}};
  ft::UpDownCounter level{registry, {.name = "in_flight"}};
  ft::Dynamic<ft::UpDownCounter, 1> open{registry, {.name = "open"}, {"file"}};
  double pressure = 10;
  const ft::ObservableUpDownCounter<double> observed{registry, {.name = "pressure"}, [&] { return pressure; }};
  ft::Counter requests{registry, {.name = "requests"}};
  level.add(3);
  open.at("a").add(2);
  requests.add(4);
  static_cast<void>(reader.collect());
  reader.accept();

  level.sub(5);
  open.at("a").add(1);
  pressure = 8;
  requests.add(1);
  const ft::RecordingVisitor second{reader};
  EXPECT_EQ(second.up_down_counter("in_flight"), -2);
  EXPECT_EQ(second.up_down_counter("open", {{"file", "a"}}), 3);
  EXPECT_EQ(std::get<double>(second.point("pressure").value), 8);
  EXPECT_EQ(second.counter("requests"), 1u);  // all else: windows
}

TEST(UpDownCounter, has_labels_and_a_spare_point) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::Labeled<ft::UpDownCounter, Device> queued{registry, {.name = "queued"}};
  queued.with(Device::disk).add(2);
  queued.with(Device::network).sub(7);
  EXPECT_FALSE(ft::RecordingVisitor{reader}.has("queued", {{"device", "invalid"}}));
  queued.with(static_cast<Device>(2)).sub(1);
  EXPECT_EQ(queued.total(), -6);
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.up_down_counter("queued", {{"device", "network"}}), -7);
  EXPECT_EQ(seen.up_down_counter("queued", {{"device", "invalid"}}), -1);
}

}  // namespace counter_test
