// SPDX-License-Identifier: Apache-2.0
#include "src/runtime/schedule.h"

#include <gtest/gtest.h>

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace schedule_test {

using Time = ft::detail::Schedule::Time;
constexpr Time start{1'000s};

TEST(Schedule, the_first_turn_is_an_interval_after_the_beginning) {
  ft::detail::Schedule schedule{10s, false};
  EXPECT_FALSE(schedule.is_due(start)) << "it has not begun";
  schedule.begin(start);
  EXPECT_FALSE(schedule.is_due(start + 10s - 1ns));
  EXPECT_TRUE(schedule.is_due(start + 10s));
}

TEST(Schedule, at_start_the_first_turn_is_at_once) {
  ft::detail::Schedule schedule{10s, true};
  schedule.begin(start);
  EXPECT_TRUE(schedule.is_due(start));
  EXPECT_EQ(schedule.take(start), 0u);
  EXPECT_EQ(schedule.due(), start + 10s);
}

TEST(Schedule, a_late_turn_is_taken_once_and_those_missed_meanwhile_are_skipped) {
  ft::detail::Schedule schedule{10s, false};
  schedule.begin(start);
  EXPECT_EQ(schedule.take(start + 10s), 0u);
  EXPECT_TRUE(schedule.is_due(start + 47s)) << "20 was missed";
  EXPECT_EQ(schedule.take(start + 47s), 2u) << "30 and 40";
  EXPECT_EQ(schedule.due(), start + 50s) << "whole intervals after the beginning, not after the late turn";
}

TEST(Schedule, a_turn_that_took_less_than_an_interval_delays_nothing) {
  ft::detail::Schedule schedule{10s, false};
  schedule.begin(start);
  EXPECT_EQ(schedule.take(start + 13s), 0u);
  EXPECT_EQ(schedule.due(), start + 20s);
}

TEST(Schedule, never_does_not_overflow) {
  ft::detail::Schedule schedule{std::chrono::milliseconds::max(), false};
  schedule.begin(start);
  EXPECT_FALSE(schedule.is_due(start + std::chrono::hours{24 * 300}));
}

}  // namespace schedule_test
