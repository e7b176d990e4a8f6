// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "fast_telemetry/testing/virtual_clock.h"
#include "src/core/clock.h"

namespace clock_test {

namespace ft = fast_telemetry;
using ft::detail::clock_pace;
using ft::detail::ClockPiece;
using ft::detail::is_drift;
using ft::detail::next_piece;
using namespace std::chrono_literals;

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t ms = 1'000'000;
constexpr std::uint64_t one = std::uint64_t{1} << 32;  // a pace of one nanosecond per tick

std::int64_t system_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * second + now.tv_nsec;
}

/// Reads until the clock is what it will be: on a machine with a usable counter, 10 ms.
void warm_up() {
  const std::int64_t begin = ft::now_ns();
  while (ft::now_ns() - begin < 20 * ms) {
  }
}

// Mutation: ticks before its own are taken for unsigned.
TEST(ClockPiece, tells_time_by_the_counter) {
  const ClockPiece piece{.ticks = 1000, .ns = 500, .pace = one / 2};
  EXPECT_EQ(piece.at(1000), 500);
  EXPECT_EQ(piece.at(1010), 505);
  EXPECT_EQ(piece.at(990), 495);
}

// Mutation: products of 64 bits.
TEST(ClockPiece, is_exact_over_a_day_and_counters_that_wrap) {
  const ClockPiece piece{.ticks = ~std::uint64_t{0} - 4, .ns = 0, .pace = one};
  EXPECT_EQ(piece.at(5), 10);
  EXPECT_EQ(piece.at(piece.ticks + 86'400ULL * second), 86'400LL * second);
  EXPECT_EQ(ClockPiece::ticks_in(86'400 * second, one / 2), 2 * 86'400 * second);
}

// Mutations: no largest pace; a pace without time.
TEST(ClockPace, is_nanoseconds_per_tick) {
  EXPECT_EQ(clock_pace(2 * second, second), one / 2);
  EXPECT_EQ(clock_pace(1, std::int64_t{1} << 62), std::uint64_t{1} << 48);  // a counter that hardly moves
  EXPECT_EQ(clock_pace(0, second), 0u);
  EXPECT_EQ(clock_pace(second, 0), 0u);
  EXPECT_EQ(clock_pace(second, -1), 0u);
}

// Mutations: a hundredth; upwards only.
TEST(ClockPace, is_drift_up_to_a_thousandth) {
  EXPECT_TRUE(is_drift(one, one + one / 1001));
  EXPECT_TRUE(is_drift(one, one - one / 1001));
  EXPECT_FALSE(is_drift(one, one + one / 999));
  EXPECT_FALSE(is_drift(one, one - one / 999));
  EXPECT_FALSE(is_drift(one, 0));
}

// Mutation: the next piece starts at the system's time, whatever was shown.
TEST(NextPiece, goes_on_where_the_old_one_is_and_catches_up_within_a_second) {
  const ClockPiece behind = next_piece(999, 1000, 77, 1500, one);
  EXPECT_EQ(behind.ticks, 77u);
  EXPECT_EQ(behind.ns, 1000);
  EXPECT_NEAR(static_cast<double>(behind.at(77 + second)), 1500.0 + second, 2);

  const ClockPiece ahead = next_piece(999, 1000, 77, 400, one);
  EXPECT_EQ(ahead.ns, 1000);
  EXPECT_NEAR(static_cast<double>(ahead.at(77 + second)), 400.0 + second, 2);
}

// Mutation: it goes on, however far behind.
TEST(NextPiece, jumps_when_it_is_behind_by_more_than_drift) {
  const ClockPiece next = next_piece(second, second + 1, 77, 100 * second, one);
  EXPECT_EQ(next.ns, 100 * second);
  EXPECT_EQ(next.pace, one);
}

// A counter that ran on while the system's clock stood still: nobody was shown the hours in between. Mutation: it goes
// on, however far ahead.
TEST(NextPiece, forgets_time_that_nobody_was_shown) {
  const ClockPiece next = next_piece(second, 3600 * second, 77, 2 * second, one);
  EXPECT_EQ(next.ns, 2 * second);
  EXPECT_EQ(next.pace, one);
}

// Mutations: what was shown is forgotten; time goes backwards until the system is there.
TEST(NextPiece, never_goes_back_behind_what_was_shown) {
  const ClockPiece next = next_piece(10 * second, 10 * second, 77, 2 * second, one);
  EXPECT_EQ(next.ns, 10 * second);
  EXPECT_EQ(next.pace, one / 2);  // until the system's clock is there
}

// Over two or three lines, while all threads compete for starting the next. Mutation: a line begins a tenth of a
// millisecond before the end of the one before. What could go wrong while one takes the place of the other is some
// nanoseconds wide, and no test of this length hits it.
TEST(Clock, never_falls_as_one_thread_sees_it) {
  std::atomic<std::int64_t> steps_back{0};
  const std::int64_t end = ft::now_ns() + 2 * second + second / 2;  // two or three lines
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        std::int64_t last = ft::now_ns();
        while (last < end) {
          const std::int64_t now = ft::now_ns();
          if (now < last) ++steps_back;
          last = now;
        }
      });
    }
  }
  EXPECT_EQ(steps_back, 0);
}

/// Readings of both clocks, one after the other: whatever interrupts them, the system's lies between ours.
struct Readings {
  std::int64_t earlier = ft::now_ns();
  std::int64_t system = system_ns(CLOCK_MONOTONIC);
  std::int64_t later = ft::now_ns();
};

// Mutations: a pace that is wrong by a hundredth, either way.
TEST(Clock, keeps_the_system_clocks_pace) {
  warm_up();
  const Readings begin;
  while (ft::now_ns() - begin.later < 100 * ms) {
  }
  const Readings end;
  // Drift is far below a thousandth.
  EXPECT_LE(end.earlier - begin.later, (end.system - begin.system) / 1000 * 1001);
  EXPECT_GE(end.later - begin.earlier, (end.system - begin.system) / 1000 * 999);
}

// Mutation: the distance of the two clocks is never read.
TEST(Clock, tells_wall_clock_time) {
  const std::int64_t before = system_ns(CLOCK_REALTIME);
  const std::int64_t told = ft::unix_ns(ft::now_ns());
  const std::int64_t after = system_ns(CLOCK_REALTIME);
  EXPECT_GE(told, before - ms);
  EXPECT_LE(told, after + ms);
}

// Mutations: the wall clock goes on; virtual time does not end.
TEST(VirtualClock, stands_still_until_it_is_told) {
  std::int64_t before = 0;
  {
    ft::VirtualClock clock;
    before = ft::now_ns();
    EXPECT_EQ(ft::clock_source(), ft::ClockSource::virtual_time);
    EXPECT_EQ(ft::now_ns(), before);
    EXPECT_EQ(ft::unix_ns(before), ft::VirtualClock::usual_start_unix_ns);
    EXPECT_EQ(ft::detail::wall_clock_ns(), ft::VirtualClock::usual_start_unix_ns);

    clock.advance(1500ms);
    EXPECT_EQ(ft::now_ns(), before + second + second / 2);
    EXPECT_EQ(ft::detail::wall_clock_ns(), ft::VirtualClock::usual_start_unix_ns + second + second / 2);
  }
  EXPECT_NE(ft::clock_source(), ft::ClockSource::virtual_time);
  EXPECT_NE(ft::now_ns(), before);
}

// Mutation: it starts at its usual time.
TEST(VirtualClock, starts_at_the_wall_clock_time_it_is_given) {
  const ft::VirtualClock clock{42};
  EXPECT_EQ(ft::unix_ns(ft::now_ns()), 42);
}

// Mutation: virtual time is thread-local.
TEST(VirtualClock, is_the_same_for_all_threads) {
  ft::VirtualClock clock;
  const std::int64_t before = ft::now_ns();
  std::jthread{[&] { clock.advance(1s); }}.join();
  EXPECT_EQ(ft::now_ns(), before + second);
}

}  // namespace clock_test
