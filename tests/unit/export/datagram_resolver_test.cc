// SPDX-License-Identifier: Apache-2.0
//
// Looking up a host. The lookup that blocks is the test's own: no resolver that never answers can be had on a machine
// without a network.
#include "src/export/datagram_resolver.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <atomic>
#include <future>
#include <memory>

namespace ft = fast_telemetry;
using namespace std::chrono_literals;
using ft::detail::DatagramResolver;
using ft::detail::Resolved;

namespace datagram_resolver_test {

DatagramResolver::Clock::time_point soon() { return DatagramResolver::Clock::now() + 10s; }

TEST(DatagramResolver, a_literal_is_its_own_address_and_needs_no_lookup) {
  DatagramResolver resolver{[](const std::string&, std::uint16_t) -> Resolved {
    ADD_FAILURE();
    return {};
  }};
  const Resolved v4 = resolver.resolve("127.0.0.1", 8125, soon());
  ASSERT_EQ(v4.addresses.size(), 1u);
  EXPECT_EQ(v4.addresses[0].family(), AF_INET);
  const Resolved v6 = resolver.resolve("::1", 8125, soon());
  ASSERT_EQ(v6.addresses.size(), 1u);
  EXPECT_EQ(v6.addresses[0].family(), AF_INET6);
}

TEST(DatagramResolver, a_name_has_addresses_or_an_error) {
  DatagramResolver resolver;
  const Resolved local = resolver.resolve("localhost", 8125, soon());
  EXPECT_FALSE(local.error);
  EXPECT_GE(local.addresses.size(), 1u);
  const Resolved none = resolver.resolve("a name that is none", 8125, soon());
  EXPECT_TRUE(none.error);
  EXPECT_TRUE(none.addresses.empty());
}

// A resolver that never answers costs its deadline, not more, and is asked once. Mutation seen red: resolve starting a
// lookup in each call.
TEST(DatagramResolver, a_lookup_that_does_not_answer_is_left_behind_and_taken_up_again) {
  auto answer = std::make_shared<std::promise<void>>();
  auto asked = std::make_shared<std::atomic<int>>(0);
  DatagramResolver resolver{
      [wait = answer->get_future().share(), asked](const std::string&, std::uint16_t) -> Resolved {
        ++*asked;
        wait.wait();
        return {{}, {{}}};
      }};
  for (int i = 0; i < 3; ++i) {
    const Resolved late = resolver.resolve("slow", 1, DatagramResolver::Clock::now() + 1ms);
    EXPECT_EQ(late.error, std::errc::timed_out);
    EXPECT_TRUE(late.addresses.empty());
  }
  answer->set_value();
  EXPECT_EQ(resolver.resolve("slow", 1, soon()).addresses.size(), 1u);
  EXPECT_EQ(*asked, 1);
}

TEST(DatagramResolver, may_be_destroyed_while_a_lookup_is_under_way) {
  auto answer = std::make_shared<std::promise<void>>();
  auto ended = std::make_shared<std::promise<void>>();
  {
    DatagramResolver resolver{
        [wait = answer->get_future().share(), ended](const std::string&, std::uint16_t) -> Resolved {
          wait.wait();
          ended->set_value();
          return {};
        }};
    EXPECT_EQ(resolver.resolve("slow", 1, DatagramResolver::Clock::now()).error, std::errc::timed_out);
  }
  answer->set_value();
  ended->get_future().wait();
}

}  // namespace datagram_resolver_test
