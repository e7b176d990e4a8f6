// SPDX-License-Identifier: Apache-2.0
//
// Collecting and encoding what has not changed its shape allocates nothing: counted at malloc.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/encoding/prometheus_text.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/snapshot.h"
#include "tests/support/allocation_counter.h"

namespace ft = fast_telemetry;

namespace {

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
        size{scope, {.name = "size"}, ft::FloatBounds{0.5, 1.5}} {}

  ft::Labeled<ft::Counter, Command, Outcome> requests;
  ft::Gauge<std::int64_t> limit;
  ft::Gauge<double> load;
  ft::Labeled<ft::Histogram, Command> latency;
  ft::FloatHistogram size;
};

}  // namespace

// Mutations seen red: a std::string made per family; LineCache::begin forgetting what it has.
TEST(SteadyState, collecting_and_encoding_allocate_nothing) {
  ft::Registry registry;
  std::vector<std::unique_ptr<Metrics>> instances;
  for (int i = 0; i < 100; ++i) {
    const std::string instance = std::to_string(i);
    instances.push_back(std::make_unique<Metrics>(ft::Scope{registry, "steady", {{"instance", instance}}}));
  }
  ft::Reader reader{registry, {.finals = ft::Finals::held}};
  ft::ByteBuffer out;
  ft::PrometheusTextEncoder encoder{out};

  const auto record = [&](std::uint64_t n) {
    for (const auto& metrics : instances) {
      metrics->requests.with(Command::get, Outcome::ok).add(n);
      metrics->limit.set(static_cast<std::int64_t>(n));
      metrics->load.set(1.0 / static_cast<double>(n));
      metrics->latency.with(Command::set).record(n);
      metrics->size.record(1.0 / static_cast<double>(n));
    }
  };
  const auto collect = [&] {
    out.clear();
    reader.collect().visit(encoder);
    reader.accept();
  };

  record(1'000'000'007);  // as long as numbers get below
  collect();
  collect();
  const std::size_t first_size = out.size();
  ASSERT_GT(first_size, 100'000u);

  out.reserve(first_size);  // numbers grow
  const std::uint64_t before = ft::allocations();
  for (std::uint64_t n = 1; n <= 20; ++n) {
    record(n);
    collect();
  }
  EXPECT_EQ(ft::allocations() - before, 0u);
  EXPECT_GT(out.size(), first_size / 2);
}

TEST(SteadyState, the_counter_of_allocations_counts) {
  const std::uint64_t before = ft::allocations();
  delete[] new char[100];
  void* volatile kept = std::malloc(10);
  std::free(kept);
  EXPECT_GE(ft::allocations() - before, 1u);
}
