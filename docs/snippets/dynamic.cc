// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/dynamic.md.
#include <fast_telemetry/cardinality.h>
#include <fast_telemetry/counter.h>
#include <fast_telemetry/counter_set.h>
#include <fast_telemetry/dynamic.h>
#include <fast_telemetry/dynamic_free.h>
#include <fast_telemetry/histogram.h>
#include <fast_telemetry/sweeper.h>
#include <fast_telemetry/testing/recording_visitor.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <string>

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace dynamic_page {

struct TenantMetrics {
  explicit TenantMetrics(ft::Registry& registry) : scope{registry} {}

  ft::Scope scope;
  ft::Dynamic<ft::Counter, 2> requests{
      scope, {.name = "requests", .help = "Requests served."}, {"tenant", "path"}, {.max_series = 1000}};
  ft::Dynamic<ft::Histogram, 1> latency{
      scope, {.name = "latency", .help = "Time of a request."}, {"tenant"}, {}, ft::buckets::latency};
};

TEST(DynamicSnippet, counts_per_tenant) {
  ft::Registry registry;
  TenantMetrics metrics{registry};
  const std::string tenant = "acme";
  const auto elapsed = 3ms;
  metrics.requests.at(tenant, "/login").add();
  metrics.latency.at(tenant).record(elapsed);

  const auto logins = metrics.requests.with(tenant, "/login");
  for (int i = 0; i < 3; ++i) logins.add();

  ft::Sweeper sweeper{registry, {.idle_sweeps = 3}};
  const ft::SweepResult result = sweeper.sweep();  // once a minute, say
  EXPECT_EQ(result.evicted, 0u);

  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("requests", {{"tenant", "acme"}, {"path", "/login"}}), 4u);

  const ft::CardinalityReport report = metrics.requests.cardinality();
  for (const ft::RefusedKey& key : report.refused) {
    std::printf("%s: about %.0f values refused", key.key.c_str(), key.distinct_values);
    for (const ft::HeavyValue& heavy : key.heaviest) std::printf(", %s", heavy.value.c_str());
    std::printf("\n");
  }
  EXPECT_TRUE(report.refused.empty());
}

enum Traffic : std::uint8_t { requests, bytes_in, bytes_out };

TEST(DynamicSnippet, counts_sets_and_free_labels) {
  ft::Registry registry;
  const ft::Scope scope{registry};
  const std::string tenant = "acme";
  ft::Dynamic<ft::CounterSet<3>, 1> traffic{
      scope,
      {{.name = "requests"}, {.name = "received", .unit = ft::Unit::bytes}, {.name = "sent", .unit = ft::Unit::bytes}},
      {"tenant"}};
  traffic.at(tenant).add_values({{1, 250, 4000}});
  traffic.at(tenant).add(bytes_in, 10);

  ft::DynamicFree<ft::Counter> events{scope, {.name = "events"}};
  events.at({{"kind", "deploy"}, {"zone", 7}}).add();

  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("received_bytes", {{"tenant", "acme"}}), 260u);
  EXPECT_EQ(seen.counter("events", {{"zone", "7"}, {"kind", "deploy"}}), 1u);
}

}  // namespace dynamic_page
