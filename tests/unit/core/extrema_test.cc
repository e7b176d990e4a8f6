// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/extrema.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "fast_telemetry/labeled.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "fast_telemetry/testing/virtual_clock.h"

namespace extrema_test {

namespace ft = fast_telemetry;
using ft::detail::Extremum;
using ft::detail::extremum_key;
using ft::detail::extremum_value;
using namespace std::chrono_literals;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr auto least = std::numeric_limits<std::int64_t>::min();
constexpr auto greatest = std::numeric_limits<std::int64_t>::max();
constexpr ft::ReaderOptions held{.finals = ft::Finals::held};

enum class Queue : std::uint8_t { in, out };
constexpr ft::Label label(Queue queue) { return ft::from_enumerator("queue", queue); }

using Look = ft::RecordingVisitor;

Look take(ft::Reader& reader) {
  Look seen{reader};
  reader.accept();
  return seen;
}

// ---- keys ----

template <class T, Extremum which>
void expect_round_trip(T value) {
  const std::uint64_t key = extremum_key<T, which>(value);
  EXPECT_NE(key, 0u) << value;
  EXPECT_EQ((extremum_value<T, which>(key)), value);
}

// EXT-6. Mutation: an unsigned integer is its own key.
TEST(ExtremumKey, keeps_every_value_and_never_is_the_empty_one) {
  for (const double value : {-infinity, -1e300, -1.5, -5e-324, 0.0, 5e-324, 1.5, 1e300, infinity}) {
    expect_round_trip<double, Extremum::max>(value);
    expect_round_trip<double, Extremum::min>(value);
  }
  for (const std::int64_t value : {least + 1, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, greatest - 1}) {
    expect_round_trip<std::int64_t, Extremum::max>(value);
    expect_round_trip<std::int64_t, Extremum::min>(value);
  }
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0} - 1}) {
    expect_round_trip<std::uint64_t, Extremum::max>(value);
    expect_round_trip<std::uint64_t, Extremum::min>(value);
  }
}

// Mutation: it has the empty key.
TEST(ExtremumKey, of_the_integer_at_the_far_end_is_its_neighbours) {
  EXPECT_EQ((extremum_key<std::int64_t, Extremum::max>(least)), (extremum_key<std::int64_t, Extremum::max>(least + 1)));
  EXPECT_EQ((extremum_key<std::int64_t, Extremum::min>(greatest)),
            (extremum_key<std::int64_t, Extremum::min>(greatest - 1)));
  EXPECT_EQ((extremum_key<std::uint64_t, Extremum::max>(~std::uint64_t{0})),
            (extremum_key<std::uint64_t, Extremum::max>(~std::uint64_t{0} - 1)));
  EXPECT_EQ((extremum_key<std::uint64_t, Extremum::min>(~std::uint64_t{0})), 1u);
}

// Mutations: a minimum ordered as a maximum; integers compared without their sign.
TEST(ExtremumKey, is_greater_for_what_is_more_extreme) {
  EXPECT_LT((extremum_key<double, Extremum::max>(-2)), (extremum_key<double, Extremum::max>(-1)));
  EXPECT_LT((extremum_key<double, Extremum::max>(-1)), (extremum_key<double, Extremum::max>(0.5)));
  EXPECT_GT((extremum_key<double, Extremum::min>(-2)), (extremum_key<double, Extremum::min>(-1)));
  EXPECT_GT((extremum_key<std::int64_t, Extremum::min>(-2)), (extremum_key<std::int64_t, Extremum::min>(3)));
  EXPECT_LT((extremum_key<std::int64_t, Extremum::max>(-2)), (extremum_key<std::int64_t, Extremum::max>(3)));
}

// ---- the metric itself ----

// EXT-1, EXT-4; EXT-2 and EXT-5 do not hold for ours: there is neither an initial value nor a number of shards.
// Mutations: a write that keeps the smaller, or the last.
TEST(MaxGauge, tells_the_greatest_observation) {
  ft::MaxGauge<std::int64_t> gauge;
  gauge.observe(3);
  gauge.observe(7);
  gauge.observe(5);
  EXPECT_EQ(gauge.value_or(0), 7);
}

TEST(MinGauge, tells_the_smallest_observation) {
  ft::MinGauge<std::int64_t> gauge;
  gauge.observe(3);
  gauge.observe(-7);
  gauge.observe(5);
  EXPECT_EQ(gauge.value_or(0), -7);
}

// EXT-8, W-19: where the original shows 0, or the largest integer, of an unused gauge. Mutations: a point for what was
// not observed; `otherwise` left out.
TEST(ExtremaGauges, that_observed_nothing_say_so) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::MaxGauge<std::int64_t> max{registry, {.name = "max"}};
  const ft::MinGauge<double> min{registry, {.name = "min"}};
  EXPECT_EQ(max.value_or(-1), -1);
  EXPECT_EQ(min.value_or(0.5), 0.5);
  const Look seen{reader};
  EXPECT_EQ(seen.point_count("max"), 0u);
  EXPECT_EQ(seen.point_count("min"), 0u);
}

// EXT-2 (its fix), EXT-8: a maximum of negative numbers is negative. Mutation: it begins at 0.
TEST(ExtremaGauges, follow_the_first_observation_on_whichever_side_of_zero) {
  ft::MaxGauge<std::int64_t> max;
  ft::MinGauge<double> min;
  max.observe(-5);
  min.observe(5.5);
  EXPECT_EQ(max.value_or(0), -5);
  EXPECT_EQ(min.value_or(0), 5.5);
}

// EXT-6. Mutations: it is taken; dropped silently; infinities with it.
TEST(ExtremaGauges, count_a_nan_as_dropped) {
  ft::MaxGauge<double> max;
  ft::MinGauge<double> min;
  const std::uint64_t before = ft::storage_info().dropped_not_finite;
  max.observe(std::nan(""));
  min.observe(-std::nan(""));
  EXPECT_EQ(ft::storage_info().dropped_not_finite, before + 2);
  EXPECT_EQ(max.value_or(1), 1);
  max.observe(infinity);
  min.observe(-infinity);
  EXPECT_EQ(max.value_or(1), infinity);
  EXPECT_EQ(min.value_or(1), -infinity);
}

// ---- windows ----

class Windows : public testing::Test {
 protected:
  ft::VirtualClock clock;
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::MaxGauge<std::int64_t> gauge{registry, {.name = "depth"}};
};

// EXT-4 (swap_reset), W-17, W-19. Mutation: what is taken goes to the reader that collects only.
TEST_F(Windows, are_each_readers_own) {
  ft::Reader other{registry};
  gauge.observe(9);
  EXPECT_EQ(take(reader).gauge("depth"), 9);
  gauge.observe(4);
  EXPECT_EQ(take(reader).gauge("depth"), 4);
  EXPECT_EQ(take(other).gauge("depth"), 9);  // its first, which begins with everything
  gauge.observe(6);
  EXPECT_EQ(take(reader).gauge("depth"), 6);
  EXPECT_EQ(take(other).gauge("depth"), 6);
  EXPECT_EQ(take(reader).point_count("depth"), 0u);
  EXPECT_EQ(take(other).point_count("depth"), 0u);
  EXPECT_EQ(gauge.value_or(0), 9);
}

// Mutation: a collection closes the window.
TEST_F(Windows, go_on_until_a_collection_is_accepted) {
  gauge.observe(9);
  EXPECT_EQ(Look{reader}.gauge("depth"), 9);
  gauge.observe(4);
  EXPECT_EQ(Look{reader}.gauge("depth"), 9);
  reader.accept();
  EXPECT_EQ(take(reader).point_count("depth"), 0u);
}

// Mutation: accept clears what was taken since the collection, too.
TEST_F(Windows, keep_what_another_readers_fold_took_between_collection_and_acceptance) {
  ft::Reader other{registry};
  gauge.observe(9);
  EXPECT_EQ(Look{reader}.gauge("depth"), 9);
  gauge.observe(12);
  EXPECT_EQ(take(other).gauge("depth"), 12);
  reader.accept();
  EXPECT_EQ(take(reader).gauge("depth"), 12);
}

// Mutation: with nothing.
TEST_F(Windows, of_a_reader_that_comes_late_begin_with_everything) {
  gauge.observe(9);
  EXPECT_EQ(take(reader).gauge("depth"), 9);
  ft::Reader late{registry};
  EXPECT_EQ(take(late).gauge("depth"), 9);
}

// Mutation: windows are found by the reader's address, which the next one gets.
TEST_F(Windows, of_a_reader_that_is_gone_are_no_other_readers) {
  auto gone = std::make_unique<ft::Reader>(registry);
  gauge.observe(9);
  EXPECT_EQ(take(*gone).gauge("depth"), 9);
  gone.reset();
  gone = std::make_unique<ft::Reader>(registry);
  EXPECT_EQ(take(*gone).gauge("depth"), 9);
}

// Many scrapers behind one reader: each that comes within five minutes sees the extremum. Mutations: until they are
// accepted; five minutes in all; for ever.
TEST_F(Windows, of_readers_with_held_finals_last_by_time) {
  ft::Reader exposer{registry, held};
  gauge.observe(9);
  EXPECT_EQ(take(exposer).gauge("depth"), 9);
  clock.advance(299s);
  gauge.observe(3);
  EXPECT_EQ(take(exposer).gauge("depth"), 9);
  clock.advance(1s);
  EXPECT_EQ(take(exposer).gauge("depth"), 9);
  clock.advance(299s);
  EXPECT_EQ(take(exposer).gauge("depth"), 9);
  clock.advance(1s);
  EXPECT_EQ(take(exposer).point_count("depth"), 0u);
}

// Nothing is lost silently: the last window of a metric that is destroyed. Mutation: its cells are not taken, or what
// was taken goes to nobody.
TEST_F(Windows, that_are_open_when_the_metric_ends_are_shown_once) {
  ft::Reader other{registry};
  ft::Reader late{registry};
  {
    ft::MinGauge<double> ending{registry, {.name = "ending"}};
    ending.observe(0.25);
    EXPECT_EQ(take(reader).float_gauge("ending"), 0.25);
    EXPECT_EQ(take(other).float_gauge("ending"), 0.25);
    ending.observe(0.5);
  }
  EXPECT_EQ(take(reader).float_gauge("ending"), 0.5);
  EXPECT_EQ(take(other).float_gauge("ending"), 0.5);
  EXPECT_EQ(take(late).float_gauge("ending"), 0.25);
  EXPECT_FALSE(take(reader).has("ending"));
}

// Mutations: the parent's windows, or its extrema of all time, are kept.
TEST_F(Windows, of_a_child_begin_at_the_fork) {
  gauge.observe(9);
  static_cast<void>(Look{reader});
  const pid_t child = fork();
  if (child == 0) {
    if (gauge.value_or(-1) != -1) _exit(1);
    gauge.observe(2);
    if (gauge.value_or(-1) != 2) _exit(2);
    _exit(Look{reader}.gauge("depth") == 2 ? 0 : 3);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(take(reader).gauge("depth"), 9);
}

// ---- labels ----

// W-30; LAB-7 ("no labeled extrema gauge") does not hold for ours. Mutation: all points are the first.
TEST(LabeledExtrema, have_a_window_per_point_and_show_those_that_observed) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Labeled<ft::MaxGauge<std::int64_t>, Queue> depth{registry, {.name = "depth"}};
  depth.with(Queue::out).observe(7);
  EXPECT_EQ(depth.with(Queue::out).value_or(0), 7);
  EXPECT_EQ(depth.with(Queue::in).value_or(0), 0);
  const Look seen = take(reader);
  EXPECT_EQ(seen.point_count("depth"), 1u);
  EXPECT_EQ(seen.gauge("depth", {{"queue", "out"}}), 7);

  depth.with(static_cast<Queue>(200)).observe(1);
  EXPECT_EQ(take(reader).gauge("depth", {{"queue", "invalid"}}), 1);
}

// ---- races ----

// Rising numbers: whatever a reader's windows are, the next begins above what the one before ended with, and none is
// missed. Mutation: what is taken goes to the reader that collects only.
TEST(ExtremaGauges, show_each_reader_every_rise_once_while_another_takes_windows) {
  constexpr std::int64_t rounds = 300;
  ft::Registry registry;
  ft::MaxGauge<std::int64_t> max{registry, {.name = "max"}};
  ft::MinGauge<std::int64_t> min{registry, {.name = "min"}};
  std::atomic<std::int64_t> wrong{0};
  std::atomic<bool> done{false};
  std::atomic<std::int64_t> written{0};
  const auto read = [&] {
    ft::Reader reader{registry};
    std::int64_t last = 0;
    std::int64_t lowest = 0;
    for (std::int64_t round = 0; round < rounds; ++round) {
      const std::int64_t before = written.load(std::memory_order_acquire);
      const Look seen = take(reader);
      if (seen.point_count("min") != 0) lowest = std::min(lowest, seen.gauge("min"));
      if (seen.point_count("max") == 0) {
        if (before > last) ++wrong;  // was observed before the collection, and in no window yet
        continue;
      }
      const std::int64_t now = seen.gauge("max");
      if (now <= last || now < before) ++wrong;
      last = now;
      // `min` observed the number, negated, before; that may have been in the window before, too.
      if (lowest > -now) ++wrong;
    }
    const Look seen = take(reader);
    if (seen.point_count("max") != 0) last = seen.gauge("max");
    while (!done.load(std::memory_order_acquire)) std::this_thread::yield();
    const Look rest = take(reader);
    if (rest.point_count("max") != 0) last = rest.gauge("max");
    if (last != written.load(std::memory_order_acquire)) ++wrong;
  };
  {
    std::atomic<int> reading{2};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        read();
        --reading;
      });
    }
    std::jthread writer{[&] {
      for (std::int64_t n = 1; n < 50'000'000; ++n) {
        min.observe(-n);
        max.observe(n);
        written.store(n, std::memory_order_release);
        if (n % 4096 == 0 && n > 1'000'000) break;
      }
      done.store(true, std::memory_order_release);
    }};
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(max.value_or(0), written.load());
  EXPECT_EQ(min.value_or(0), -written.load());
}

}  // namespace extrema_test
