// SPDX-License-Identifier: Apache-2.0
//
// Dynamic<CounterSet<N>, keys>: several counters per label set.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "fast_telemetry/counter_set.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/sweeper.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/support/registry_test.h"

namespace ft = fast_telemetry;

namespace dynamic_set_test {

enum Slot : std::uint8_t { requests, bytes, errors };
constexpr ft::Info infos[] = {
    {.name = "requests"}, {.name = "transferred", .unit = ft::Unit::bytes}, {.name = "errors"}};

class DynamicSet : public RegistryTest {
 protected:
  using Set = ft::Dynamic<ft::CounterSet<3>, 1>;
};

// DCS-2, DCS-3, DCS-4, W-27.
TEST_F(DynamicSet, one_lookup_records_in_all_and_each_is_a_family) {
  Set traffic{scope, infos, {"tenant"}};
  traffic.at("a").add_values({{1, 100, 0}});
  const auto handle = traffic.with("a");
  handle.add(errors);
  handle.add(bytes, 50);
  handle.add_all(1000);
  traffic.at("b").add(requests, 7);
  EXPECT_EQ(handle.values()[requests], 1001U);
  EXPECT_EQ(handle.values()[bytes], 1150U);
  EXPECT_EQ(handle.values()[errors], 1001U);
  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("requests", {{"tenant", "a"}}), 1001U);
  EXPECT_EQ(seen.counter("transferred_bytes", {{"tenant", "a"}}), 1150U);
  EXPECT_EQ(seen.counter("errors", {{"tenant", "a"}}), 1001U);
  EXPECT_EQ(seen.counter("requests", {{"tenant", "b"}}), 7U);
  EXPECT_EQ(seen.counter("errors", {{"tenant", "b"}}), 0U);
  EXPECT_EQ(traffic.series_count(), 2U);
}

TEST_F(DynamicSet, all_its_points_have_ids_of_their_own) {
  Set traffic{scope, infos, {"tenant"}};
  for (int i = 0; i < 10; ++i) traffic.at(i).add_all();
  ft::Reader reader{registry};
  std::vector<std::uint64_t> ids;
  for (const auto& family : ft::RecordingVisitor{reader}.families()) {
    for (const auto& point : family.points) ids.push_back(point.id);
  }
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids.size(), 30U);
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
}

// DCS-5.
TEST_F(DynamicSet, delta_readers_have_windows_of_each_counter) {
  Set traffic{scope, infos, {"tenant"}};
  ft::Reader reader{registry, {.temporality = ft::Temporality::delta}};
  traffic.at("a").add_values({{1, 2, 3}});
  static_cast<void>(reader.collect());
  reader.accept();
  traffic.at("a").add_values({{10, 20, 30}});
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("requests", {{"tenant", "a"}}), 10U);
  EXPECT_EQ(seen.counter("transferred_bytes", {{"tenant", "a"}}), 20U);
  EXPECT_EQ(seen.counter("errors", {{"tenant", "a"}}), 30U);
}

// DCS-7.
TEST_F(DynamicSet, has_one_limit_for_all) {
  Set traffic{scope, infos, {"tenant"}, ft::DynamicOptions{.max_series = 1}};
  traffic.at("a").add_all();
  traffic.at("b").add_values({{1, 2, 3}});
  EXPECT_EQ(traffic.series_count(), 1U);
  EXPECT_EQ(traffic.overflow_count(), 3U) << "one per counter";
  ft::Reader reader{registry};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("transferred_bytes", {{"otel_metric_overflow", "true"}}), 2U);
  EXPECT_EQ(seen.counter("errors", {{"otel_metric_overflow", "true"}}), 3U);
}

// DCS-7.
TEST_F(DynamicSet, is_evicted_as_one) {
  if (!ft::storage_info().exact_retirement) GTEST_SKIP() << "no membarrier here";
  Set traffic{scope, infos, {"tenant"}};
  ft::Sweeper sweeper{registry, {.idle_sweeps = 1}};
  const auto handle = traffic.with("a");
  handle.add_values({{1, 2, 3}});
  static_cast<void>(sweeper.sweep());
  handle.add(errors);  // one of them is enough to be busy
  EXPECT_EQ(sweeper.sweep().evicted, 0U);
  EXPECT_EQ(sweeper.sweep().evicted, 1U);
  handle.add_values({{10, 20, 30}});
  EXPECT_EQ(handle.values()[errors], 34U);
  ft::Reader reader{registry};
  EXPECT_EQ(ft::RecordingVisitor{reader}.counter("errors", {{"tenant", "a"}}), 34U);
}

TEST_F(DynamicSet, keeps_final_values_and_goes_on_when_it_comes_back) {
  std::unique_ptr<Set> traffic{new Set{scope, infos, {"tenant"}}};
  traffic->at("a").add_values({{1, 2, 3}});
  traffic.reset();
  ft::Reader reader{registry, {.finals = ft::Finals::held}};
  EXPECT_EQ(ft::RecordingVisitor{reader}.counter("errors", {{"tenant", "a"}}), 3U);
  traffic.reset(new Set{scope, infos, {"tenant"}});
  traffic->at("a").add_values({{10, 20, 30}});
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("requests", {{"tenant", "a"}}), 11U);
  EXPECT_EQ(seen.counter("errors", {{"tenant", "a"}}), 33U);
  EXPECT_EQ(seen.point_count("errors"), 1U);
}

// Another set that begins with the same counter has nothing to do with the old one's other cells.
TEST_F(DynamicSet, another_set_with_the_same_first_counter_starts_anew) {
  constexpr ft::Info others[] = {{.name = "requests"}, {.name = "other"}, {.name = "errors"}};
  {
    Set traffic{scope, infos, {"tenant"}};
    traffic.at("a").add_values({{1, 2, 3}});
  }
  Set other{scope, others, {"tenant"}};
  other.at("a").add_values({{10, 20, 30}});
  ft::Reader reader{registry, {.finals = ft::Finals::held}};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.counter("other", {{"tenant", "a"}}), 20U);
  EXPECT_EQ(seen.counter("requests", {{"tenant", "a"}}), 10U);
  EXPECT_EQ(seen.counter("transferred_bytes", {{"tenant", "a"}}), 2U) << "the old one's, still held";
}

TEST_F(DynamicSet, registers_all_or_nothing) {
  std::unique_ptr<ft::Gauge<double>> taken{new ft::Gauge<double>{scope, {.name = "errors"}}};
  EXPECT_THROW((Set{scope, infos, {"tenant"}}), std::invalid_argument);
  taken.reset();
  Set traffic{scope, infos, {"tenant"}};
  traffic.at("a").add_all(5);
  ft::Reader reader{registry};
  EXPECT_EQ(ft::RecordingVisitor{reader}.counter("requests", {{"tenant", "a"}}), 5U);
  EXPECT_EQ(ft::RecordingVisitor{reader}.counter("errors", {{"tenant", "a"}}), 5U);
}

}  // namespace dynamic_set_test
