// SPDX-License-Identifier: Apache-2.0
//
// A request of spans, and a collection of metrics, allocates nothing once the encoder has seen one like it. Parity:
// W-45, W-52.
#include <gtest/gtest.h>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/encoding/otlp_metrics.h"
#include "fast_telemetry/encoding/otlp_spans.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/info_metric.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/state_set.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/random_spans.h"

namespace ft = fast_telemetry;

namespace otlp_steady_state_test {

// Every kind of content, text that has to be repaired included. Mutations to try: a new scratch buffer for each text; a
// new vector of runs for each request.
TEST(OtlpSteadyState, allocates_nothing) {
  const ft::Tracer one{"one"};
  const ft::Tracer other{"other", {.version = "1"}};
  ft::OtlpSpanEncoder encoder{{{"service.name", "s"}}};
  for (int round = 0; round < 5; ++round) {
    ft::RandomSpans random{5};
    for (int i = 0; i < 200; ++i) random.record(i % 3 == 0 ? other : one);
    const std::uint64_t before = ft::allocations();
    EXPECT_EQ(ft::drain_spans(encoder).spans, 200U);
    EXPECT_GT(encoder.finish().bytes.size(), 10'000U);
    if (round > 0) {
      EXPECT_EQ(ft::allocations(), before) << "round " << round;
    }
  }
}

enum class Command : std::uint8_t { get, set, del };
constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }

struct Metrics {
  ft::Registry registry;
  ft::Scope scope{registry, "shop", {{"instance", "bad \xFF text"}}};
  ft::Labeled<ft::Counter, Command> requests{scope, {.name = "requests", .help = "By command, \xFF."}};
  ft::FloatCounter cost{scope, {.name = "cost"}};
  ft::UpDownCounter open{scope, {.name = "open"}};
  ft::Gauge<double> load{scope, {.name = "load", .unit = ft::Unit::ratio}};
  ft::Labeled<ft::Histogram, Command> latency{scope, {.name = "latency"}, ft::buckets::latency};
  ft::Distribution sizes{
      scope, {.name = "sizes", .unit = ft::Unit::bytes}, ft::Range{1, 1'000'000'000}, {.extrema = true}};
  ft::Labeled<ft::StateSet<Command>, Command> state{scope, {.name = "state"}};
  ft::InfoMetric version{scope, {.name = "version"}, {{"number", "1.2.3"}}};
  ft::Dynamic<ft::Counter, 1> users{scope, {.name = "users"}, {"user"}, {.max_series = 100}};

  void record(std::uint64_t n) {
    ft::TraceRef trace;
    trace.trace_id[0] = std::byte{1};
    trace.span_id[0] = std::byte{2};
    requests.with(Command::get).add(n, trace);
    cost.add(0.5);
    open.add(1);
    load.set(1.0 / static_cast<double>(n));
    for (const Command command : {Command::get, Command::set}) latency.with(command).record(n * 1000, trace);
    sizes.record(n, trace);
    state.with(Command::set).set(static_cast<Command>(n % 3));
    for (std::uint64_t user = 0; user < 50; ++user) users.at(user).add(n);
  }
};

// Every kind of points, in several requests. Mutations seen red: a family's name joined in a new string;
// LineCache::begin forgetting what it has; a new buffer for exemplars; of a delta of nothing the attributes not looked
// up.
TEST(OtlpSteadyState, of_metrics_allocates_nothing) {
  for (const auto temporality : {ft::Temporality::cumulative, ft::Temporality::delta}) {
    Metrics metrics;
    ft::Reader reader{metrics.registry, {.temporality = temporality}};
    ft::OtlpMetricEncoder encoder{{{"service.name", "s"}}, {.max_request_bytes = 1000}};
    for (std::uint64_t round = 0; round < 8; ++round) {
      if (round != 5) metrics.record(1'000'007 + round);
      const std::uint64_t before = ft::allocations();
      reader.collect().visit(encoder);
      reader.accept();
      if (round > 1) {
        EXPECT_EQ(ft::allocations(), before) << "round " << round;
      }
      EXPECT_GT(encoder.requests().size(), round == 5 && temporality == ft::Temporality::delta ? 0U : 3U);
    }
  }
}

}  // namespace otlp_steady_state_test
