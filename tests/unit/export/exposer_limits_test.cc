// SPDX-License-Identifier: Apache-2.0
//
// The exposer among clients that are slow, many, greedy or gone, and a process short of resources.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/export/exposer.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/support/exposition_parser.h"
#include "tests/support/http_client.h"
#include "tests/support/sanitized.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace exposer_limits_test {

constexpr std::size_t a_megabyte = 1024 * 1024;

/// Makes expositions as large as a test needs them: megabytes that no socket buffer holds.
class Bulk {
 public:
  Bulk(ft::Registry& registry, std::size_t bytes) {
    const std::string padding(60'000, 'x');
    for (std::size_t i = 0; i * padding.size() < bytes; ++i) {
      gauges_.emplace_back(ft::Scope{registry, "bulk", {{"n", std::to_string(i)}, {"padding", padding}}},
                           ft::Info{.name = "gauge"});
    }
  }

 private:
  std::deque<ft::Gauge<std::int64_t>> gauges_;
};

class ExposerLimits : public testing::Test {
 protected:
  /// What the exposer has counted; polled, since it counts after a client could have seen.
  std::uint64_t closed(const std::string& reason) {
    const std::string listener = "127.0.0.1:" + std::to_string(exposer->port());
    return ft::RecordingVisitor{reader}.counter("fast_telemetry_exposer_closed_connections",
                                                {{"listener", listener}, {"reason", reason}});
  }

  void start(ft::ExposerOptions options) {
    options.port = 0;
    exposer = std::make_unique<ft::Exposer>(registry, options);
    ASSERT_EQ(exposer->start(), std::error_code{});
  }

  ft::HttpResponse get(const std::string& path) const { return ft::http_get(exposer->port(), path); }

  ft::HttpConnection slow_reader() const {
    ft::HttpConnection connection{exposer->port(), {.receive_buffer = 4096}};
    connection.send_get("/metrics");
    return connection;
  }

  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Counter requests{registry, {.name = "requests"}};
  std::unique_ptr<ft::Exposer> exposer;
};

/// Retries until the condition holds: the server works at its own pace. Only a hang makes it fail.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + 50s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// S-41
TEST_F(ExposerLimits, half_a_request_keeps_nobody_waiting) {
  start({});
  ft::HttpConnection half{exposer->port()};
  half.send("GET /metrics HTTP/1.1\r\nHos");
  EXPECT_EQ(get("/metrics").status, 200);
  half.send("t: test\r\n\r\n");
  EXPECT_EQ(half.receive().status, 200);
}

// S-46: neither other scrapers nor writers wait for a client that does not read.
TEST_F(ExposerLimits, a_client_that_does_not_read_keeps_nobody_waiting) {
  start({});
  const Bulk bulk{registry, 8 * a_megabyte};
  ft::HttpConnection slow = slow_reader();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    requests.add();
    EXPECT_EQ(ft::ParsedExposition{get("/metrics").body}.value("requests_total"), std::to_string(i));
  }
  const ft::ParsedExposition late{slow.receive().body};
  EXPECT_EQ(late.value("requests_total").size(), 1u) << "what the slow client gets in the end is whole";
}

// S-41. Mutation seen red: make_room not called.
TEST_F(ExposerLimits, more_idle_connections_than_places_keep_nobody_out) {
  start({.max_connections = 16});
  std::deque<ft::HttpConnection> idle;
  for (int i = 0; i < 200; ++i) idle.emplace_back(exposer->port());
  EXPECT_EQ(get("/metrics").status, 200);
  EXPECT_GE(closed("made_room"), 200u - 16u);
}

TEST_F(ExposerLimits, who_has_waited_longest_makes_room) {
  start({.max_connections = 3});
  ft::HttpConnection first{exposer->port()};
  ft::HttpConnection second{exposer->port()};
  ft::HttpConnection third{exposer->port()};
  for (ft::HttpConnection* const connection : {&first, &second, &third}) {
    connection->send_get("/healthz");
    EXPECT_EQ(connection->receive().status, 200);
  }
  first.send_get("/healthz");
  EXPECT_EQ(first.receive().status, 200);
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_TRUE(second.is_closed_by_server());
  for (ft::HttpConnection* const connection : {&first, &third}) {
    connection->send_get("/healthz");
    EXPECT_EQ(connection->receive().status, 200);
  }
}

TEST_F(ExposerLimits, responses_under_way_are_not_given_up_for_newcomers) {
  start({.max_connections = 2});
  const Bulk bulk{registry, 8 * a_megabyte};
  std::deque<ft::HttpConnection> slow;
  slow.push_back(slow_reader());
  slow.push_back(slow_reader());
  // Both have asked before this one comes: what connects first is accepted first.
  EXPECT_TRUE(eventually(
      [&] { return ft::RecordingVisitor{reader}.sum("fast_telemetry_exposer_sent_bytes") >= 16 * a_megabyte; }));
  ft::HttpConnection newcomer{exposer->port()};
  EXPECT_TRUE(newcomer.is_closed_by_server());
  EXPECT_EQ(closed("no_room"), 1u);
  for (ft::HttpConnection& connection : slow) EXPECT_EQ(connection.receive().status, 200);
  EXPECT_EQ(get("/healthz").status, 200);
}

// S-41. Sending a byte now and then does not help.
TEST_F(ExposerLimits, a_request_that_never_ends_is_given_up) {
  start({.max_request_bytes = 64 * a_megabyte, .request_timeout = 200ms});  // room for what drips in
  ft::HttpConnection connection{exposer->port()};
  connection.send("GET /metrics HTTP/1.1\r\nHost: test\r\n");
  std::jthread dripping{[&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      connection.send("X");
      std::this_thread::yield();
    }
  }};
  EXPECT_TRUE(connection.is_closed_by_server());
  dripping.request_stop();
  EXPECT_TRUE(eventually([&] { return closed("slow_request") == 1; }));
}

// S-41
TEST_F(ExposerLimits, a_response_that_nobody_takes_is_given_up) {
  // Rendering is part of the time, and the first exposition has to arrive whole: the second one only copies.
  start({.response_timeout = ft::is_sanitized ? 20s : 2s});
  const Bulk bulk{registry, 8 * a_megabyte};
  static_cast<void>(get("/metrics"));
  ft::HttpConnection slow = slow_reader();
  EXPECT_TRUE(eventually([&] { return closed("slow_response") == 1; }));
  EXPECT_TRUE(slow.is_closed_by_server());
}

TEST_F(ExposerLimits, an_idle_connection_is_ended_after_its_time) {
  start({.idle_timeout = 50ms});
  ft::HttpConnection connection{exposer->port()};
  connection.send_get("/healthz");
  EXPECT_EQ(connection.receive().status, 200);
  EXPECT_TRUE(connection.is_closed_by_server());
}

// P-46, S-46
TEST_F(ExposerLimits, an_exposition_beyond_the_limit_is_not_sent) {
  start({.max_body_bytes = a_megabyte});
  EXPECT_EQ(get("/metrics").status, 200);
  auto bulk = std::make_unique<Bulk>(registry, 2 * a_megabyte);
  const ft::HttpResponse refused = get("/metrics");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.field("retry-after"), "1");
  EXPECT_LT(refused.body.size(), 100u);
  const std::string listener = "127.0.0.1:" + std::to_string(exposer->port());
  EXPECT_EQ(ft::RecordingVisitor{reader}.counter("fast_telemetry_exposer_scrapes",
                                                 {{"listener", listener}, {"outcome", "too_large"}}),
            1u);
}

// S-46: memory is bounded however many do not read.
TEST_F(ExposerLimits, too_much_under_way_is_a_503_and_passes) {
  start({.max_pending_bytes = 10 * a_megabyte});
  const Bulk bulk{registry, 8 * a_megabyte};
  std::deque<ft::HttpConnection> slow;
  slow.push_back(slow_reader());
  slow.push_back(slow_reader());
  EXPECT_TRUE(eventually(
      [&] { return ft::RecordingVisitor{reader}.sum("fast_telemetry_exposer_sent_bytes") >= 16 * a_megabyte; }));
  const ft::HttpResponse busy = get("/metrics");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.field("retry-after"), "1");
  EXPECT_EQ(get("/healthz").status, 200);
  for (ft::HttpConnection& connection : slow) EXPECT_EQ(connection.receive().status, 200);
  EXPECT_TRUE(eventually([&] { return get("/metrics").status == 200; }));
}

// S-35: a client that is gone must not kill the process; SIGPIPE would.
TEST_F(ExposerLimits, clients_that_leave_in_the_middle_do_no_harm) {
  start({});
  const Bulk bulk{registry, 8 * a_megabyte};
  for (int i = 0; i < 20; ++i) static_cast<void>(slow_reader());
  EXPECT_EQ(get("/metrics").status, 200);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Not under sanitizers: to judge a pointer they open a pipe, which this test takes away from them.
//
// S-35: out of file descriptors is a pause, and then all is well.
TEST_F(ExposerLimits, a_process_without_file_descriptors_serves_again_when_it_has_some) {
  start({});
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(next, 0);
  ::close(next);
  // The client's socket is the last one that fits.
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next) + 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  ft::HttpConnection connection{exposer->port()};
  connection.send_get("/healthz");
  const bool noticed = eventually([&] { return closed("not_accepted") >= 1; });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(noticed);
  EXPECT_EQ(connection.receive().status, 200);
}
#endif

}  // namespace exposer_limits_test
