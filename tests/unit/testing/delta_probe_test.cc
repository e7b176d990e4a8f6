// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/testing/delta_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"

namespace ft = fast_telemetry;
using testing::ElementsAre;
using testing::HasSubstr;

namespace delta_probe_test {

enum class Command : std::uint8_t { get, set };
constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }

class DeltaProbe : public testing::Test {
 protected:
  ft::Registry registry;
};

TEST_F(DeltaProbe, tells_what_counters_counted_since_it_was_made) {
  ft::Labeled<ft::Counter, Command> counter{registry, {.name = "c"}};
  ft::UpDownCounter up_down{registry, {.name = "u"}};
  ft::FloatCounter doubles{registry, {.name = "d"}};
  counter.with(Command::get).add(100);
  up_down.add(100);
  doubles.add(100);
  ft::DeltaProbe probe{registry};
  EXPECT_EQ(probe.counter("c", {{"command", "get"}}), 0u);
  counter.with(Command::get).add(3);
  counter.with(Command::set).add(4);
  up_down.sub(7);
  doubles.add(0.5);
  EXPECT_EQ(probe.counter("c", {{"command", "get"}}), 3u);
  EXPECT_EQ(probe.sum("c"), 7u);
  EXPECT_EQ(probe.sum("c", {{"command", "set"}}), 4u);
  EXPECT_EQ(probe.up_down_counter("u"), -7);
  EXPECT_EQ(probe.float_counter("d"), 0.5);
}

TEST_F(DeltaProbe, asking_forgets_nothing) {
  ft::Counter counter{registry, {.name = "c"}};
  ft::DeltaProbe probe{registry};
  counter.add(3);
  EXPECT_EQ(probe.counter("c"), 3u);
  EXPECT_EQ(probe.counter("c"), 3u);
  counter.add(1);
  EXPECT_EQ(probe.counter("c"), 4u);
}

TEST_F(DeltaProbe, tells_what_histograms_observed_since_it_was_made) {
  ft::Histogram histogram{registry, {.name = "h"}, {1, 10}};
  histogram.record(5);
  ft::DeltaProbe probe{registry};
  histogram.record(7);
  histogram.record(70);
  EXPECT_EQ(probe.histogram("h").count(), 2u);
  EXPECT_EQ(probe.histogram("h").sum, 77.0);
  EXPECT_THAT(probe.histogram("h").buckets, ElementsAre(0u, 1u, 1u));
}

TEST_F(DeltaProbe, tells_by_how_much_gauges_rose) {
  ft::Gauge<std::int64_t> whole{registry, {.name = "w"}};
  ft::Gauge<double> real{registry, {.name = "r"}};
  whole.set(10);
  real.set(2.5);
  ft::DeltaProbe probe{registry};
  EXPECT_EQ(probe.gauge("w"), 0);
  whole.set(7);
  real.set(3);
  EXPECT_EQ(probe.gauge("w"), -3);
  EXPECT_EQ(probe.float_gauge("r"), 0.5);
}

TEST_F(DeltaProbe, counts_what_was_registered_since_from_zero) {
  ft::DeltaProbe probe{registry};
  ft::Counter counter{registry, {.name = "c"}};
  ft::Gauge<std::int64_t> gauge{registry, {.name = "g"}};
  counter.add(3);
  gauge.set(4);
  EXPECT_EQ(probe.counter("c"), 3u);
  EXPECT_EQ(probe.gauge("g"), 4);
}

TEST_F(DeltaProbe, still_sees_what_was_destroyed_since) {
  auto counter = std::make_unique<ft::Counter>(registry, ft::Info{.name = "c"});
  counter->add(100);
  ft::DeltaProbe probe{registry};
  counter->add(3);
  counter.reset();
  EXPECT_EQ(probe.counter("c"), 3u);
}

TEST_F(DeltaProbe, sees_what_joined_threads_have_recorded) {
  ft::Counter counter{registry, {.name = "c"}};
  ft::DeltaProbe probe{registry};
  std::thread{[&] { counter.add(3); }}.join();
  EXPECT_EQ(probe.counter("c"), 3u);
}

TEST_F(DeltaProbe, is_not_disturbed_by_other_readers_nor_disturbs_them) {
  ft::Counter counter{registry, {.name = "c"}};
  ft::Reader other{registry, {.temporality = ft::Temporality::delta}};
  ft::DeltaProbe probe{registry};
  counter.add(3);
  static_cast<void>(other.collect());
  other.accept();
  EXPECT_EQ(probe.counter("c"), 3u);
  counter.add(4);
  EXPECT_EQ(probe.counter("c"), 7u);
  EXPECT_EQ(ft::RecordingVisitor{other}.counter("c"), 4u);
}

TEST_F(DeltaProbe, begins_anew_when_told_to) {
  ft::Counter counter{registry, {.name = "c"}};
  ft::Gauge<std::int64_t> gauge{registry, {.name = "g"}};
  ft::DeltaProbe probe{registry};
  counter.add(3);
  gauge.set(3);
  probe.restart();
  counter.add(4);
  gauge.set(8);
  EXPECT_EQ(probe.counter("c"), 4u);
  EXPECT_EQ(probe.gauge("g"), 5);
}

TEST_F(DeltaProbe, names_what_is_there_when_what_was_asked_for_is_not) {
  ft::Labeled<ft::Counter, Command> counter{registry, {.name = "c"}};
  ft::DeltaProbe probe{registry};
  counter.with(Command::set).add(4);
  try {
    static_cast<void>(probe.counter("c", {{"command", "put"}}));
    FAIL() << "nothing was thrown";
  } catch (const std::out_of_range& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("c{command=\"put\"} is not there; recorded:\n"));
    EXPECT_THAT(failure.what(), HasSubstr("c{command=\"set\"} 4\n"));
  }
}

TEST_F(DeltaProbe, describes_what_has_changed_and_nothing_else) {
  ft::Labeled<ft::Counter, Command> counter{registry, {.name = "c"}};
  const ft::Counter still{registry, {.name = "still"}};
  ft::Histogram histogram{registry, {.name = "h"}, {1}};
  ft::Gauge<std::int64_t> gauge{registry, {.name = "g"}};
  ft::Gauge<double> not_a_number{registry, {.name = "n"}};
  counter.with(Command::get).add(100);
  gauge.set(1);
  not_a_number.set(std::numeric_limits<double>::quiet_NaN());
  ft::DeltaProbe probe{registry};
  EXPECT_EQ(probe.describe(), "nothing\n");
  counter.with(Command::set).add(4);
  histogram.record(7);
  gauge.set(2);
  EXPECT_EQ(probe.describe(), "c{command=\"set\"} 4\nh (histogram: count 1, sum 7)\ng 2 (was 1)\n");
}

}  // namespace delta_probe_test
