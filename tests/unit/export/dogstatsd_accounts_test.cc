// SPDX-License-Identifier: Apache-2.0
//
// DogStatsD's exporter in the accounting that all exporters have. Parity: DSX-4, W-58.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/export/dogstatsd.h"
#include "tests/support/dogstatsd_agent.h"
#include "tests/support/dogstatsd_export.h"
#include "tests/support/dogstatsd_parser.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace dogstatsd_accounts_test {

std::uint64_t lines_at(const ft::UnixAgent& agent) {
  std::uint64_t lines = 0;
  while (const auto packet = agent.packet(0)) lines += ft::DogStatsdParser::packet(*packet).size();
  return lines;
}

struct DogStatsdAccounts : testing::Test {
  static constexpr std::uint64_t series = 5000;

  ft::Registry registry;
  ft::Dynamic<ft::Counter, 1> users{registry, {.name = "users"}, {"user"}, {.max_series = series}};
  ft::SocketFolder folder;
  ft::DogStatsdExporter exporter{
      registry,
      {.address = {.socket = ft::DogStatsdAddress::Socket::unix_datagram, .path = folder.socket()},
       .client_telemetry = false}};

  void record() {
    for (std::uint64_t user = 0; user < series; ++user) users.at(user).add(1);
  }
  static ft::Exporter::Time at_once() { return std::chrono::steady_clock::now(); }
};

// An agent whose queue is full takes some packets. Mutation seen red: settle counting each packet as one.
TEST_F(DogStatsdAccounts, lines_that_went_are_unconfirmed_and_lines_that_are_kept_wait) {
  const ft::UnixAgent agent{folder.socket(), SOCK_DGRAM};
  record();
  const ft::DogStatsdReport report = ft::export_within(exporter, 0ms);
  const ft::DeliveryInfo info = exporter.info();
  EXPECT_EQ(info.items, report.lines.lines);
  EXPECT_GT(info.queued, 0U);
  EXPECT_EQ(info.unconfirmed, lines_at(agent));
  EXPECT_EQ(info.retries, 0U);

  const ft::DeliveryReport rest = exporter.deliver(at_once());
  EXPECT_GT(rest.counts.retries, 0U);
  EXPECT_EQ(rest.counts.items, 0U) << "nothing was collected";
  EXPECT_EQ(exporter.info().unconfirmed, info.unconfirmed + lines_at(agent));
  ft::expect_balance(exporter);
}

TEST_F(DogStatsdAccounts, without_an_agent_a_window_stays_open_and_is_no_item) {
  record();
  const ft::DeliveryReport report = exporter.flush(at_once() + 1s);
  EXPECT_FALSE(report.is_complete());
  EXPECT_EQ(exporter.info().items, 0U);
  EXPECT_TRUE(exporter.deliver(at_once()).is_complete()) << "nothing is kept";
  const ft::UnixAgent agent{folder.socket(), SOCK_DGRAM};
  static_cast<void>(ft::export_within(exporter, 0ms));
  EXPECT_GE(exporter.info().items, series);
}

// Mutations seen red: drop_all without the open window; without what is kept.
TEST_F(DogStatsdAccounts, closing_drops_what_is_kept_and_the_window_that_is_open) {
  const ft::UnixAgent agent{folder.socket(), SOCK_DGRAM};
  record();
  static_cast<void>(ft::export_within(exporter, 0ms));
  const ft::DeliveryInfo before = exporter.info();
  EXPECT_GT(before.queued, 0U);
  record();
  const ft::DeliveryReport report = exporter.close(at_once());
  EXPECT_TRUE(report.is_complete());
  EXPECT_GE(report.counts.dropped_shutdown, before.queued + series);
  EXPECT_EQ(exporter.info().queued, 0U);
  ft::expect_balance(exporter);
}

// Mutation seen red: leave_to_parent without a new account.
TEST_F(DogStatsdAccounts, a_forked_child_begins_a_new_account) {
  const ft::UnixAgent agent{folder.socket(), SOCK_DGRAM};
  record();
  static_cast<void>(ft::export_within(exporter, 0ms));
  EXPECT_GT(exporter.info().queued, 0U);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    static_cast<void>(exporter.deliver(at_once()));
    const ft::DeliveryInfo info = exporter.info();
    ::_exit(info.items == 0 && info.queued == 0 && info.queued_bytes == 0 && info.attempts == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(DogStatsdAccounts, closing_when_all_went_out_drops_nothing) {
  const ft::UnixAgent agent{folder.socket(), SOCK_DGRAM};
  users.at(1).add(1);
  EXPECT_EQ(exporter.close(at_once() + 1min).counts.dropped(), 0U);
  EXPECT_EQ(exporter.info().unconfirmed, lines_at(agent));
}

TEST_F(DogStatsdAccounts, lines_of_a_packet_that_no_socket_takes_are_too_large) {
  const ft::UdpAgent agent;
  ft::Registry other;
  ft::DogStatsdExporter large{other, {.address = {.port = agent.port()}, .max_packet_bytes = 10'000'000}};
  ft::Dynamic<ft::Counter, 1> many{other, {.name = "many"}, {"n"}, {.max_series = 20'000}};
  for (int i = 0; i < 20'000; ++i) many.at(std::string(50, 'x') + std::to_string(i)).add(1);
  const ft::DogStatsdReport report = ft::export_within(large, 10s);
  EXPECT_EQ(report.packets_dropped, 1U);
  EXPECT_EQ(large.info().dropped_too_large, report.lines.lines);
}

// A call that lasts as long as the test may, but for this. Mutation seen red: longest_wait left out of wait_for_room.
TEST_F(DogStatsdAccounts, a_call_under_way_is_ended_from_another_thread) {
  const ft::UnixAgent agent{folder.socket(), SOCK_DGRAM};
  record();
  std::thread ender{[&] {
    static_cast<void>(agent.packet());  // it has begun
    exporter.end_by(at_once());
  }};
  const ft::DeliveryReport report = exporter.export_once(at_once() + 1h);
  ender.join();
  EXPECT_EQ(exporter.report().error, std::errc::timed_out);
  EXPECT_EQ(report.counts.timed_out, 1U);
  exporter.end_by(ft::Exporter::Time::max());
  static_cast<void>(lines_at(agent));
  EXPECT_GT(exporter.deliver(at_once()).counts.unconfirmed, 0U) << "calls have their time again";
}

}  // namespace dogstatsd_accounts_test
