// SPDX-License-Identifier: Apache-2.0
//
// Looking up a host. Names that end in ".test" are the test's own: no name server that never answers can be had on a
// machine without a network.
#include "src/export/resolver.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/wait.h>

#include <thread>
#include <utility>

#include "fast_telemetry/testing/virtual_clock.h"
#include "tests/support/sanitized.h"
#include "tests/support/scripted_resolver.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;
using ft::detail::Resolver;

namespace resolver_test {

constexpr bool threads_after_fork = !ft::is_thread_sanitized;  // the sanitizer ends a forked child that starts one

/// Only to turn a hang into a failure.
Resolver::Time soon() { return std::chrono::steady_clock::now() + 30s; }
Resolver::Time now() { return std::chrono::steady_clock::now(); }

TEST(Resolver, a_literal_is_its_own_address_and_never_looked_up) {
  for (const auto& [host, family] : {std::pair{"127.0.0.1", AF_INET}, std::pair{"::1", AF_INET6}}) {
    Resolver resolver{host};
    EXPECT_TRUE(resolver.is_literal());
    resolver.forget();
    EXPECT_FALSE(resolver.resolve(now()));
    ASSERT_EQ(resolver.addresses().size(), 1u);
    EXPECT_EQ(resolver.addresses()[0].family(), family);
  }
}

// RFC 6761, section 6.3.
TEST(Resolver, localhost_is_loopback_without_asking) {
  Resolver resolver{"localhost"};
  EXPECT_FALSE(resolver.is_literal());
  resolver.forget();
  EXPECT_FALSE(resolver.resolve(now()));
  ASSERT_EQ(resolver.addresses().size(), 2u);
  EXPECT_EQ(resolver.addresses()[0].family(), AF_INET);
  EXPECT_EQ(resolver.addresses()[1].family(), AF_INET6);
}

TEST(Resolver, the_system_is_asked_for_other_names) {
  Resolver none{"a name that is none"};
  const std::error_code error = none.resolve(soon());
  EXPECT_TRUE(error);
  EXPECT_NE(error, std::errc::timed_out);
  EXPECT_TRUE(none.addresses().empty());
}

// Mutations seen red: fresh_for_ns of an hour; forget without effect.
TEST(Resolver, a_name_is_looked_up_anew_after_a_minute_and_when_its_addresses_were_of_no_use) {
  ft::VirtualClock clock;
  ft::ScriptedResolver scripted;
  Resolver resolver{"host.test"};
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(resolver.resolve(soon()));
  clock.advance(60s - 1ns);
  EXPECT_FALSE(resolver.resolve(now())) << "a fresh one costs no time";
  EXPECT_EQ(scripted.lookups(), 1);
  clock.advance(1ns);
  EXPECT_FALSE(resolver.resolve(soon()));
  EXPECT_EQ(scripted.lookups(), 2);
  resolver.forget();
  EXPECT_FALSE(resolver.resolve(soon()));
  EXPECT_EQ(scripted.lookups(), 3);
  ASSERT_EQ(resolver.addresses().size(), 1u);
  EXPECT_EQ(resolver.addresses()[0].family(), AF_INET);
}

TEST(Resolver, a_name_that_is_not_found_is_asked_about_in_each_call) {
  ft::ScriptedResolver scripted;
  scripted.answer(false);
  Resolver resolver{"host.test"};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(resolver.resolve(soon()), std::errc::host_unreachable);
  EXPECT_EQ(scripted.lookups(), 3);
  scripted.answer(true);
  EXPECT_FALSE(resolver.resolve(soon()));
}

// Mutations seen red: a lookup started in each call; a late answer thrown away.
TEST(Resolver, a_lookup_that_does_not_answer_is_left_behind_and_taken_up_again) {
  ft::ScriptedResolver scripted;
  scripted.stay_silent();
  Resolver resolver{"host.test"};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(resolver.resolve(now() + 1ms), std::errc::timed_out);
  EXPECT_TRUE(resolver.addresses().empty());
  scripted.wait_for_lookup();
  scripted.answer(true);
  // None of these waits, so that the answer comes between two of them.
  const Resolver::Time end = soon();
  while (resolver.resolve(now()) == std::errc::timed_out) ASSERT_LT(now(), end);
  EXPECT_EQ(resolver.addresses().size(), 1u);
  EXPECT_EQ(scripted.lookups(), 1);
}

// Mutation seen red: end_by without waking who waits.
TEST(Resolver, another_thread_can_end_the_wait) {
  ft::ScriptedResolver scripted;
  scripted.stay_silent();
  Resolver resolver{"host.test"};
  std::thread stopper{[&] {
    scripted.wait_for_lookup();
    resolver.end_by(now());
  }};
  EXPECT_EQ(resolver.resolve(now() + 1h), std::errc::timed_out);
  stopper.join();
  EXPECT_EQ(resolver.resolve(now() + 1h), std::errc::timed_out) << "it holds from then on";
}

// That the test ends, and what a sanitizer says, is what it shows.
TEST(Resolver, may_be_destroyed_while_a_lookup_is_under_way) {
  ft::ScriptedResolver scripted;
  scripted.stay_silent();
  {
    Resolver resolver{"host.test"};
    EXPECT_EQ(resolver.resolve(now()), std::errc::timed_out);
  }
  scripted.wait_for_lookup();
}

// Its thread does not exist there. Mutation seen red: leave_to_parent without effect.
TEST(Resolver, a_forked_child_does_not_wait_for_its_parents_lookup) {
  ft::ScriptedResolver scripted;
  scripted.stay_silent();
  Resolver resolver{"localhost.test"};
  EXPECT_EQ(resolver.resolve(now()), std::errc::timed_out);
  scripted.wait_for_lookup();
  const pid_t child = ::fork();
  if (child == 0) {
    resolver.leave_to_parent();
    scripted.answer(true);
    ::_exit(threads_after_fork && resolver.resolve(soon()) ? 1 : 0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  scripted.answer(true);
  EXPECT_FALSE(resolver.resolve(soon()));
}

}  // namespace resolver_test
