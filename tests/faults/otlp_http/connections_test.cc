// SPDX-License-Identifier: Apache-2.0
//
// Endpoints that are not there, break off, or say nothing.
#include <gmock/gmock.h>

#include "sender_test.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

using Connections = ft::SenderTest;

// A port that was free a moment ago.
TEST_F(Connections, an_endpoint_that_is_back_after_an_outage_gets_everything_once) {
  std::optional<ft::ScriptedServer> server{std::in_place};
  const std::uint16_t port = server->port();
  ft::OtlpHttpSender sender = make_sender(to(server->url()));
  sender.send("before", 1);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  server.reset();

  std::uint64_t attempts = 0;
  for (int i = 0; i < 10; ++i) {
    sender.send("during " + std::to_string(i), 1);
    const ft::DeliveryReport report = sender.deliver(soon());
    EXPECT_EQ(report.counts.queued, static_cast<std::uint64_t>(i) + 1);
    attempts += report.counts.attempts;
    EXPECT_EQ(report.counts.unanswered, report.counts.attempts);
    wait(report);
  }
  EXPECT_EQ(sender.circuit(), ft::Circuit::half_open);
  EXPECT_THAT(diagnosed(), HasSubstr("spans wait to be sent again: "));

  server.emplace(port);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  ASSERT_EQ(server->requests().size(), 10U);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(server->requests()[i].body, "during " + std::to_string(i));
  EXPECT_EQ(sender.info().delivered, 11U);
  EXPECT_EQ(sender.info().retries, attempts) << "each failed attempt was with the first payload";
  EXPECT_EQ(sender.circuit(), ft::Circuit::closed);
  expect_balance(sender);
}

TEST_F(Connections, an_outage_costs_bounded_memory_and_the_oldest_items) {
  std::optional<ft::ScriptedServer> server{std::in_place};
  const std::uint16_t port = server->port();
  ft::OtlpHttpOptions options = to(server->url());
  options.delivery.max_queue_bytes = 100'000;
  ft::OtlpHttpSender sender = make_sender(options);
  server.reset();
  const std::string payload(10'000, 'x');
  for (int i = 0; i < 200; ++i) {
    sender.send(payload + std::to_string(i), 3);
    static_cast<void>(sender.deliver(soon()));
    EXPECT_LE(sender.info().queued_bytes, 100'000U);
  }
  server.emplace(port);
  EXPECT_TRUE(sender.flush(soon()).is_complete());
  const std::vector<ft::ReceivedRequest> requests = server->requests();
  ASSERT_EQ(requests.size(), 9U);
  EXPECT_EQ(requests.front().body, payload + "191");
  EXPECT_EQ(requests.back().body, payload + "199");
  EXPECT_EQ(sender.info().dropped_queue_full, 191U * 3U);
  EXPECT_EQ(sender.info().delivered, 9U * 3U);
  expect_balance(sender);
}

TEST_F(Connections, what_is_too_old_is_dropped_and_told) {
  std::optional<ft::ScriptedServer> server{std::in_place};
  ft::OtlpHttpSender sender = make_sender(to(server->url()));
  server.reset();
  sender.send("old", 4);
  EXPECT_FALSE(sender.deliver(soon()).is_complete());
  clock.advance(300s + 1ns);
  const ft::DeliveryReport report = sender.deliver(soon());
  EXPECT_TRUE(report.is_complete());
  EXPECT_EQ(report.counts.dropped_too_old, 4U);
  EXPECT_THAT(diagnosed(), HasSubstr("4 spans were too old to be sent again"));
}

class Breaks : public ft::SenderTest {
 protected:
  /// What the step does to the first attempt, the second makes good.
  void expect_retry(ft::ScriptedServer::Step step, const std::string& body) {
    server.then(std::move(step));
    sender.send(body, 3);
    const ft::DeliveryReport report = sender.deliver(soon());
    EXPECT_EQ(report.counts.unanswered, 1U);
    EXPECT_EQ(report.counts.queued, 3U);
    wait(report);
    EXPECT_TRUE(sender.deliver(soon()).is_complete());
    EXPECT_EQ(server.requests().back().body, body);
    EXPECT_EQ(sender.info().delivered, 3U);
    EXPECT_EQ(sender.info().retries, 1U);
    expect_balance(sender);
  }

  /// Its attempts take longer than a test may.
  [[nodiscard]] ft::OtlpHttpSender make_patient_sender() const {
    ft::OtlpHttpOptions options = to(server.url());
    options.delivery.attempt_timeout = 1h;
    return make_sender(options);
  }

  ft::ScriptedServer server;
  ft::OtlpHttpSender sender = make_sender(to(server.url()));
};

TEST_F(Breaks, a_reset_in_the_middle_of_the_body_is_retried) {
  const auto step = [](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    connection.read_body(request, 1000);
    connection.reset();
  };
  expect_retry(step, std::string(std::size_t{8} << 20U, 'x'));
  EXPECT_EQ(server.requests().size(), 2U);
  EXPECT_EQ(server.requests()[0].body.size(), 1000U);
  EXPECT_EQ(server.requests()[0].header.count("expect"), 0U) << "no waiting for leave to send a large body";
  EXPECT_LT(sender.info().sent_bytes, std::uint64_t{16} << 20U);
}

// The receiver may have stored it: it gets it twice rather than not at all.
TEST_F(Breaks, a_reset_after_the_body_is_retried) {
  const auto step = [](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    connection.read_body(request);
    connection.reset();
  };
  expect_retry(step, "spans");
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(Breaks, a_header_that_breaks_off_behind_a_200_confirms_nothing_and_is_not_asked_about_again) {
  server.then([](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    connection.read_body(request);
    connection.send("HTTP/1.1 200 OK\r\nContent-Le");
    connection.close();
  });
  sender.send("spans", 3);
  EXPECT_EQ(sender.deliver(soon()).counts.unconfirmed, 3U);
  EXPECT_EQ(server.requests().size(), 1U);
  expect_balance(sender);
}

TEST_F(Breaks, a_connection_that_was_closed_while_it_was_idle_costs_nothing) {
  for (int i = 0; i < 3; ++i) {
    server.then([](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
      connection.read_body(request);
      connection.send(ft::ScriptedServer::response(200));
      connection.close();
    });
    sender.send("spans", 1);
    EXPECT_TRUE(sender.deliver(soon()).is_complete());
  }
  EXPECT_EQ(sender.info().unanswered, 0U);
  EXPECT_EQ(server.requests().size(), 3U);
}

// The client gives up: the server only waits for that.
TEST_F(Breaks, an_endpoint_that_never_answers_is_left_when_the_attempt_has_taken_too_long) {
  ft::OtlpHttpOptions options = to(server.url());
  options.delivery.attempt_timeout = 20ms;
  sender = make_sender(options);
  server.then([](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    connection.read_body(request);
    connection.wait_for_end();
  });
  sender.send("spans", 3);
  const ft::DeliveryReport report = sender.deliver(soon());
  EXPECT_EQ(report.counts.timed_out, 1U);
  EXPECT_EQ(report.counts.unanswered, 1U);
  EXPECT_EQ(report.counts.queued, 3U);
  EXPECT_THAT(diagnosed(), HasSubstr("no answer in time"));
}

TEST_F(Breaks, a_reply_that_comes_byte_by_byte_and_has_no_end_is_left_too) {
  ft::OtlpHttpOptions options = to(server.url());
  options.delivery.attempt_timeout = 50ms;
  sender = make_sender(options);
  server.then([](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    connection.read_body(request);
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    connection.wait_for_end();
  });
  sender.send("spans", 3);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(sender.info().unconfirmed, 3U) << "it had begun with a 200";
}

TEST_F(Breaks, an_endpoint_that_takes_no_bytes_is_left_too) {
  ft::OtlpHttpOptions options = to(server.url());
  options.delivery.attempt_timeout = 50ms;
  sender = make_sender(options);
  std::promise<void> gone;
  server.then([&](ft::ServerConnection& connection, ft::ReceivedRequest&) {
    gone.get_future().wait();
    connection.close();
  });
  sender.send(std::string(std::size_t{8} << 20U, 'x'), 3);
  const ft::DeliveryReport report = sender.deliver(soon());
  gone.set_value();
  EXPECT_EQ(report.counts.timed_out, 1U);
  EXPECT_LT(report.counts.sent_bytes, std::uint64_t{8} << 20U);
}

TEST_F(Breaks, another_thread_can_end_a_delivery_that_is_under_way) {
  sender = make_patient_sender();
  std::promise<void> is_stalled;
  server.then([&](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    connection.read_body(request);
    is_stalled.set_value();
    connection.wait_for_end();
  });
  sender.send("spans", 3);
  std::thread stopper{[&] {
    is_stalled.get_future().wait();
    sender.end_by(std::chrono::steady_clock::now());
  }};
  // Without end_by the attempt lasts longer than this test may.
  const ft::DeliveryReport report = sender.deliver(std::chrono::steady_clock::now() + 1h);
  stopper.join();
  EXPECT_EQ(report.counts.timed_out, 1U);
  EXPECT_EQ(report.counts.queued, 3U);
  EXPECT_EQ(sender.close(soon()).counts.attempts, 0U) << "end_by holds from then on";
  EXPECT_EQ(sender.info().dropped_shutdown, 3U);
  expect_balance(sender);
}

TEST_F(Breaks, closing_delivers_what_it_can_and_reports_the_rest) {
  sender = make_patient_sender();
  std::promise<void> is_stalled;
  server.then_answer(200);
  server.then([&](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    connection.read_body(request);
    is_stalled.set_value();
    connection.wait_for_end();
  });
  sender.send("delivered", 1);
  sender.send("stalls", 2);
  sender.send("never tried", 4);
  std::thread stopper{[&] {
    is_stalled.get_future().wait();
    sender.end_by(std::chrono::steady_clock::now());
  }};
  const ft::DeliveryReport report = sender.close(std::chrono::steady_clock::now() + 1h);
  stopper.join();
  EXPECT_TRUE(report.is_complete());
  EXPECT_EQ(report.counts.delivered, 1U);
  EXPECT_EQ(report.counts.dropped_shutdown, 2U + 4U);
  EXPECT_EQ(report.counts.queued, 0U);
  sender.send("late", 8);
  EXPECT_EQ(sender.info().dropped_shutdown, 2U + 4U + 8U);
  expect_balance(sender);
}

TEST_F(Breaks, closing_does_not_wait_for_the_endpoint_s_time) {
  server.then_answer(503, "Retry-After: 100\r\n");
  sender.send("spans", 3);
  EXPECT_EQ(sender.deliver(soon()).next_attempt_in, 100s);
  EXPECT_EQ(sender.close(soon()).counts.delivered, 3U);
}

}  // namespace
