// SPDX-License-Identifier: Apache-2.0
//
// Sweeper: what is evicted and what is not, what readers still get, when a label set is a new series.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/sweeper.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/support/registry_test.h"

namespace ft = fast_telemetry;

namespace dynamic_eviction_test {

class Eviction : public RegistryTest {
 protected:
  void SetUp() override {
    if (!ft::storage_info().exact_retirement) GTEST_SKIP() << "no membarrier here";
  }
  /// Two sweeps: lets everything go that is idle between them.
  ft::SweepResult sweep_idle() {
    ft::Sweeper sweeper{registry, {.idle_sweeps = 1}};
    const ft::SweepResult first = sweeper.sweep();
    const ft::SweepResult second = sweeper.sweep();
    return {first.evicted + second.evicted, first.forgotten + second.forgotten, second.refusal};
  }
};

TEST_F(Eviction, refuses_options_that_cannot_be) {
  EXPECT_THROW((ft::Sweeper{registry, {.idle_sweeps = 256}}), std::invalid_argument);
  EXPECT_EQ((ft::Sweeper{registry, {.idle_sweeps = 255}}).sweep().evicted, 0U);
}

// DYN-22.
TEST_F(Eviction, takes_what_did_not_change_over_so_many_sweeps) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  ft::Sweeper sweeper{registry, {.idle_sweeps = 3}};
  requests.at("idle").add();
  requests.at("busy").add();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(sweeper.sweep().evicted, 0U) << i;
    requests.at("busy").add();
  }
  EXPECT_EQ(sweeper.sweep().evicted, 1U);
  EXPECT_EQ(requests.series_count(), 1U);
  EXPECT_TRUE(requests.find("busy"));
}

// Mutation: `idle` not set back when the value has changed (Sweep::find_idle).
TEST_F(Eviction, counts_sweeps_in_a_row) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  ft::Sweeper sweeper{registry, {.idle_sweeps = 3}};
  for (int round = 0; round < 3; ++round) {
    requests.at("now and then").add();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(sweeper.sweep().evicted, 0U) << round;
  }
  EXPECT_EQ(sweeper.sweep().evicted, 1U);
}

// W-33: each registry's sweeper is its own.
TEST_F(Eviction, leaves_other_registries_alone) {
  ft::Registry other;
  ft::Dynamic<ft::Counter, 1> requests{ft::Scope{other}, {.name = "requests"}, {"x"}};
  requests.at("a").add();
  EXPECT_EQ(sweep_idle().evicted, 0U);
  EXPECT_EQ(requests.series_count(), 1U);
}

// W-32: the final value is reported, once to each push reader and for a while to who scrapes.
TEST_F(Eviction, every_reader_sees_the_final_value) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  ft::Reader scraped{registry, {.finals = ft::Finals::held}};
  ft::Reader also_scraped{registry, {.finals = ft::Finals::held}};
  ft::Reader pushed{registry, {.temporality = ft::Temporality::delta}};
  requests.at("a").add(5);
  static_cast<void>(scraped.collect());
  requests.at("a").add(2);
  ASSERT_EQ(sweep_idle().evicted, 1U);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ft::RecordingVisitor{scraped}.counter("requests", {{"x", "a"}}), 7U);
    EXPECT_EQ(ft::RecordingVisitor{also_scraped}.counter("requests", {{"x", "a"}}), 7U);
    scraped.accept();
    also_scraped.accept();
    EXPECT_EQ(sweep_idle().forgotten, 0U) << "held by time";
  }
  EXPECT_EQ(ft::RecordingVisitor{pushed}.counter("requests", {{"x", "a"}}), 7U);
  pushed.accept();
  EXPECT_FALSE(ft::RecordingVisitor{pushed}.has("requests", {{"x", "a"}}));
}

// A series re-created while its final value is held is the same one: no reader sees two points of one label set.
TEST_F(Eviction, what_is_written_again_while_it_is_held_goes_on) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  ft::Reader scraped{registry, {.finals = ft::Finals::held}};
  ft::Reader pushed{registry, {.temporality = ft::Temporality::delta}};
  requests.at("a").add(5);
  const auto before = collect().point("requests", {{"x", "a"}});
  ASSERT_EQ(sweep_idle().evicted, 1U);
  EXPECT_EQ(ft::RecordingVisitor{pushed}.counter("requests", {{"x", "a"}}), 5U);
  pushed.accept();
  requests.at("a").add(1);
  const ft::RecordingVisitor seen{scraped};
  EXPECT_EQ(seen.point_count("requests"), 1U);
  EXPECT_EQ(seen.counter("requests", {{"x", "a"}}), 6U);
  EXPECT_EQ(seen.point("requests", {{"x", "a"}}).id, before.id);
  EXPECT_EQ(seen.point("requests", {{"x", "a"}}).born_unix_ns, before.born_unix_ns);
  EXPECT_EQ(ft::RecordingVisitor{pushed}.counter("requests", {{"x", "a"}}), 1U);
}

// A snapshot goes on showing what was forgotten since: its labels are those of the series.
//
// Mutation: a series freed after the wait for pins, whatever readers show (Sweep::free_unlinked).
TEST_F(Eviction, a_snapshot_outlives_the_series_it_shows) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}, {.max_series = 100}};
  ft::Reader reader{registry};
  ft::Sweeper sweeper{registry, {.idle_sweeps = 0}};
  for (int i = 0; i < 100; ++i) requests.at("old" + std::to_string(i)).add(1);
  const ft::Snapshot& snapshot = reader.collect();
  reader.accept();
  for (int round = 0; round < 4; ++round) {
    static_cast<void>(sweeper.sweep());
    for (int i = 0; i < 100; ++i) requests.at("new" + std::to_string(round * 100 + i)).add(1);
    ft::RecordingVisitor seen;
    snapshot.visit(seen);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(seen.counter("requests", {{"x", "old" + std::to_string(i)}}), 1U);
  }
}

// DYN-25: afterwards the same labels are a new series.
TEST_F(Eviction, what_is_written_again_after_everybody_had_it_is_a_new_series) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  ft::Reader pushed{registry, {.temporality = ft::Temporality::delta}};
  requests.at("a").add(5);
  const auto before = ft::RecordingVisitor{pushed}.point("requests", {{"x", "a"}});
  pushed.accept();
  ASSERT_EQ(sweep_idle().evicted, 1U);
  static_cast<void>(pushed.collect());
  pushed.accept();
  EXPECT_EQ(sweep_idle().forgotten, 1U);
  EXPECT_FALSE(requests.find("a"));
  requests.at("a").add(2);
  EXPECT_EQ(requests.find("a").value(), 2U);
  const auto after = ft::RecordingVisitor{pushed}.point("requests", {{"x", "a"}});
  EXPECT_EQ(std::get<std::uint64_t>(after.value), 2U);
  EXPECT_NE(after.id, before.id);
  EXPECT_GT(after.born_unix_ns, before.born_unix_ns);
}

// DYN-17, DYN-23, DYN-24, W-31: a handle pins no cells and loses nothing.
TEST_F(Eviction, a_handle_survives_it) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}};
  ft::Reader pushed{registry, {.temporality = ft::Temporality::delta}};
  const auto handle = requests.with("a");
  handle.add(3);
  const auto before = ft::RecordingVisitor{pushed}.point("requests", {{"x", "a"}});
  pushed.accept();
  const std::uint64_t cells = ft::storage_info().cells;
  ASSERT_EQ(sweep_idle().evicted, 1U);
  EXPECT_EQ(ft::storage_info().cells, cells - 1);
  EXPECT_EQ(handle.value(), 3U) << "what it had is still its own";
  static_cast<void>(pushed.collect());
  pushed.accept();
  EXPECT_EQ(sweep_idle().forgotten, 0U) << "while a handle refers to it";
  EXPECT_FALSE(ft::RecordingVisitor{pushed}.has("requests", {{"x", "a"}})) << "hidden";
  handle.add(4);
  requests.at("a").add(1);
  EXPECT_EQ(handle.value(), 8U);
  EXPECT_EQ(sweep_idle().forgotten, 0U);
  const auto after = ft::RecordingVisitor{pushed}.point("requests", {{"x", "a"}});
  EXPECT_EQ(std::get<std::uint64_t>(after.value), 5U);
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.born_unix_ns, before.born_unix_ns);
}

TEST_F(Eviction, keeps_what_metrics_of_several_cells_had) {
  ft::Dynamic<ft::Histogram, 1> sizes{scope, {.name = "sizes"}, {"x"}, {}, ft::Bounds{10}};
  ft::Dynamic<ft::Distribution, 1> spread{scope, {.name = "spread"}, {"x"}, {}, ft::Range{1, 1 << 20}};
  ft::Dynamic<ft::FloatCounter, 1> seconds{scope, {.name = "cpu"}, {"x"}};
  const auto record = [&] {
    sizes.at("a").record(5);
    sizes.at("a").record(50);
    spread.at("a").record(7);
    seconds.at("a").add(0.5);
  };
  record();
  ASSERT_EQ(sweep_idle().evicted, 3U);
  record();
  const ft::RecordingVisitor seen = collect();
  EXPECT_THAT(seen.histogram("sizes", {{"x", "a"}}).buckets, testing::ElementsAre(2, 2));
  EXPECT_EQ(seen.histogram("sizes", {{"x", "a"}}).sum, 110);
  EXPECT_EQ(seen.exponential("spread", {{"x", "a"}}).count(), 2U);
  EXPECT_EQ(seen.exponential("spread", {{"x", "a"}}).sum, 14);
  EXPECT_EQ(seen.float_counter("cpu", {{"x", "a"}}), 1.0);
  EXPECT_EQ(sizes.find("a").count(), 4U);
}

// A level says something as long as it is not zero, and belongs to whoever has a handle.
TEST_F(Eviction, takes_levels_only_at_zero_and_unreferenced) {
  ft::Dynamic<ft::UpDownCounter, 1> open{scope, {.name = "open"}, {"x"}};
  ft::Dynamic<ft::Gauge<std::int64_t>, 1> depth{scope, {.name = "depth"}, {"x"}};
  open.at("high").add(3);
  open.at("zero").add(3);
  open.at("zero").sub(3);
  depth.at("high").set(3);
  depth.at("zero").set(0);
  std::optional handle{open.with("kept")};
  handle->add(0);
  EXPECT_EQ(sweep_idle().evicted, 2U);
  const ft::RecordingVisitor seen = collect();
  EXPECT_EQ(seen.up_down_counter("open", {{"x", "high"}}), 3);
  EXPECT_EQ(seen.up_down_counter("open", {{"x", "kept"}}), 0);
  EXPECT_EQ(seen.gauge("depth", {{"x", "high"}}), 3);
  EXPECT_FALSE(seen.has("depth", {{"x", "zero"}})) << "a level that is gone has no value";
  handle.reset();
  EXPECT_EQ(sweep_idle().evicted, 1U);
}

TEST_F(Eviction, never_takes_the_overflow_series) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}, {.max_series = 1}};
  requests.at("a").add();
  requests.at("b").add(3);
  EXPECT_EQ(sweep_idle().evicted, 1U);
  EXPECT_EQ(collect().counter("requests", {{"otel_metric_overflow", "true"}}), 3U);
}

// What nobody fetches is bounded, and its loss is counted.
TEST_F(Eviction, a_reader_that_stops_collecting_costs_bounded_memory_and_its_loss_is_counted) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}, {.max_series = 100}};
  ft::Reader asleep{registry, {.temporality = ft::Temporality::delta}};
  ft::Sweeper sweeper{registry, {.idle_sweeps = 0}};
  const std::uint64_t dropped = ft::storage_info().finals_dropped;
  std::uint64_t forgotten = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 100; ++i) requests.at(round * 100 + i).add();
    forgotten += sweeper.sweep().forgotten;
  }
  const std::uint64_t lost = ft::storage_info().finals_dropped - dropped;
  EXPECT_GE(lost, 1700U);
  EXPECT_EQ(lost, forgotten);
  const ft::RecordingVisitor seen{asleep};
  EXPECT_EQ(seen.sum("requests") + lost, 2000U) << "each is shown or counted as lost";
  EXPECT_LE(seen.point_count("requests"), 200U);
}

TEST_F(Eviction, memory_does_not_grow_with_series_that_come_and_go) {
  ft::Dynamic<ft::Histogram, 1> sizes{scope, {.name = "sizes"}, {"x"}, {.max_series = 100}, ft::Bounds{10}};
  ft::Sweeper sweeper{registry, {.idle_sweeps = 0}};
  std::uint64_t committed = 0;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 100; ++i) sizes.at(round * 100 + i).record(1);
    static_cast<void>(sweeper.sweep());
    if (round == 10) committed = ft::storage_info().committed_bytes;
  }
  EXPECT_EQ(ft::storage_info().committed_bytes, committed);
}

TEST_F(Eviction, a_metric_that_ends_between_sweeps_keeps_its_final_values) {
  using Counter = ft::Dynamic<ft::Counter, 1>;
  std::unique_ptr<Counter> requests{new Counter{scope, {.name = "requests"}, {"x"}}};
  ft::Reader pushed{registry, {.temporality = ft::Temporality::delta}};
  requests->at("evicted").add(1);
  ASSERT_EQ(sweep_idle().evicted, 1U);
  requests->at("alive").add(2);
  requests.reset();
  EXPECT_EQ(sweep_idle().evicted, 0U);
  const ft::RecordingVisitor seen{pushed};
  EXPECT_EQ(seen.counter("requests", {{"x", "evicted"}}), 1U);
  EXPECT_EQ(seen.counter("requests", {{"x", "alive"}}), 2U);
}

// W-32: its reader has had a final value, which was none.
TEST_F(Eviction, what_is_written_again_just_before_its_metric_ends_is_reported) {
  using Counter = ft::Dynamic<ft::Counter, 1>;
  std::unique_ptr<Counter> requests{new Counter{scope, {.name = "requests"}, {"x"}}};
  ft::Reader pushed{registry, {.temporality = ft::Temporality::delta}};
  const auto handle = requests->with("a");
  handle.add(1);
  ASSERT_EQ(sweep_idle().evicted, 1U);
  EXPECT_EQ(ft::RecordingVisitor{pushed}.counter("requests", {{"x", "a"}}), 1U);
  pushed.accept();
  handle.add(2);
  requests.reset();
  EXPECT_EQ(ft::RecordingVisitor{pushed}.counter("requests", {{"x", "a"}}), 2U);
}

// A handle that was taken and never used must not take up room for ever.
TEST_F(Eviction, takes_what_was_never_written_once_no_handle_refers_to_it) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"x"}, {.max_series = 1}};
  std::optional handle{requests.with("a")};
  EXPECT_EQ(sweep_idle().evicted, 0U);
  handle.reset();
  EXPECT_EQ(sweep_idle().evicted, 1U);
  requests.at("b").add(1);
  EXPECT_EQ(requests.overflow_count(), 0U);
  EXPECT_EQ(requests.series_count(), 1U);
  EXPECT_FALSE(requests.find("a"));
}

// What has not been written since its metric came back is idle, whatever it had before.
TEST_F(Eviction, takes_what_nobody_writes_after_its_metric_came_back) {
  using Counter = ft::Dynamic<ft::Counter, 1>;
  ft::Reader late{registry, {.finals = ft::Finals::held}};
  const std::uint64_t dropped = ft::storage_info().finals_dropped;
  for (int round = 0; round < 3; ++round) {
    Counter requests{scope, {.name = "requests"}, {"x"}, {.max_series = 1}};
    static_cast<void>(sweep_idle());
    requests.at(round).add(1);
    EXPECT_EQ(requests.overflow_count(), 0U) << round;
  }
  const ft::RecordingVisitor seen{late};
  EXPECT_EQ(seen.sum("requests") + ft::storage_info().finals_dropped - dropped, 3U) << "as many are held as may live";
}

// A level is worth more than its final value, also in cells that were given back.
TEST_F(Eviction, keeps_a_level_that_nobody_writes_after_its_metric_came_back) {
  using Open = ft::Dynamic<ft::UpDownCounter, 1>;
  std::unique_ptr<Open> open{new Open{scope, {.name = "open"}, {"x"}}};
  open->at("a").add(3);
  open.reset();
  open.reset(new Open{scope, {.name = "open"}, {"x"}});
  EXPECT_EQ(sweep_idle().evicted, 0U);
  EXPECT_EQ(collect().up_down_counter("open", {{"x", "a"}}), 3);
}

}  // namespace dynamic_eviction_test
