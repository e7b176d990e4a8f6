// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/computed_values.md.
#include <fast_telemetry/build_info.h>
#include <fast_telemetry/observable.h>
#include <fast_telemetry/state_set.h>
#include <fast_telemetry/testing/recording_visitor.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace ft = fast_telemetry;

namespace computed_values_page {

struct Pool {
  std::int64_t size() const { return 7; }
  std::int64_t idle() const { return 5; }
  std::int64_t busy() const { return 2; }
};

struct Disk {
  bool is_mounted() const { return true; }
  std::uint64_t bytes_read() const { return 4096; }
  double free_ratio() const { return 0.25; }
};

enum class Use : std::uint8_t { idle, busy };
constexpr ft::Label label(Use use) { return ft::from_enumerator("use", use); }

struct ServerMetrics {
  ServerMetrics(const ft::Scope& scope, const Pool& pool, const Disk& disk)
      : connections{scope, {.name = "pool_connections"}, [&pool] { return pool.size(); }},
        disk_read{scope,
                  {.name = "disk_read", .unit = ft::Unit::bytes},
                  [&disk](ft::Observer<std::uint64_t>& observer) {
                    if (disk.is_mounted()) observer.observe(disk.bytes_read());
                  }},
        by_use{scope, {.name = "pool_use"}, [&pool](ft::Observer<std::int64_t, Use>& observer) {
                 observer.observe(pool.idle(), Use::idle);
                 observer.observe(pool.busy(), Use::busy);
               }} {}

  ft::ObservableGauge<std::int64_t> connections;
  ft::ObservableCounter<std::uint64_t> disk_read;
  ft::Labeled<ft::ObservableGauge<std::int64_t>, Use> by_use;
};

TEST(Snippet, observable_metrics) {
  ft::Registry registry;
  const Pool pool;
  const Disk disk;
  const ServerMetrics metrics{registry, pool, disk};
  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.gauge("pool_connections"), 7);
  EXPECT_EQ(seen.counter("disk_read_bytes"), 4096u);
  EXPECT_EQ(seen.gauge("pool_use", {{"use", "busy"}}), 2);
}

TEST(Snippet, time_left) {
  ft::Registry registry;
  const ft::Scope scope{registry};
  const std::vector<Disk> disks(3);

  const ft::ObservableGauge<double> fullest{
      scope, {.name = "disk_least_free", .unit = ft::Unit::ratio}, [&disks](ft::Observer<double>& observer) {
        double least = 1;
        for (const Disk& disk : disks) {
          if (!observer.has_time_left()) return;  // half an answer is none
          least = disk.free_ratio() < least ? disk.free_ratio() : least;
        }
        observer.observe(least);
      }};

  ft::Reader reader{registry, {.callback_budget_ns = 200'000'000}};
  EXPECT_EQ(ft::RecordingVisitor{reader}.float_gauge("disk_least_free_ratio"), 0.25);
}

enum class Breaker : std::uint8_t { closed, open, half_open };
constexpr ft::Label label(Breaker state) { return ft::from_enumerator("state", state); }

TEST(Snippet, state_sets_and_info) {
  ft::Registry registry;
  const ft::Scope scope{registry, "proxy"};

  ft::StateSet<Breaker> breaker{scope, {.name = "breaker", .help = "Of the upstream."}};
  breaker.set(Breaker::open);

  const ft::InfoMetric build = ft::build_info(scope, {.version = "1.2.3", .revision = "8f3c2e1", .branch = "main"});
  const ft::InfoMetric tls{scope, {.name = "tls"}, {{"library", "openssl"}, {"version", "3.0.11"}}};

  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.states("proxy_breaker").at(1), (std::pair<std::string, bool>{"open", true}));
  EXPECT_TRUE(seen.has("proxy_tls", {{"library", "openssl"}, {"version", "3.0.11"}}));
  EXPECT_EQ(seen.point_count("proxy_build"), 1u);
}

}  // namespace computed_values_page
