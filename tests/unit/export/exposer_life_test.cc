// SPDX-License-Identifier: Apache-2.0
//
// Starting, stopping and forking: what an exposer does to the process it lives in.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

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

namespace exposer_life_test {

constexpr bool threads_after_fork = !ft::is_thread_sanitized;  // the sanitizer ends a forked child that starts one

class ExposerLife : public testing::Test {
 protected:
  ft::Registry registry;
  ft::Counter requests{registry, {.name = "requests"}};
};

TEST_F(ExposerLife, a_port_in_use_is_an_error_and_leaves_nothing_behind) {
  ft::Exposer first{registry, {.port = 0}};
  ASSERT_EQ(first.start(), std::error_code{});
  ft::Exposer second{registry, {.port = first.port()}};
  EXPECT_EQ(second.start(), std::errc::address_in_use);
  EXPECT_EQ(second.port(), 0);
  first.stop();
  EXPECT_EQ(second.start(), std::error_code{}) << "the port is free again";
  EXPECT_EQ(ft::http_get(second.port(), "/healthz").status, 200);
}

TEST_F(ExposerLife, names_are_not_resolved) {
  for (const char* const address :
       {"", "example.com", "LOCALHOST", "127.0.0.1 ", "127.1", "::1%lo", "[::1]", "0x7f000001"}) {
    ft::Exposer exposer{registry, {.address = address, .port = 0}};
    const std::error_code error = exposer.start();
    EXPECT_EQ(error, ft::ExposerError::bad_address) << address;
    EXPECT_EQ(error.message(), "not an IP address: the exposer takes an IPv4 or IPv6 literal or \"localhost\"");
  }
  ft::Exposer with_nul{registry, {.address = std::string{"127.0.0.1\0x", 11}, .port = 0}};
  EXPECT_EQ(with_nul.start(), ft::ExposerError::bad_address);
}

TEST_F(ExposerLife, an_address_of_another_machine_is_an_error) {
  ft::Exposer exposer{registry, {.address = "192.0.2.1", .port = 0}};  // RFC 5737: for documentation
  EXPECT_EQ(exposer.start(), std::errc::address_not_available);
}

// S-40
TEST_F(ExposerLife, serves_on_the_loopback_unless_told_otherwise) {
  EXPECT_EQ(ft::ExposerOptions{}.address, "127.0.0.1");
  EXPECT_EQ(ft::ExposerOptions{}.port, 9464);
  ft::Exposer exposer{registry, {.address = "localhost", .port = 0}};
  ASSERT_EQ(exposer.start(), std::error_code{});
  EXPECT_EQ(ft::http_get(exposer.port(), "/healthz").status, 200);
}

TEST_F(ExposerLife, serves_on_ipv6_where_the_machine_has_it) {
  ft::Exposer exposer{registry, {.address = "::1", .port = 0}};
  if (const std::error_code error = exposer.start()) {
    EXPECT_TRUE(error == std::errc::address_not_available || error == std::errc::address_family_not_supported) << error;
    return;
  }
  ft::HttpConnection connection{exposer.port(), {.address = "::1"}};
  connection.send_get("/metrics");
  const ft::ParsedExposition metrics{connection.receive().body};
  EXPECT_TRUE(metrics.has("fast_telemetry_exposer_scrapes_total{listener=\"[::1]:" + std::to_string(exposer.port()) +
                          "\",outcome=\"ok\"}"));
}

TEST_F(ExposerLife, starting_twice_is_an_error_that_changes_nothing) {
  ft::Exposer exposer{registry, {.port = 0}};
  ASSERT_EQ(exposer.start(), std::error_code{});
  const std::uint16_t port = exposer.port();
  EXPECT_EQ(exposer.start(), ft::ExposerError::already_started);
  EXPECT_EQ(exposer.port(), port);
  EXPECT_EQ(ft::http_get(port, "/healthz").status, 200);
}

TEST_F(ExposerLife, can_be_stopped_twice_and_started_again) {
  ft::Exposer exposer{registry, {.port = 0}};
  exposer.stop();
  for (int run = 0; run < 3; ++run) {
    ASSERT_EQ(exposer.start(), std::error_code{});
    EXPECT_EQ(ft::http_get(exposer.port(), "/healthz").status, 200);
    exposer.stop();
    exposer.stop();
    EXPECT_EQ(exposer.port(), 0);
  }
}

TEST_F(ExposerLife, starts_again_on_the_same_port_and_goes_on_counting) {
  ft::Exposer any{registry, {.port = 0}};
  ASSERT_EQ(any.start(), std::error_code{});
  const std::uint16_t port = any.port();
  any.stop();
  ft::Exposer exposer{registry, {.port = port}};
  std::string scrapes;
  for (int run = 0; run < 3; ++run) {
    ASSERT_EQ(exposer.start(), std::error_code{}) << "whatever connections of the last run are in";
    const std::string series =
        "fast_telemetry_exposer_scrapes_total{listener=\"127.0.0.1:" + std::to_string(port) + "\",outcome=\"ok\"}";
    scrapes = ft::ParsedExposition{ft::http_get(port, "/metrics").body}.value(series);
    exposer.stop();
  }
  EXPECT_EQ(scrapes, "2");
}

TEST_F(ExposerLife, stopping_ends_connections_in_whatever_state) {
  ft::Exposer exposer{registry, {.port = 0}};
  ASSERT_EQ(exposer.start(), std::error_code{});
  std::deque<ft::Gauge<std::int64_t>> bulk;
  for (int i = 0; i < 200; ++i) {
    bulk.emplace_back(ft::Scope{registry, "bulk", {{"n", std::to_string(i)}, {"padding", std::string(60'000, 'x')}}},
                      ft::Info{.name = "gauge"});
  }
  ft::HttpConnection fresh{exposer.port()};
  ft::HttpConnection half{exposer.port()};
  half.send("GET /met");
  ft::HttpConnection slow{exposer.port(), {.receive_buffer = 4096}};
  slow.send_get("/metrics");
  ft::HttpConnection idle{exposer.port()};
  idle.send_get("/healthz");
  EXPECT_EQ(idle.receive().status, 200);
  exposer.stop();
  EXPECT_TRUE(fresh.is_closed_by_server());
  EXPECT_TRUE(half.is_closed_by_server());
  EXPECT_TRUE(slow.is_closed_by_server());
  EXPECT_TRUE(idle.is_closed_by_server());
}

TEST_F(ExposerLife, outlives_its_registry) {
  std::optional<ft::Registry> short_lived{std::in_place};
  ft::Exposer exposer{*short_lived, {.port = 0}};
  ASSERT_EQ(exposer.start(), std::error_code{});
  short_lived.reset();
  EXPECT_EQ(ft::http_get(exposer.port(), "/metrics").status, 200);
}

TEST_F(ExposerLife, two_exposers_serve_one_registry) {
  ft::Exposer first{registry, {.port = 0}};
  ft::Exposer second{registry, {.port = 0}};
  ASSERT_EQ(first.start(), std::error_code{});
  ASSERT_EQ(second.start(), std::error_code{});
  requests.add(5);
  for (const ft::Exposer* const exposer : {&first, &second}) {
    EXPECT_EQ(ft::ParsedExposition{ft::http_get(exposer->port(), "/metrics").body}.value("requests_total"), "5");
  }
}

// S-35
TEST_F(ExposerLife, no_file_descriptor_survives_exec) {
  ft::Exposer exposer{registry, {.port = 0}};
  std::size_t before = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator{"/proc/self/fd"}) ++before;
  ASSERT_EQ(exposer.start(), std::error_code{});
  ft::HttpConnection connection{exposer.port()};
  connection.send_get("/healthz");
  EXPECT_EQ(connection.receive().status, 200);
  std::size_t during = 0;
  for (const auto& file : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    const int number = std::stoi(file.path().filename());
    if (number <= 2) continue;
    const int flags = ::fcntl(number, F_GETFD);
    if (flags < 0) continue;  // the iterator's own, by now closed
    std::error_code error;
    const auto target = std::filesystem::read_symlink(file.path(), error).string();
    if (target.starts_with("socket:") || target.starts_with("anon_inode:")) {
      ++during;
      EXPECT_NE(flags & FD_CLOEXEC, 0) << number << " " << target;
    }
  }
  EXPECT_GE(during, 5u) << "listening socket, both ends of the connection, epoll, eventfd";
  exposer.stop();
  std::size_t after = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator{"/proc/self/fd"}) ++after;
  EXPECT_EQ(after, before + 1) << "only the client's socket is left";
}

// S-35: the program's signal handlers run on the program's threads. Mutation seen red: SIG_BLOCK of nothing.
TEST_F(ExposerLife, its_thread_takes_no_signals) {
  sigset_t before;
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &before), 0);
  ft::Exposer exposer{registry, {.port = 0}};
  ASSERT_EQ(exposer.start(), std::error_code{});
  EXPECT_EQ(ft::http_get(exposer.port(), "/healthz").status, 200);  // the thread has its name by now

  int threads = 0;
  for (const auto& task : std::filesystem::directory_iterator{"/proc/self/task"}) {
    std::ifstream status{task.path() / "status"};
    std::string name;
    std::uint64_t blocked = 0;
    for (std::string key; status >> key;) {
      if (key == "Name:") status >> name;
      if (key == "SigBlk:") status >> std::hex >> blocked;
    }
    if (name != "ft-exposer") continue;
    ++threads;
    const auto is_blocked = [blocked](int signal) { return (blocked >> (signal - 1) & 1) != 0; };
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGALRM, SIGPROF, SIGPIPE}) {
      EXPECT_TRUE(is_blocked(signal)) << signal;
    }
    EXPECT_FALSE(is_blocked(SIGSEGV)) << "a crash of the thread must show";
  }
  EXPECT_EQ(threads, 1);

  sigset_t after;
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &after), 0);
  for (int signal = 1; signal < NSIG; ++signal) {
    EXPECT_EQ(sigismember(&after, signal), sigismember(&before, signal))
        << "start changed the caller's mask: " << signal;
  }
}

// The child has no server thread, so waiting for it would hang; and closing its copies must not be felt by the parent.
TEST_F(ExposerLife, a_forked_child_can_stop_its_copy_and_the_parent_serves_on) {
  ft::Exposer exposer{registry, {.port = 0}};
  ASSERT_EQ(exposer.start(), std::error_code{});
  ft::HttpConnection connection{exposer.port()};
  connection.send_get("/healthz");
  EXPECT_EQ(connection.receive().status, 200);

  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(20);  // only to turn a hang into a failure
    const std::uint16_t port = exposer.port();
    exposer.stop();
    if (exposer.port() != 0) ::_exit(1);
    if (!threads_after_fork) ::_exit(0);
    // With its copies closed the child can serve its own registry's cells, elsewhere.
    ft::Exposer own{registry, {.port = 0}};
    if (own.start() || own.port() == port) ::_exit(2);
    if (ft::http_get(own.port(), "/metrics").status != 200) ::_exit(3);
    own.stop();
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);

  connection.send_get("/healthz");
  EXPECT_EQ(connection.receive().status, 200) << "the connection from before the fork";
  EXPECT_EQ(ft::http_get(exposer.port(), "/metrics").status, 200);
}

TEST_F(ExposerLife, its_metrics_leave_the_registry_with_it) {
  {
    ft::Exposer exposer{registry, {.port = 0}};
    ASSERT_EQ(exposer.start(), std::error_code{});
  }
  ft::Reader reader{registry};
  static_cast<void>(reader.collect());
  reader.accept();  // final values have been seen
  EXPECT_EQ(ft::RecordingVisitor{reader}.family_names(), std::vector<std::string>{"requests"});
}

}  // namespace exposer_life_test
