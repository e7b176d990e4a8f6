// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/dynamic.md.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/dynamic.h>
#include <fast_telemetry/histogram.h>
#include <fast_telemetry/sweeper.h>
#include <fast_telemetry/testing/recording_visitor.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace {

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
}

}  // namespace
