// SPDX-License-Identifier: Apache-2.0
//
// Collecting and encoding what has not changed its shape allocates nothing: counted at malloc.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/encoding/dogstatsd.h"
#include "fast_telemetry/encoding/open_metrics.h"
#include "fast_telemetry/encoding/prometheus_text.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/info_metric.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/observable.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/state_set.h"
#include "tests/support/allocation_counter.h"

namespace ft = fast_telemetry;

namespace steady_state_test {

enum class Command : std::uint8_t { get, set, del };
constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }
enum class Outcome : std::uint8_t { ok, failed };
constexpr ft::Label label(Outcome outcome) { return ft::from_enumerator("outcome", outcome); }

struct Metrics {
  explicit Metrics(const ft::Scope& scope)
      : requests{scope, {.name = "requests", .help = "By command and outcome."}},
        limit{scope, {.name = "limit"}},
        load{scope, {.name = "load", .unit = ft::Unit::ratio}},
        latency{scope, {.name = "latency"}, ft::buckets::latency},
        size{scope, {.name = "size"}, ft::FloatBounds{0.5, 1.5}},
        state{scope, {.name = "state"}},
        version{scope, {.name = "version"}, {{"number", "1.2.3"}}},
        observed{scope, {.name = "observed"}, [this] { return load.get(); }} {}

  ft::Labeled<ft::Counter, Command, Outcome> requests;
  ft::Gauge<std::int64_t> limit;
  ft::Gauge<double> load;
  ft::Labeled<ft::Histogram, Command> latency;
  ft::FloatHistogram size;
  ft::Labeled<ft::StateSet<Command>, Outcome> state;
  ft::InfoMetric version;
  ft::ObservableGauge<double> observed;
};

/// Exemplars, exponential histograms, info and state sets, as sources of one's own show them.
void show_the_rest(ft::Visitor& visitor, std::uint64_t n, ft::Temporality temporality = ft::Temporality::cumulative) {
  static constexpr ft::Label series_labels[] = {{"key", "value"}};
  static constexpr ft::Label exemplar_labels[] = {{"path", "/\"quoted\""}};
  static constexpr std::byte trace_id[16] = {};
  const ft::Exemplar exemplar{.value = 3,
                              .time_unix_ns = 1'700'000'000'000'000'007,
                              .trace_id = trace_id,
                              .span_id = {},
                              .labels = exemplar_labels};
  const ft::Exemplar* const exemplars[] = {nullptr, &exemplar};
  const std::uint64_t counts[] = {n, 2 * n};
  static constexpr double bounds[] = {2};
  static constexpr ft::State states[] = {{"on", true}, {"off", false}};
  const auto announce = [&](std::string_view name, ft::Kind kind) {
    visitor.family(
        {.scope = {}, .name = name, .full_name = name, .help = "Help.", .unit = ft::Unit::none, .kind = kind});
  };
  const auto series = [](std::uint64_t id) { return ft::Series{id, 1'700'000'000'000'000'000, series_labels}; };
  visitor.begin({.time_unix_ns = 0, .since_unix_ns = 0, .temporality = temporality});
  announce("a", ft::Kind::counter);
  visitor.sum(series(1), ft::NumberPoint<std::uint64_t>{n, &exemplar});
  announce("b", ft::Kind::histogram);
  visitor.histogram(series(2),
                    ft::HistogramPoint{.bounds = bounds, .buckets = counts, .sum = 1, .exemplars = exemplars});
  announce("c", ft::Kind::exponential_histogram);
  visitor.histogram(series(3), ft::ExponentialPoint{.scale = 0,
                                                    .offset = 0,
                                                    .zero_threshold = 0,
                                                    .zero_count = n,
                                                    .buckets = counts,
                                                    .sum = 1,
                                                    .exemplars = exemplars});
  announce("d", ft::Kind::info);
  visitor.info(series(4));
  announce("e", ft::Kind::state_set);
  visitor.state_set(series(5), states);
  visitor.end();
}

template <class Encoder>
class SteadyState : public testing::Test {};
using Encoders = testing::Types<ft::PrometheusTextEncoder, ft::OpenMetricsEncoder>;
TYPED_TEST_SUITE(SteadyState, Encoders);

// Mutations seen red: a std::string made per family; LineCache::begin forgetting what it has; an exemplar written into
// a string first.
TYPED_TEST(SteadyState, collecting_and_encoding_allocate_nothing) {
  ft::Registry registry;
  std::vector<std::unique_ptr<Metrics>> instances;
  for (int i = 0; i < 100; ++i) {
    const std::string instance = std::to_string(i);
    instances.push_back(std::make_unique<Metrics>(ft::Scope{registry, "steady", {{"instance", instance}}}));
  }
  ft::Reader reader{registry, {.finals = ft::Finals::held}};
  ft::ByteBuffer out;
  TypeParam encoder{out};
  TypeParam encoder_of_the_rest{out};

  const auto record = [&](std::uint64_t n) {
    for (const auto& metrics : instances) {
      metrics->requests.with(Command::get, Outcome::ok).add(n);
      metrics->limit.set(static_cast<std::int64_t>(n));
      metrics->load.set(1.0 / static_cast<double>(n));
      metrics->latency.with(Command::set).record(n);
      metrics->size.record(1.0 / static_cast<double>(n));
      metrics->state.with(Outcome::ok).set(static_cast<Command>(n % 3));
    }
  };
  const auto collect = [&] {
    out.clear();
    reader.collect().visit(encoder);
    reader.accept();
  };
  const auto collect_the_rest = [&](std::uint64_t n) {
    out.clear();
    show_the_rest(encoder_of_the_rest, n);
  };

  record(1'000'000'007);  // as long as numbers get below
  collect();
  collect();
  const std::size_t first_size = out.size();
  ASSERT_GT(first_size, 100'000u);

  collect_the_rest(1'000'000'007);
  out.reserve(first_size);  // numbers grow
  const std::uint64_t before = ft::allocations();
  for (std::uint64_t n = 1; n <= 20; ++n) {
    record(n);
    collect();
  }
  EXPECT_GT(out.size(), first_size / 2);
  for (std::uint64_t n = 1; n <= 20; ++n) collect_the_rest(n);
  EXPECT_EQ(ft::allocations() - before, 0u);
  EXPECT_GT(out.size(), 500u);
}

TEST(SteadyState, collecting_and_encoding_dogstatsd_allocate_nothing) {
  ft::Registry registry;
  std::vector<std::unique_ptr<Metrics>> instances;
  for (int i = 0; i < 100; ++i) {
    const std::string instance = std::to_string(i);
    instances.push_back(std::make_unique<Metrics>(ft::Scope{registry, "steady", {{"instance", instance}}}));
  }
  ft::Reader reader{registry, ft::DogStatsdEncoder::reader_options};
  ft::DogStatsdEncoder encoder{{.timestamps = true}};
  ft::DogStatsdEncoder encoder_of_the_rest;

  const auto collect = [&](std::uint64_t n) {
    for (const auto& metrics : instances) {
      metrics->requests.with(Command::get, Outcome::ok).add(n);
      metrics->load.set(1.0 / static_cast<double>(n));
      for (std::uint64_t i = 0; i < n; ++i) metrics->latency.with(Command::set).record(i);
      metrics->size.record(1.0 / static_cast<double>(n));
      metrics->state.with(Outcome::ok).set(static_cast<Command>(n % 3));
    }
    reader.collect().visit(encoder);
    reader.accept();
    show_the_rest(encoder_of_the_rest, n, ft::Temporality::delta);
  };
  for (std::uint64_t n = 50; n > 40; --n) collect(n);
  ASSERT_GT(encoder.packet_count(), 20u);

  const std::uint64_t before = ft::allocations();
  for (std::uint64_t n = 40; n > 20; --n) collect(n);
  EXPECT_EQ(ft::allocations() - before, 0u);
  EXPECT_GT(encoder.packet_count(), 20u);
  EXPECT_GT(encoder_of_the_rest.info().lines, 4u);
}

TEST(AllocationCounter, counts_what_is_allocated) {
  const std::uint64_t before = ft::allocations();
  delete[] new char[100];
  void* volatile kept = std::malloc(10);
  std::free(kept);
  EXPECT_GE(ft::allocations() - before, 1u);
}

}  // namespace steady_state_test
