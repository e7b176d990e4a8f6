// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/testing.md.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/gauge.h>
#include <fast_telemetry/histogram.h>
#include <fast_telemetry/labeled.h>
#include <fast_telemetry/testing/delta_probe.h>
#include <fast_telemetry/testing/recording_visitor.h>
#include <gtest/gtest.h>

#include <string_view>

namespace ft = fast_telemetry;

namespace testing_page {

enum class Command : std::uint8_t { get, put };
constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }

struct CacheMetrics {
  explicit CacheMetrics(ft::Registry& registry) : scope{registry, "cache"} {}

  ft::Scope scope;
  ft::Labeled<ft::Counter, Command> requests{scope, {.name = "requests", .help = "Requests by command."}};
  ft::Histogram values{scope, {.name = "value", .help = "Values read.", .unit = ft::Unit::bytes}, ft::Bounds{64, 4096}};
  ft::Gauge<std::int64_t> entries{scope, {.name = "entries", .help = "Entries held."}};
};

void handle(CacheMetrics& metrics, std::string_view command, std::string_view key) {
  if (command == "get") {
    metrics.requests.with(Command::get).add();
    metrics.values.record(key.size());
  } else {
    metrics.requests.with(Command::put).add();
    metrics.entries.set(metrics.entries.get() + 1);
  }
}

TEST(Snippet, delta_probe) {
  ft::Registry registry;
  CacheMetrics metrics{registry};
  metrics.entries.set(7);

  ft::DeltaProbe probe{registry};
  handle(metrics, "get", "key");
  handle(metrics, "put", "");

  EXPECT_EQ(probe.counter("cache_requests", {{"command", "get"}}), 1u);
  EXPECT_EQ(probe.sum("cache_requests"), 2u);
  EXPECT_EQ(probe.histogram("cache_value_bytes").count(), 1u) << probe.describe();
  EXPECT_EQ(probe.gauge("cache_entries"), 1);
}

TEST(Snippet, recording_visitor) {
  ft::Registry registry;
  CacheMetrics metrics{registry};
  handle(metrics, "get", "key");

  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("cache_requests", {{"command", "get"}}), 1u);
  EXPECT_EQ(seen.family("cache_requests").help, "Requests by command.");
  EXPECT_FALSE(seen.has("cache_evictions"));
}

}  // namespace testing_page
