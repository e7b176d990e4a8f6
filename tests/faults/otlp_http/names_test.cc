// SPDX-License-Identifier: Apache-2.0
//
// Endpoints whose name nobody knows, or about which nobody answers.
#include <gmock/gmock.h>

#include "sender_test.h"
#include "tests/support/scripted_resolver.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

class Names : public ft::SenderTest {
 protected:
  [[nodiscard]] std::string url() const { return "http://collector.test:" + std::to_string(server.port()); }

  ft::ScriptedResolver resolver;
  ft::ScriptedServer server;
};

TEST_F(Names, a_name_is_looked_up_once_and_sent_as_the_host) {
  ft::OtlpHttpSender sender = make_sender(to(url()));
  for (int i = 0; i < 3; ++i) {
    sender.send("spans", 1);
    EXPECT_TRUE(sender.deliver(soon()).is_complete());
  }
  EXPECT_EQ(resolver.lookups(), 1);
  EXPECT_EQ(server.connections(), 1U);
  EXPECT_EQ(server.requests().at(0).header["host"], "collector.test:" + std::to_string(server.port()));
}

TEST_F(Names, a_name_that_nobody_knows_is_asked_about_again) {
  resolver.answer(false);
  ft::OtlpHttpSender sender = make_sender(to(url()));
  sender.send("spans", 3);
  const ft::DeliveryReport report = sender.deliver(soon());
  EXPECT_EQ(report.counts.unanswered, 1U);
  EXPECT_EQ(report.counts.timed_out, 0U);
  EXPECT_EQ(report.counts.queued, 3U);
  EXPECT_THAT(diagnosed(), HasSubstr("the host's name is not resolved"));
  resolver.answer(true);
  wait(report);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(sender.info().delivered, 3U);
  EXPECT_EQ(resolver.lookups(), 2);
  expect_balance(sender);
}

TEST_F(Names, a_name_is_looked_up_anew_when_its_address_did_not_answer) {
  ft::OtlpHttpSender sender = make_sender(to(url()));
  server.then([](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    connection.read_body(request);
    connection.reset();
  });
  sender.send("spans", 3);
  wait(sender.deliver(soon()));
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(resolver.lookups(), 2);
}

TEST_F(Names, a_resolver_that_never_answers_keeps_one_thread_and_nobody_waiting) {
  resolver.stay_silent();
  ft::OtlpHttpOptions options = to(url());
  options.delivery.attempt_timeout = 10ms;
  ft::OtlpHttpSender sender = make_sender(options);
  sender.send("spans", 3);
  for (int i = 0; i < 10; ++i) {
    const ft::DeliveryReport report = sender.deliver(soon());
    EXPECT_EQ(report.counts.timed_out, report.counts.attempts);
    wait(report);
  }
  resolver.wait_for_lookup();
  EXPECT_EQ(resolver.lookups(), 1);
  EXPECT_EQ(sender.info().queued, 3U);
  EXPECT_THAT(diagnosed(), HasSubstr("the host's name is not resolved in time"));

  resolver.answer(true);
  while (!sender.flush(soon()).is_complete()) {  // its attempts may end before the late answer is there
  }
  EXPECT_EQ(sender.info().delivered, 3U);
  EXPECT_EQ(resolver.lookups(), 1) << "the late answer is of use";
  expect_balance(sender);
}

// The resolver is silent until the sender is gone: that the test ends is what it shows.
TEST_F(Names, closing_does_not_wait_for_a_resolver_that_never_answers) {
  resolver.stay_silent();
  {
    ft::OtlpHttpOptions options = to(url());
    options.delivery.attempt_timeout = 1h;
    ft::OtlpHttpSender sender = make_sender(options);
    sender.send("spans", 3);
    const ft::DeliveryReport report = sender.close(std::chrono::steady_clock::now() + 10ms);
    EXPECT_EQ(report.counts.dropped_shutdown, 3U);
    EXPECT_EQ(report.counts.timed_out, 1U);
    resolver.wait_for_lookup();
  }
  EXPECT_EQ(server.connections(), 0U);
}

TEST_F(Names, another_thread_can_end_the_wait_for_a_resolver) {
  resolver.stay_silent();
  ft::OtlpHttpOptions options = to(url());
  options.delivery.attempt_timeout = 1h;
  ft::OtlpHttpSender sender = make_sender(options);
  sender.send("spans", 3);
  std::thread stopper{[&] {
    resolver.wait_for_lookup();
    sender.end_by(std::chrono::steady_clock::now());
  }};
  EXPECT_EQ(sender.deliver(std::chrono::steady_clock::now() + 1h).counts.timed_out, 1U);
  stopper.join();
}

}  // namespace
