// SPDX-License-Identifier: Apache-2.0
//
// DynamicFree<Metric>: any keys per call.
#include "fast_telemetry/dynamic_free.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fast_telemetry/cardinality.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/support/registry_test.h"

namespace ft = fast_telemetry;

namespace dynamic_free_test {

class DynamicFree : public RegistryTest {
 protected:
  ft::DynamicFree<ft::Counter> events{scope, {.name = "events"}};
};

// DYN-1, DYN-2, W-25.
TEST_F(DynamicFree, the_order_of_labels_does_not_matter) {
  const std::string tenant = "a tenant of some length";
  events.at({{"tenant", tenant}, {"kind", 7}}).add(1);
  events.at({{"kind", "7"}, {"tenant", tenant.c_str()}}).add(2);
  events.with({{"kind", 7}, {"tenant", tenant}}).add(4);
  EXPECT_EQ(events.series_count(), 1U);
  EXPECT_EQ(collect().counter("events", {{"tenant", tenant}, {"kind", "7"}}), 7U);
  EXPECT_EQ(events.find({{"tenant", tenant}, {"kind", 7}}).value(), 7U);
}

// DYN-2.
TEST_F(DynamicFree, the_last_value_of_a_key_counts_and_an_empty_one_is_none) {
  events.at({{"b", 1}, {"a", 1}, {"b", 2}}).add(1);
  events.at({{"a", 1}, {"b", 2}, {"c", ""}}).add(2);
  events.at({{"c", 5}, {"b", 2}, {"a", 1}, {"c", ""}}).add(4);
  EXPECT_EQ(events.series_count(), 1U);
  EXPECT_EQ(collect().counter("events", {{"a", "1"}, {"b", "2"}}), 7U);
}

// DYN-2: the empty set is a series.
TEST_F(DynamicFree, the_empty_set_is_a_series) {
  events.at({}).add(3);
  events.at({{"a", ""}}).add(1);
  EXPECT_EQ(collect().counter("events", {}), 4U);
}

// DYN-3, DYN-4.
TEST_F(DynamicFree, takes_any_number_of_labels) {
  for (const int count : {1, 2, 16, 31, 32, 33, 200}) {
    std::vector<std::string> texts;
    for (int i = 0; i < count; ++i) texts.push_back("k" + std::to_string(i));
    std::vector<ft::Label> labels;
    for (const auto& text : texts) labels.push_back({text, text});
    events.at(labels.data(), labels.size()).add(1);
    std::reverse(labels.begin(), labels.end());
    events.with(labels.data(), labels.size()).add(2);
    EXPECT_EQ(events.find(labels.data(), labels.size()).value(), 3U) << count;
  }
  EXPECT_EQ(events.series_count(), 7U);
}

TEST_F(DynamicFree, keys_and_values_are_told_apart) {
  events.at({{"a", "b"}, {"c", "d"}}).add(1);
  events.at({{"a", "bc"}, {"d", "d"}}).add(2);
  events.at({{"ab", "c"}, {"d", "d"}}).add(4);
  events.at({{"a", "b"}}).add(8);
  EXPECT_EQ(events.series_count(), 4U);
}

// Keys that no format could carry: the total stays right, and somebody is told.
TEST_F(DynamicFree, a_key_that_cannot_be_goes_to_the_overflow_series) {
  const ft::Scope zoned{scope, "", {{"zone", "1"}}};
  ft::DynamicFree<ft::Counter> requests{zoned, {.name = "requests"}};
  requests.at({{"fine", 1}}).add(1);
  requests.at({{"not a key", 1}}).add(2);
  requests.at({{"", 1}}).add(4);
  requests.at({{"zone", 2}}).add(8);
  requests.at({{"otel_metric_overflow", "true"}}).add(16);
  requests.at({{"le", "5"}}).add(32);
  EXPECT_EQ(requests.overflow_count(), 5U);
  const ft::RecordingVisitor seen = collect();
  EXPECT_EQ(seen.point_count("requests"), 2U);
  EXPECT_EQ(seen.counter("requests", {{"zone", "1"}, {"otel_metric_overflow", "true"}}), 62U);
}

TEST_F(DynamicFree, the_report_knows_the_keys_of_each_set) {
  ft::DynamicFree<ft::Counter> requests{scope, {.name = "requests"}, {.max_series = 1}};
  requests.at({}).add();
  for (int i = 0; i < 100; ++i) requests.at({{"kind", i % 2}, {"tenant", i}}).add();
  const ft::CardinalityReport report = requests.cardinality();
  ASSERT_EQ(report.refused.size(), 2U);
  EXPECT_EQ(report.refused[0].key, "tenant");
  EXPECT_EQ(report.refused[1].key, "kind");
}

TEST_F(DynamicFree, other_metrics) {
  ft::DynamicFree<ft::Histogram> sizes{scope, {.name = "sizes"}, {}, ft::Bounds{10}};
  sizes.at({{"x", 1}}).record(5);
  EXPECT_EQ(collect().histogram("sizes", {{"x", "1"}}).count(), 1U);
}

}  // namespace dynamic_free_test
