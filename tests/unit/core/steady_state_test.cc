// SPDX-License-Identifier: Apache-2.0
//
// Recording and collecting allocate nothing while no metric comes or goes.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/dynamic_free.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/info_metric.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/observable.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/state_set.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/kept_exemplars.h"

namespace ft = fast_telemetry;

namespace steady_state_test {

enum class Command : std::uint8_t { get, set };
constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }

/// Looks at everything it is shown.
class Looker final : public ft::Visitor {
 public:
  void begin(const ft::Collection& collection) override { seen += collection.time_unix_ns != 0; }
  void family(const ft::Family& family) override { seen += family.full_name.size(); }
  void sum(const ft::Series& series, const ft::NumberPoint<std::uint64_t>&) override { see(series); }
  void sum(const ft::Series& series, const ft::NumberPoint<std::int64_t>&) override { see(series); }
  void sum(const ft::Series& series, const ft::NumberPoint<double>&) override { see(series); }
  void gauge(const ft::Series& series, const ft::NumberPoint<std::int64_t>&) override { see(series); }
  void gauge(const ft::Series& series, const ft::NumberPoint<double>&) override { see(series); }
  void histogram(const ft::Series& series, const ft::HistogramPoint& point) override {
    for (const std::uint64_t count : point.buckets) seen += count;
    see(series);
  }
  void histogram(const ft::Series& series, const ft::ExponentialPoint& point) override {
    exemplars += point.exemplars.size();
    see(series);
  }
  void info(const ft::Series& series) override { see(series); }
  void state_set(const ft::Series& series, std::span<const ft::State>) override { see(series); }
  void end() override { ++seen; }

  std::size_t seen = 0;
  std::size_t exemplars = 0;

 private:
  void see(const ft::Series& series) {
    for (const ft::Label& label : series.labels) seen += label.value.size();
  }
};

struct Metrics {
  explicit Metrics(ft::Registry& registry) : scope{registry, "a", {{"x", "1"}}} {
    for (std::size_t i = 0; i < many.size(); ++i) many[i] = {texts[i], texts[i]};
  }

  ft::Scope scope;
  ft::Counter counter{scope, {.name = "c"}};
  ft::Labeled<ft::Counter, Command> labeled{scope, {.name = "l"}};
  ft::Gauge<double> gauge{scope, {.name = "g"}};
  ft::Histogram histogram{scope, {.name = "h"}, ft::buckets::latency};
  ft::Labeled<ft::FloatHistogram, Command> doubles{scope, {.name = "d"}, ft::FloatBounds{0.5, 1.5}};
  ft::StateSet<Command> state{scope, {.name = "s"}};
  ft::InfoMetric info{scope, {.name = "i"}, {{"k", "v"}}};
  ft::ObservableGauge<double> observed{scope, {.name = "o"}, [this] { return gauge.get(); }};
  ft::Labeled<ft::ObservableCounter<std::uint64_t>, Command> observed_by_command{
      scope, {.name = "p"}, [this](auto& observer) { observer.observe(counter.value(), Command::set); }};
  ft::Labeled<ft::Distribution, Command> distribution{scope, {.name = "e"}, ft::Range::latency()};
  ft::Dynamic<ft::Counter, 2> by_tenant{scope, {.name = "t"}, {"tenant", "path"}, {.max_series = 2}};
  ft::Dynamic<ft::Histogram, 1> sizes{scope, {.name = "z"}, {"tenant"}, {}, ft::Bounds{10, 100}};
  ft::Dynamic<ft::Counter, 2>::Handle handle = by_tenant.with("handle", "/");
  ft::DynamicFree<ft::Counter> free{scope, {.name = "f"}};
  /// As many as need no memory.
  std::array<std::string, 32> texts = [] {
    std::array<std::string, 32> made;
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = "k" + std::to_string(made.size() - i);
    return made;
  }();
  std::array<ft::Label, 32> many{};

  /// DYN-3, W-22, W-25: labels in any order, handles made and copied, and what is refused.
  void record_in_series() {
    by_tenant.at("a tenant", 7).add();
    by_tenant.with("a tenant", 7).add();
    by_tenant.at("refused", Command::get).add();
    static_cast<void>(by_tenant.find("nobody", "/").value());
    const auto copy = handle;
    copy.add();
    sizes.at("a tenant").record(7);
    free.at({{"b", 1}, {"a", "x"}}).add();
    free.at(many.data(), many.size()).add();
  }

  void record() {
    record_in_series();
    counter.add(3);
    labeled.with(Command::get).inc();
    labeled.with(static_cast<Command>(7)).inc();
    gauge.set(1.5);
    histogram.record(std::chrono::milliseconds{7});
    doubles.with(Command::set).record(0.75);
    state.set(Command::set);
    counter.add(1, ft::trace_of(1));
    histogram.record(std::chrono::milliseconds{8}, ft::trace_of(2));
    distribution.with(Command::get).record(std::chrono::milliseconds{8}, ft::trace_of(3));
  }
};

TEST(SteadyState, of_recording_allocates_nothing_not_even_for_first_writes) {
  ft::Registry registry;
  Metrics metrics{registry};
  metrics.record_in_series();  // what is new there allocates
  const std::uint64_t before = ft::allocations();
  for (int i = 0; i < 1000; ++i) metrics.record();
  static_cast<void>(metrics.counter.value());
  static_cast<void>(metrics.labeled.total());
  static_cast<void>(metrics.histogram.sum());
  EXPECT_EQ(ft::allocations(), before);
}

struct Case {
  const char* name;
  ft::ReaderOptions options;
};

class SteadyStateOfReading : public testing::TestWithParam<Case> {};

// HIS-5, "without allocation": buckets, and every other point. Mutations to try: ReaderState::observables made
// anew in each collection; visit_state_sets with a vector of its own; a node on the heap for each ObservationRun.
TEST_P(SteadyStateOfReading, allocates_nothing) {
  ft::Registry registry;
  Metrics metrics{registry};
  {
    ft::Counter ended{registry, {.name = "ended"}};
  }
  {
    ft::Histogram returned{registry, {.name = "returned"}, {1, 2}};
  }
  ft::Histogram returned{registry, {.name = "returned"}, {1, 2}};
  ft::Reader reader{registry, GetParam().options};
  Looker looker;
  const auto round = [&] {
    metrics.record();
    returned.record(1);
    reader.collect().visit(looker);
    reader.accept();
  };
  round();
  const std::uint64_t before = ft::allocations();
  const std::size_t seen = looker.seen;
  for (int i = 0; i < 10; ++i) round();
  EXPECT_EQ(ft::allocations(), before);
  EXPECT_GT(looker.seen, seen);
  EXPECT_EQ(looker.exemplars, 11u);
}

INSTANTIATE_TEST_SUITE_P(readers, SteadyStateOfReading,
                         testing::Values(Case{"cumulative", {}}, Case{"delta", {.temporality = ft::Temporality::delta}},
                                         Case{"cumulative_held", {.finals = ft::Finals::held}},
                                         Case{"delta_held",
                                              {.temporality = ft::Temporality::delta, .finals = ft::Finals::held}}),
                         [](const auto& test) { return std::string{test.param.name}; });

// The counter itself, so that zero means something.
TEST(AllocationCounter, counts_an_allocation) {
  const std::uint64_t before = ft::allocations();
  const auto kept = std::make_unique<int>(1);
  EXPECT_EQ(ft::allocations(), before + 1);
  EXPECT_EQ(*kept, 1);
}

}  // namespace steady_state_test
