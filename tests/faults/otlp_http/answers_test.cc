// SPDX-License-Identifier: Apache-2.0
//
// What a sender makes of each answer.
#include <gmock/gmock.h>

#include "sender_test.h"
#include "tests/support/gunzip.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

namespace {

const std::string protobuf = "Content-Type: application/x-protobuf\r\n";

class Answers : public ft::SenderTest {
 protected:
  ft::ScriptedServer server;
  ft::OtlpHttpSender sender = make_sender(to(server.url()));
};

// Parity: OTC-4.
TEST_F(Answers, a_request_is_what_otlp_says) {
  sender.send("spans", 2);
  const ft::DeliveryReport report = sender.deliver(soon());
  EXPECT_TRUE(report.is_complete());
  EXPECT_EQ(report.counts.delivered, 2U);
  EXPECT_EQ(report.counts.attempts, 1U);
  EXPECT_EQ(report.counts.sent_bytes, 5U);
  ASSERT_EQ(server.requests().size(), 1U);
  ft::ReceivedRequest request = server.requests()[0];
  EXPECT_EQ(request.line, "POST /v1/traces HTTP/1.1");
  EXPECT_EQ(request.body, "spans");
  EXPECT_EQ(request.header["content-type"], "application/x-protobuf");
  EXPECT_THAT(request.header["user-agent"],
              testing::MatchesRegex("fast_telemetry/[0-9.]+ OTel-OTLP-Exporter-Cpp/[0-9.]+"));
  EXPECT_EQ(request.header.count("content-encoding"), 0U);
  EXPECT_EQ(request.header.count("accept-encoding"), 0U) << "what is not asked for need not be unpacked";
  EXPECT_EQ(request.header.count("expect"), 0U);
  expect_balance(sender);
}

TEST_F(Answers, a_connection_is_kept) {
  for (int i = 0; i < 5; ++i) {
    sender.send("spans", 1);
    sender.send("more", 1);
    EXPECT_TRUE(sender.deliver(soon()).is_complete());
  }
  EXPECT_EQ(server.requests().size(), 10U);
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(Answers, a_body_can_be_compressed) {
  ft::OtlpHttpOptions options = to(server.url());
  options.compression = ft::OtlpCompression::gzip;
  sender = make_sender(options);
  const std::string text(100'000, 'x');
  sender.send(text, 1);
  EXPECT_LT(sender.info().queued_bytes, 2000U);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  ft::ReceivedRequest request = server.requests().at(0);
  EXPECT_EQ(request.header["content-encoding"], "gzip");
  EXPECT_EQ(ft::gunzip(request.body), text);
}

TEST_F(Answers, headers_are_sent_the_last_of_a_name) {
  ft::OtlpHttpOptions options = to(server.url());
  options.headers = {{"api-key", "old"}, {"empty", ""}, {"API-Key", "abc,="}};
  sender = make_sender(options);
  sender.send("spans", 1);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  ft::ReceivedRequest request = server.requests().at(0);
  EXPECT_EQ(request.header["api-key"], "abc,=");
  EXPECT_EQ(request.header.count("empty"), 1U);
}

TEST_F(Answers, what_has_no_items_is_not_sent) {
  sender.send("", 0);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(server.requests().size(), 0U);
}

TEST_F(Answers, without_time_nothing_is_tried) {
  sender.send("spans", 1);
  const ft::DeliveryReport report = sender.deliver(std::chrono::steady_clock::now());
  EXPECT_EQ(report.next_attempt_in, 0ns);
  EXPECT_EQ(report.counts.attempts, 0U);
  EXPECT_EQ(server.connections(), 0U);
}

class Refusals : public Answers, public testing::WithParamInterface<int> {};

TEST_P(Refusals, are_final) {
  server.then_answer(GetParam(), "Location: " + server.url() + "/elsewhere\r\nRetry-After: 1\r\n" + protobuf,
                     std::string{"\x08\x03\x12\x09"} + "too\nmuch!");
  sender.send("refused", 3);
  sender.send("fine", 2);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(server.requests().size(), 2U) << "one arrival each, and no redirection followed";
  const ft::DeliveryInfo info = sender.info();
  EXPECT_EQ(GetParam() == 413 ? info.dropped_too_large : info.dropped_refused, 3U);
  EXPECT_EQ(info.delivered, 2U);
  EXPECT_EQ(info.retries, 0U);
  EXPECT_THAT(diagnosed(), HasSubstr("refused spans: status " + std::to_string(GetParam()) + " too?much!"));
  expect_balance(sender);
}

INSTANTIATE_TEST_SUITE_P(otlp, Refusals,
                         testing::Values(300, 301, 302, 307, 308, 400, 401, 403, 404, 405, 408, 413, 415, 431, 500, 501,
                                         505, 599),
                         testing::PrintToStringParamName());

class Pleas : public Answers, public testing::WithParamInterface<int> {};

TEST_P(Pleas, are_followed_by_the_same_bytes_once_the_wait_is_over) {
  server.then_answer(GetParam());
  sender.send("spans", 3);
  const ft::DeliveryReport report = sender.deliver(soon());
  EXPECT_EQ(report.counts.attempts, 1U);
  EXPECT_EQ(report.counts.queued, 3U);
  ASSERT_TRUE(report.next_attempt_in.has_value());
  EXPECT_LE(*report.next_attempt_in, 1s) << "the initial bound";
  EXPECT_EQ(sender.circuit(), *report.next_attempt_in > 0ns ? ft::Circuit::open : ft::Circuit::half_open);
  wait(report);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  ASSERT_EQ(server.requests().size(), 2U);
  EXPECT_EQ(server.requests()[0].body, server.requests()[1].body);
  EXPECT_EQ(sender.info().delivered, 3U);
  EXPECT_EQ(sender.info().retries, 1U);
  EXPECT_EQ(sender.info().unanswered, 0U);
  EXPECT_EQ(sender.circuit(), ft::Circuit::closed);
  EXPECT_THAT(diagnosed(), HasSubstr("spans wait to be sent again: status " + std::to_string(GetParam())));
  expect_balance(sender);
}

INSTANTIATE_TEST_SUITE_P(otlp, Pleas, testing::Values(429, 502, 503, 504), testing::PrintToStringParamName());

TEST_F(Answers, retry_after_is_kept_in_both_forms) {
  server.then_answer(429, "Retry-After: 7\r\n");
  server.then_answer(503, "retry-after:  Sun, 09 Sep 2001 01:47:02 GMT \r\n");  // virtual time begins at 01:46:40
  sender.send("spans", 1);
  EXPECT_EQ(sender.deliver(soon()).next_attempt_in, 7s);
  clock.advance(7s - 1ns);
  EXPECT_EQ(sender.deliver(soon()).next_attempt_in, 1ns);
  EXPECT_EQ(server.requests().size(), 1U) << "before its time nothing is asked";
  clock.advance(1ns);
  EXPECT_EQ(sender.deliver(soon()).next_attempt_in, 15s);
  clock.advance(15s);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(Answers, a_flush_asks_once_before_the_time) {
  server.then_answer(503, "Retry-After: 60\r\n");
  server.then_answer(503, "Retry-After: 50\r\n");
  sender.send("spans", 1);
  EXPECT_EQ(sender.deliver(soon()).next_attempt_in, 60s);
  EXPECT_EQ(sender.flush(soon()).next_attempt_in, 50s);
  EXPECT_EQ(server.requests().size(), 2U);
  EXPECT_TRUE(sender.flush(soon()).is_complete());
}

// The specification's bytes: rejected 5, "bad".
TEST_F(Answers, what_a_partial_success_rejects_is_counted_and_not_sent_again) {
  server.then_answer(200, protobuf, std::string{"\x0a\x07\x08\x05\x12\x03"} + "bad");
  sender.send("spans", 12);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(sender.info().delivered, 7U);
  EXPECT_EQ(sender.info().rejected, 5U);
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_THAT(diagnosed(), HasSubstr("otlp: the receiver rejected 5 spans: bad"));
  expect_balance(sender);
}

TEST_F(Answers, an_empty_partial_success_is_a_success) {
  server.then_answer(200, protobuf, std::string{"\x0a\x00", 2});
  sender.send("spans", 12);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(sender.info().delivered, 12U);
  EXPECT_EQ(diagnosed(), "");
}

TEST_F(Answers, a_reply_of_another_type_is_not_read) {
  server.then_answer(200, "Content-Type: text/html\r\n", std::string{"\x0a\x07\x08\x05\x12\x03"} + "bad");
  sender.send("spans", 12);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(sender.info().delivered, 12U);
}

TEST_F(Answers, garbage_behind_a_200_leaves_its_items_unconfirmed_and_is_not_asked_about_again) {
  server.then_answer(200, protobuf, "\x0a\xff\xff");
  sender.send("spans", 12);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(sender.info().unconfirmed, 12U);
  EXPECT_EQ(sender.info().replies_unreadable, 1U);
  EXPECT_EQ(server.requests().size(), 1U);
  expect_balance(sender);
}

/// Sends more and more of a body until the client has had enough; how much that was.
std::size_t endless_body(ft::ServerConnection& connection, int status) {
  std::string bytes = "HTTP/1.1 " + std::to_string(status) + " Test\r\n" + protobuf + "Connection: close\r\n\r\n";
  std::size_t sent = 0;
  do {
    bytes.resize(1 << 20U, 'x');
    sent += bytes.size();
  } while (sent < std::size_t{256} << 20U && connection.send(bytes));
  connection.close();
  return sent;
}

TEST_F(Answers, an_endless_reply_is_cut) {
  std::promise<std::size_t> sent;
  server.then([&](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    if (connection.read_body(request)) sent.set_value(endless_body(connection, 200));
  });
  sender.send("spans", 12);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_LT(sent.get_future().get(), std::size_t{64} << 20U) << "4 MiB, and what is on its way in sockets";
  EXPECT_EQ(sender.info().unconfirmed, 12U);
  EXPECT_EQ(sender.info().replies_unreadable, 1U);
  sender.send("more", 1);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(server.requests().size(), 2U);
  expect_balance(sender);
}

TEST_F(Answers, an_endless_reply_with_a_plea_is_still_a_plea) {
  server.then([](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    if (connection.read_body(request)) endless_body(connection, 503);
  });
  sender.send("spans", 12);
  wait(sender.deliver(soon()));
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(sender.info().delivered, 12U);
  EXPECT_EQ(sender.info().replies_unreadable, 1U);
}

TEST_F(Answers, a_200_that_breaks_off_is_not_asked_about_again) {
  server.then([](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    if (!connection.read_body(request)) return;
    connection.send("HTTP/1.1 200 OK\r\n" + protobuf + "Content-Length: 9\r\n\r\n\x0a");
    connection.close();
  });
  sender.send("spans", 12);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(sender.info().unconfirmed, 12U);
  EXPECT_EQ(server.requests().size(), 1U);
  expect_balance(sender);
}

TEST_F(Answers, interim_answers_are_none) {
  server.then([](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    if (!connection.read_body(request)) return;
    connection.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n");
    connection.close();
  });
  sender.send("spans", 1);
  const ft::DeliveryReport report = sender.deliver(soon());
  EXPECT_EQ(report.counts.unanswered, 1U);
  server.then([](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    if (!connection.read_body(request)) return;
    connection.send("HTTP/1.1 100 Continue\r\n\r\n" + ft::ScriptedServer::response(200));
  });
  wait(report);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(sender.info().delivered, 1U);
}

TEST_F(Answers, a_reply_may_come_in_chunks_with_trailers) {
  server.then([](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    if (!connection.read_body(request)) return;
    connection.send("HTTP/1.1 200 OK\r\n" + protobuf + "Transfer-Encoding: chunked\r\n\r\n2\r\n\x0a\x07\r\n");
    connection.send("7\r\n\x08\x05\x12\x03" + std::string{"bad\r\n0\r\nX-Trailer: 1\r\n\r\n"});
  });
  sender.send("spans", 12);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  EXPECT_EQ(sender.info().delivered, 7U);
  EXPECT_EQ(sender.info().rejected, 5U);
}

TEST_F(Answers, what_is_no_http_is_no_answer) {
  server.then([](ft::ServerConnection& connection, ft::ReceivedRequest& request) {
    if (!connection.read_body(request)) return;
    connection.send("SSH-2.0-OpenSSH_9.2\r\n");
    connection.close();
  });
  sender.send("spans", 1);
  const ft::DeliveryReport report = sender.deliver(soon());
  EXPECT_EQ(report.counts.unanswered, 1U);
  EXPECT_EQ(report.counts.queued, 1U);
  wait(report);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
}

TEST_F(Answers, neither_headers_nor_the_endpoint_are_told_to_anyone) {
  ft::OtlpHttpOptions options;
  options.signal_endpoint = server.url() + "/S3CR3T-path?token=S3CR3T";
  options.headers = {{"Authorization", "Bearer S3CR3T"}};
  sender = make_sender(options);
  for (const int status : {200, 400, 503}) {
    server.then_answer(status, protobuf, std::string{"\x0a\x07\x08\x05\x12\x03"} + "bad");
    sender.send("spans", 9);
    sender.deliver(soon());
  }
  server.stop();
  sender.flush(soon());
  EXPECT_THAT(server.requests().at(0).line, HasSubstr("/S3CR3T-path?token=S3CR3T "));
  EXPECT_THAT(diagnosed(), HasSubstr("status 503"));
  EXPECT_THAT(diagnosed(), Not(HasSubstr("S3CR3T")));
  options.headers = {{"Authorization", "S3CR3T\r\nEvil: 1"}};
  try {
    static_cast<void>(make_sender(options));
    ADD_FAILURE() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), HasSubstr("Authorization"));
    EXPECT_THAT(error.what(), Not(HasSubstr("S3CR3T")));
  }
}

// Nobody listens at the discard port.
TEST_F(Answers, proxies_of_the_environment_are_not_used) {
  for (const char* variable : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) {
    ::setenv(variable, "http://127.0.0.1:9", 1);
  }
  sender = make_sender(to(server.url()));
  sender.send("spans", 1);
  EXPECT_TRUE(sender.deliver(soon()).is_complete());
  for (const char* variable : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) ::unsetenv(variable);
}

}  // namespace
