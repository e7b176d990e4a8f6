// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/sampled_timer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <stdexcept>
#include <thread>
#include <vector>

#include "fast_telemetry/distribution.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "fast_telemetry/testing/virtual_clock.h"

namespace sampled_timer_test {

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

enum class Command : std::uint8_t { get, set };
constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }

// ---- ScopedTimer ----

class ScopedTimer : public testing::Test {
 protected:
  ft::VirtualClock clock;
  ft::Histogram latency{ft::buckets::latency};
};

// Mutation: the end records nothing.
TEST_F(ScopedTimer, records_the_time_until_its_scope_ends) {
  {
    const ft::ScopedTimer timing{latency};
    clock.advance(250ms);
  }
  EXPECT_EQ(latency.count(), 1u);
  EXPECT_EQ(latency.sum(), 0.25);
}

TEST_F(ScopedTimer, records_when_the_scope_ends_by_an_exception) {
  try {
    const ft::ScopedTimer timing{latency};
    clock.advance(1s);
    throw std::runtime_error{"no"};
  } catch (const std::runtime_error&) {
    EXPECT_EQ(latency.sum(), 1);
  }
}

// Mutations: at the end once more; not before the end.
TEST_F(ScopedTimer, records_once_when_it_is_stopped) {
  {
    ft::ScopedTimer timing{latency};
    clock.advance(1s);
    timing.stop();
    clock.advance(1s);
  }
  EXPECT_EQ(latency.count(), 1u);
  EXPECT_EQ(latency.sum(), 1);
}

// Mutation: cancelling stops.
TEST_F(ScopedTimer, records_nothing_when_it_is_cancelled) {
  {
    ft::ScopedTimer timing{latency};
    timing.cancel();
  }
  EXPECT_EQ(latency.count(), 0u);
}

// Mutation: all points are the first.
TEST_F(ScopedTimer, takes_points_and_distributions) {
  ft::Registry registry;
  ft::Labeled<ft::Histogram, Command> by_command{registry, {.name = "latency"}, ft::buckets::latency};
  ft::Distribution distribution{ft::Range::latency()};
  {
    const ft::ScopedTimer timing{by_command.with(Command::set)};
    const ft::ScopedTimer other{distribution};
    clock.advance(3s);
  }
  EXPECT_EQ(by_command.with(Command::set).sum(), 3);
  EXPECT_EQ(by_command.with(Command::get).count(), 0u);
  EXPECT_EQ(distribution.sum(), 3);
}

// ---- SampledTimer ----

// TIM-1, TIM-2: a stride of one times every call. Mutation: the limit of one call in two.
TEST(SampledTimer, with_a_stride_of_one_times_every_call) {
  ft::VirtualClock clock;
  ft::SampledTimer timer{ft::buckets::latency, 1};
  for (int i = 0; i < 5; ++i) {
    const auto timing = timer.start();
    clock.advance(2s);
  }
  EXPECT_EQ(timer.calls(), 5u);
  EXPECT_EQ(timer.sample_count(), 5u);
  EXPECT_EQ(timer.sample_sum(), 10);
  EXPECT_EQ(timer.average_or(0), 2);
}

// TIM-4. Mutation: at the end once more.
TEST(SampledTimer, records_once_when_it_is_finished_before_its_scope_ends) {
  ft::VirtualClock clock;
  ft::SampledTimer timer{ft::buckets::latency, 1};
  {
    auto timing = timer.start();
    clock.advance(1s);
    timing.finish();
    clock.advance(1s);
  }
  EXPECT_EQ(timer.sample_count(), 1u);
  EXPECT_EQ(timer.sample_sum(), 1);
}

// TIM-5, TIM-6. Mutations: the call is not counted; the mean is over calls; that of nothing is no number.
TEST(SampledTimer, takes_durations_that_were_measured_already) {
  ft::SampledTimer timer{ft::buckets::latency, 1};
  EXPECT_EQ(timer.average_or(-1), -1);
  timer.record_elapsed(3ms);
  timer.record_elapsed(1ms);
  EXPECT_EQ(timer.calls(), 2u);
  EXPECT_EQ(timer.average_or(-1), 0.002);
}

/// How far a count of independent choices may be from its mean: six standard deviations, which once in 500 million runs
/// is not enough.
double allowance(double calls, double stride) { return 6 * std::sqrt(calls / stride); }

// TIM-2, TIM-3. Mutations: calls that are not timed are not counted; one in 60.
TEST(SampledTimer, counts_all_calls_and_times_one_in_stride) {
  constexpr int calls = 640'000;
  ft::SampledTimer timer{ft::buckets::latency, 64};
  for (int i = 0; i < calls; ++i) timer.record_elapsed(1ms);
  EXPECT_EQ(timer.calls(), static_cast<std::uint64_t>(calls));
  EXPECT_NEAR(static_cast<double>(timer.sample_count()), calls / 64.0, allowance(calls, 64));
}

// W-36: with one sequence for all timers of a thread, one of the two would be timed always and the other never.
// Mutation: selection by the sequence number's low bits.
TEST(SampledTimer, is_in_step_with_no_other_timer_and_no_period) {
  constexpr int calls = 100'000;
  ft::SampledTimer one{ft::buckets::latency, 2};
  ft::SampledTimer other{ft::buckets::latency, 2};
  for (int i = 0; i < calls; ++i) {
    one.record_elapsed(1ms);
    other.record_elapsed(1ms);
  }
  EXPECT_NEAR(static_cast<double>(one.sample_count()), calls / 2.0, allowance(calls, 2));
  EXPECT_NEAR(static_cast<double>(other.sample_count()), calls / 2.0, allowance(calls, 2));
}

// Mutation: the thread is not in the choice.
TEST(SampledTimer, selects_differently_in_every_thread) {
  constexpr int calls = 4096;
  // Two threads that live at the same time: one that starts after the other's end may get its address, and then chooses
  // alike.
  std::vector<std::vector<bool>> at_once(2);
  {
    std::jthread first{[&] {
      std::jthread{[&] {
        for (int i = 0; i < calls; ++i) at_once[1].push_back(ft::detail::selected(ft::detail::selection_limit(2)));
      }}.join();
      for (int i = 0; i < calls; ++i) at_once[0].push_back(ft::detail::selected(ft::detail::selection_limit(2)));
    }};
  }
  EXPECT_NE(at_once[0], at_once[1]);
}

// VIS-8, W-37: the stride is exported, so that samples can be scaled to calls. Mutations: no stride; a stride of 0.
TEST(SampledTimer, is_exported_as_calls_samples_and_stride) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::SampledTimer timer{registry, {.name = "lookup", .help = "Lookups."}, ft::buckets::fast_latency, 64};
  timer.record_elapsed(1ms);
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("lookup_calls"), 1u);
  EXPECT_EQ(seen.histogram("lookup_samples_seconds").bounds.size(), 19u);
  EXPECT_EQ(seen.gauge("lookup_sample_stride"), 64);
}

// Mutation: the stride is held like a counter.
TEST(SampledTimer, that_is_gone_has_calls_and_samples_but_no_stride) {
  ft::Registry registry;
  ft::Reader reader{registry};
  {
    ft::SampledTimer timer{registry, {.name = "lookup"}, ft::buckets::latency, 1};
    timer.record_elapsed(1ms);
  }
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("lookup_calls"), 1u);
  EXPECT_EQ(seen.histogram("lookup_samples_seconds").count(), 1u);
  EXPECT_FALSE(seen.has("lookup_sample_stride"));
}

// Mutations: it is taken; it is looked at after registering.
TEST(SampledTimer, refuses_a_stride_of_zero_and_registers_nothing_then) {
  ft::Registry registry;
  ft::Reader reader{registry};
  EXPECT_THROW((ft::SampledTimer{registry, {.name = "lookup"}, ft::buckets::latency, 0}), std::invalid_argument);
  EXPECT_TRUE(ft::RecordingVisitor{reader}.families().empty());
  const ft::SampledTimer timer{registry, {.name = "lookup"}, ft::buckets::latency, 1};
}

// LAB-6. Mutation: its points have no limit, and time nothing.
TEST(LabeledSampledTimer, has_calls_and_samples_per_point) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Labeled<ft::SampledTimer, Command> timer{registry, {.name = "command"}, ft::buckets::latency, 1};
  timer.with(Command::set).record_elapsed(1s);
  {
    const auto timing = timer.with(Command::get).start();
  }
  EXPECT_EQ(timer.with(Command::set).calls(), 1u);
  EXPECT_EQ(timer.with(Command::set).sample_count(), 1u);
  EXPECT_EQ(timer.with(Command::set).sample_sum(), 1);
  EXPECT_EQ(timer.with(Command::set).average_or(0), 1);
  EXPECT_EQ(timer.with(Command::get).calls(), 1u);
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("command_calls", {{"command", "set"}}), 1u);
  EXPECT_EQ(seen.histogram("command_samples_seconds", {{"command", "set"}}).sum, 1);
  EXPECT_EQ(seen.histogram("command_samples_seconds", {{"command", "get"}}).count(), 1u);
  EXPECT_EQ(seen.gauge("command_sample_stride"), 1);
}

}  // namespace sampled_timer_test
