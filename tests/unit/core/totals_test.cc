// SPDX-License-Identifier: Apache-2.0
//
// What a reader of deltas is shown as totals, and that each family says which it shows. Conformance: O-70.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/observable.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"

namespace ft = fast_telemetry;

namespace totals_test {

using ft::Temporality;
using ft::Totals;

enum class Pool : std::uint8_t { small, large };
constexpr ft::Label label(Pool pool) { return ft::from_enumerator("pool", pool); }

struct Metrics {
  ft::Registry registry;
  ft::Counter requests{registry, {.name = "requests"}};
  ft::Histogram sizes{registry, {.name = "sizes"}, ft::buckets::latency};
  ft::UpDownCounter open{registry, {.name = "open"}};
  ft::Labeled<ft::UpDownCounter, Pool> used{registry, {.name = "used"}};
  ft::Dynamic<ft::UpDownCounter, 1> queued{registry, {.name = "queued"}, {"queue"}, {.max_series = 4}};
  std::uint64_t computed = 0;
  ft::ObservableCounter<std::uint64_t> observed{registry, {.name = "observed"}, [this] { return computed; }};
  std::int64_t computed_level = 0;
  ft::ObservableUpDownCounter<std::int64_t> observed_level{
      registry, {.name = "observed_level"}, [this] { return computed_level; }};
  // One family whose counters are of two kinds.
  ft::Counter counted{ft::Scope{registry, "", {{"by", "us"}}}, {.name = "mixed"}};
  ft::ObservableCounter<std::uint64_t> told{
      ft::Scope{registry, "", {{"by", "others"}}}, {.name = "mixed"}, [this] { return computed; }};

  /// The same each time, so that the n-th total is n times a delta.
  void record() {
    requests.add(2);
    sizes.record(1);
    open.sub(3);
    used.with(Pool::large).add(4);
    queued.at("a").sub(5);
    computed += 6;
    computed_level -= 7;
    counted.add(8);
  }
};

constexpr int windows = 3;

/// What the last of some windows of the same records shows.
ft::RecordingVisitor last_window(Metrics& metrics, const ft::ReaderOptions& options) {
  ft::Reader reader{metrics.registry, options};
  for (int i = 1; i < windows; ++i) {
    metrics.record();
    static_cast<void>(reader.collect());
    reader.accept();
  }
  metrics.record();
  ft::RecordingVisitor seen;
  reader.collect().visit(seen, ft::storage_info());
  return seen;
}

/// How many deltas the value is.
int times(const ft::RecordingVisitor& seen, const std::string& name, int delta) {
  const ft::RecordedPoint& point = name == "used"     ? seen.point(name, {{"pool", "large"}})
                                   : name == "queued" ? seen.point(name, {{"queue", "a"}})
                                                      : seen.point(name);
  const auto value = point.value.index() == 1 ? static_cast<std::int64_t>(std::get<std::uint64_t>(point.value))
                                              : std::get<std::int64_t>(point.value);
  EXPECT_EQ(value % delta, 0) << name;
  return static_cast<int>(value / delta);
}

/// What is shown says what it is.
void expect(const ft::RecordingVisitor& seen, const char* name, int delta, Temporality temporality) {
  EXPECT_EQ(seen.family(name).temporality, temporality) << name;
  EXPECT_EQ(times(seen, name, delta), temporality == Temporality::delta ? 1 : windows) << name;
}

struct Case {
  ft::ReaderOptions options;
  Temporality counters, levels, observed_counters, observed_levels;
};

class TotalsOf : public testing::TestWithParam<Case> {};

constexpr auto delta = Temporality::delta;
constexpr auto cumulative = Temporality::cumulative;
INSTANTIATE_TEST_SUITE_P(
    readers, TotalsOf,
    testing::Values(
        Case{{}, cumulative, cumulative, cumulative, cumulative},
        Case{{.totals = Totals::up_down_counters_and_observables}, cumulative, cumulative, cumulative, cumulative},
        Case{{.temporality = delta}, delta, delta, delta, delta},
        Case{{.temporality = delta, .totals = Totals::up_down_counters}, delta, cumulative, delta, cumulative},
        Case{{.temporality = delta, .totals = Totals::up_down_counters_and_observables},
             delta,
             cumulative,
             cumulative,
             cumulative}));

// Mutations seen red: each of `entry.deltas`, `dynamic.deltas` replaced by what the collection's temporality says; a
// family's temporality left out.
TEST_P(TotalsOf, are_shown_and_said) {
  Metrics metrics;
  const ft::RecordingVisitor seen = last_window(metrics, GetParam().options);
  expect(seen, "requests", 2, GetParam().counters);
  EXPECT_EQ(seen.histogram("sizes_seconds").count(), GetParam().counters == delta ? 1U : 3U);
  EXPECT_EQ(seen.family("sizes_seconds").temporality, GetParam().counters);
  expect(seen, "open", -3, GetParam().levels);
  expect(seen, "used", 4, GetParam().levels);
  expect(seen, "queued", -5, GetParam().levels);
  expect(seen, "observed", 6, GetParam().observed_counters);
  expect(seen, "observed_level", -7, GetParam().observed_levels);
}

// A family says one thing of all its points. Mutation seen red: any_of in place of all_of.
TEST_P(TotalsOf, a_family_with_counters_of_two_kinds_are_those_of_counters) {
  Metrics metrics;
  const ft::RecordingVisitor seen = last_window(metrics, GetParam().options);
  const std::uint64_t factor = GetParam().counters == delta ? 1 : windows;
  EXPECT_EQ(seen.family("mixed").temporality, GetParam().counters);
  EXPECT_EQ(seen.counter("mixed", {{"by", "us"}}), 8 * factor);
  EXPECT_EQ(seen.counter("mixed", {{"by", "others"}}), 6 * factor);
}

// Nobody keeps a baseline for them.
TEST_P(TotalsOf, families_of_no_registry_are_all_they_show) {
  Metrics metrics;
  const ft::RecordingVisitor seen = last_window(metrics, GetParam().options);
  EXPECT_EQ(seen.family("fast_telemetry_dropped_records").temporality, cumulative);
}

// The counter was alone in its family, and its totals were shown: what follows is what came since.
TEST(Totals, a_family_that_gets_a_counter_goes_on_with_deltas) {
  ft::Registry registry;
  std::uint64_t computed = 10;
  const ft::ObservableCounter<std::uint64_t> told{
      ft::Scope{registry, "", {{"by", "others"}}}, {.name = "mixed"}, [&] { return computed; }};
  ft::Reader reader{registry, {.temporality = delta, .totals = Totals::up_down_counters_and_observables}};
  EXPECT_EQ(ft::RecordingVisitor{reader}.counter("mixed", {{"by", "others"}}), 10U);
  reader.accept();
  const ft::Counter counted{ft::Scope{registry, "", {{"by", "us"}}}, {.name = "mixed"}};
  computed = 13;
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.family("mixed").temporality, delta);
  EXPECT_EQ(seen.counter("mixed", {{"by", "others"}}), 3U);
}

// Its cells are others then, and what the earlier ones had is added. Mutation seen red: point_cells subtracts the
// baseline of every reader of deltas.
TEST(Totals, a_level_that_returns_is_its_total) {
  ft::Registry registry;
  ft::Reader reader{registry, {.temporality = delta, .totals = Totals::up_down_counters}};
  for (const std::int64_t total : {5, 10, 15}) {
    ft::UpDownCounter open{registry, {.name = "open"}};
    open.add(5);
    EXPECT_EQ(ft::RecordingVisitor{reader}.up_down_counter("open"), total);
    reader.accept();
  }
}

}  // namespace totals_test
