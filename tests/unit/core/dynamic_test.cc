// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/dynamic.h"

#include <gtest/gtest.h>

#include <string>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/sweeper.h"
#include "fast_telemetry/testing/recording_visitor.h"

namespace ft = fast_telemetry;

namespace {

class Dynamic : public testing::Test {
 protected:
  ft::Registry registry;
  ft::Scope scope{registry};
};

TEST_F(Dynamic, counts_by_labels_and_by_handle) {
  ft::Dynamic<ft::Counter, 2> requests{scope, {.name = "requests"}, {"tenant", "path"}};
  requests.at("a", "/").add();
  requests.at(std::string{"a"}, "/").add(2);
  auto handle = requests.with("a", "/");
  handle.add(4);
  requests.at("b", 7).add(8);
  EXPECT_EQ(handle.value(), 7U);
  EXPECT_EQ(requests.series_count(), 2U);
  ft::Reader reader{registry};
  ft::RecordingVisitor seen;
  reader.collect().visit(seen);
  EXPECT_EQ(seen.counter("requests", {{"tenant", "a"}, {"path", "/"}}), 7U);
  EXPECT_EQ(seen.counter("requests", {{"tenant", "b"}, {"path", "7"}}), 8U);
}

TEST_F(Dynamic, overflow) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"tenant"}, {.max_series = 10}};
  for (int i = 0; i < 100; ++i) requests.at(i).add();
  EXPECT_EQ(requests.series_count(), 10U);
  EXPECT_EQ(requests.overflow_count(), 90U);
  ft::Reader reader{registry};
  ft::RecordingVisitor seen;
  reader.collect().visit(seen);
  EXPECT_EQ(seen.counter("requests", {{"otel_metric_overflow", "true"}}), 90U);
}

TEST_F(Dynamic, eviction) {
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"tenant"}};
  ft::Sweeper sweeper{registry, {.idle_sweeps = 1}};
  ft::Reader reader{registry, {.temporality = ft::Temporality::delta}};
  auto handle = requests.with("kept");
  handle.add(3);
  requests.at("gone").add(5);
  static_cast<void>(sweeper.sweep());
  EXPECT_EQ(sweeper.sweep().evicted, 2U);
  EXPECT_EQ(handle.value(), 3U);
  EXPECT_EQ(requests.series_count(), 0U);
  {
    ft::RecordingVisitor seen;
    reader.collect().visit(seen);
    EXPECT_EQ(seen.counter("requests", {{"tenant", "kept"}}), 3U);
    EXPECT_EQ(seen.counter("requests", {{"tenant", "gone"}}), 5U);
    reader.accept();
  }
  EXPECT_EQ(sweeper.sweep().forgotten, 1U);
  handle.add(4);
  requests.at("gone").add(1);
  {
    ft::RecordingVisitor seen;
    reader.collect().visit(seen);
    EXPECT_EQ(seen.counter("requests", {{"tenant", "kept"}}), 4U);
    EXPECT_EQ(seen.counter("requests", {{"tenant", "gone"}}), 1U);
  }
  EXPECT_EQ(handle.value(), 7U);
}

}  // namespace
