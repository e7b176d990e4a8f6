// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/metrics.md.
#include <fast_telemetry/counter_set.h>
#include <fast_telemetry/distribution.h>
#include <fast_telemetry/extrema.h>
#include <fast_telemetry/histogram.h>
#include <fast_telemetry/sampled_timer.h>
#include <fast_telemetry/scoped_timer.h>
#include <fast_telemetry/testing/recording_visitor.h>
#include <fast_telemetry/testing/virtual_clock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace metrics_page {

enum Traffic : std::uint8_t { requests, received, sent };

struct StoreMetrics {
  explicit StoreMetrics(ft::Registry& registry) : scope{registry, "store"} {}

  ft::Scope scope;

  ft::Distribution latency{scope, {.name = "latency", .help = "Time of a request."}, ft::Range::latency()};
  ft::Distribution values{scope,
                          {.name = "value", .help = "Values stored.", .unit = ft::Unit::bytes},
                          ft::Range{1, 1 << 30},
                          {.scale = 2, .extrema = true}};

  ft::SampledTimer lookup{scope, {.name = "lookup", .help = "Look-ups in the table."}, ft::buckets::fast_latency, 64};

  ft::CounterSet<3> traffic{scope,
                            {{.name = "requests", .help = "Requests served."},
                             {.name = "received", .help = "Read from clients.", .unit = ft::Unit::bytes},
                             {.name = "sent", .help = "Written to clients.", .unit = ft::Unit::bytes}}};

  ft::MaxGauge<std::int64_t> longest_queue{scope, {.name = "longest_queue", .help = "Most requests waiting at once."}};
  ft::MinGauge<double> least_free{scope, {.name = "least_free", .help = "Least room.", .unit = ft::Unit::ratio}};
};

class MetricsSnippet : public testing::Test {
 protected:
  ft::VirtualClock clock;
  ft::Registry registry;
  ft::Reader reader{registry};
  StoreMetrics metrics{registry};
};

TEST_F(MetricsSnippet, distribution) {
  const std::chrono::microseconds elapsed = 125us;
  const std::size_t size = 4096;

  metrics.latency.record(elapsed);  // a std::chrono duration
  metrics.values.record(size);

  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.exponential("store_latency_seconds").sum, 0.000125);
  EXPECT_EQ(seen.exponential("store_value_bytes").max, 4096.0);
}

void serve(StoreMetrics& metrics, ft::VirtualClock& clock) {
  const ft::ScopedTimer timing{metrics.latency};
  clock.advance(2ms);
}

TEST_F(MetricsSnippet, scoped_timer) {
  serve(metrics, clock);
  EXPECT_EQ(metrics.latency.sum(), 0.002);
}

bool is_cached(int key) { return key % 2 == 0; }

TEST_F(MetricsSnippet, scoped_timer_cancelled) {
  for (int key = 0; key < 3; ++key) {
    ft::ScopedTimer timing{metrics.latency};
    if (is_cached(key)) timing.cancel();  // only those that are not
  }
  EXPECT_EQ(metrics.latency.count(), 1u);
}

int look_up(StoreMetrics& metrics, int key) {
  const auto timing = metrics.lookup.start();
  return key + 1;
}

TEST_F(MetricsSnippet, sampled_timer) {
  for (int key = 0; key < 10; ++key) look_up(metrics, key);
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("store_lookup_calls"), 10u);
  EXPECT_LE(seen.histogram("store_lookup_samples_seconds").count(), 10u);
  EXPECT_EQ(seen.gauge("store_lookup_sample_stride"), 64);
}

TEST_F(MetricsSnippet, counter_set) {
  const std::uint64_t in = 120;
  const std::uint64_t out = 4000;

  metrics.traffic.add_values({1, in, out});
  metrics.traffic.add(sent, 5);  // enum Traffic { requests, received, sent };

  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("store_requests"), 1u);
  EXPECT_EQ(seen.counter("store_received_bytes"), 120u);
  EXPECT_EQ(seen.counter("store_sent_bytes"), 4005u);
}

TEST_F(MetricsSnippet, extrema) {
  const std::int64_t waiting = 17;

  metrics.longest_queue.observe(waiting);
  metrics.least_free.observe(0.25);

  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.gauge("store_longest_queue"), 17);
  EXPECT_EQ(seen.float_gauge("store_least_free_ratio"), 0.25);
}

}  // namespace metrics_page
