// SPDX-License-Identifier: Apache-2.0
#include "src/export/connections.h"

#include <gtest/gtest.h>

#include <chrono>

namespace ft = fast_telemetry;
using ft::detail::Connections;
using ft::detail::SteadyTime;
using namespace std::chrono_literals;

namespace connections_test {

constexpr ft::detail::Timeouts timeouts{.request = 10s, .response = 30s, .idle = 45s};
constexpr SteadyTime start{1000s};

// S-41
TEST(Connections, each_state_has_its_own_deadline) {
  Connections connections{4, timeouts};
  EXPECT_EQ(connections.next_deadline(), std::nullopt);
  auto* const one = connections.add(3, start);
  EXPECT_EQ(connections.next_deadline(), start + 10s);
  connections.request_received(*one, start + 2s);
  EXPECT_EQ(connections.next_deadline(), start + 32s);
  connections.response_sent(*one, start + 5s);
  EXPECT_EQ(connections.next_deadline(), start + 50s);
  connections.request_received(*one, start + 40s);
  EXPECT_EQ(connections.next_deadline(), start + 70s);
}

TEST(Connections, the_earliest_deadline_is_next_and_overdue_when_it_is_reached) {
  Connections connections{4, timeouts};
  auto* const early = connections.add(3, start);
  auto* const late = connections.add(4, start + 5s);
  EXPECT_EQ(connections.overdue(start + 9s), nullptr);
  EXPECT_EQ(connections.overdue(start + 10s), early);
  connections.request_received(*early, start + 9s);
  EXPECT_EQ(connections.overdue(start + 14s), nullptr);
  EXPECT_EQ(connections.overdue(start + 15s), late);
}

TEST(Connections, who_is_told_to_close_is_told_once) {
  Connections connections{4, timeouts};
  auto* const one = connections.add(3, start);
  ASSERT_EQ(connections.overdue(start + 10s), one);
  connections.closing(*one);
  EXPECT_EQ(connections.overdue(start + 100s), nullptr);
  EXPECT_EQ(connections.longest_waiting(), nullptr);
  EXPECT_EQ(connections.next_deadline(), std::nullopt);
  connections.response_sent(*one, start + 11s);
  EXPECT_EQ(connections.next_deadline(), std::nullopt) << "a response that still ends changes nothing";
}

TEST(Connections, who_closes_takes_its_place_until_it_is_gone) {
  Connections connections{1, timeouts};
  auto* const one = connections.add(3, start);
  EXPECT_TRUE(connections.full());
  EXPECT_EQ(connections.add(4, start), nullptr);
  connections.closing(*one);
  EXPECT_TRUE(connections.full());
  connections.remove(*one);
  EXPECT_FALSE(connections.full());
  EXPECT_NE(connections.add(4, start), nullptr);
}

TEST(Connections, the_longest_waiting_makes_room_and_nobody_who_is_answered) {
  Connections connections{4, timeouts};
  auto* const first = connections.add(3, start);
  auto* const second = connections.add(4, start);
  auto* const third = connections.add(5, start);
  EXPECT_EQ(connections.longest_waiting(), first);
  connections.request_received(*first, start + 1s);
  EXPECT_EQ(connections.longest_waiting(), second);
  connections.response_sent(*first, start + 2s);
  EXPECT_EQ(connections.longest_waiting(), second) << "who was just answered waits for the shortest time";
  connections.request_received(*second, start + 3s);
  connections.request_received(*third, start + 3s);
  EXPECT_EQ(connections.longest_waiting(), first);
  connections.request_received(*first, start + 3s);
  EXPECT_EQ(connections.longest_waiting(), nullptr);
}

}  // namespace connections_test
