// SPDX-License-Identifier: Apache-2.0
//
// Forms. Values are compared in tests/conformance/otlp with what OpenTelemetry's own classes read of them and of
// OtlpMetricEncoder's requests.
#include "fast_telemetry/encoding/json_metrics.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "fast_telemetry/build_info.h"
#include "tests/support/shown_collection.h"

namespace ft = fast_telemetry;

namespace json_metrics_test {

constexpr ft::Collection collection{.time_unix_ns = 1'700'000'000'000'000'009,
                                    .since_unix_ns = 1'700'000'000'000'000'005,
                                    .temporality = ft::Temporality::cumulative};

ft::Family family_of(const char* name, ft::Kind kind, ft::Temporality temporality = ft::Temporality::cumulative) {
  return {.scope = "shop",
          .name = name,
          .full_name = name,
          .help = "Help.",
          .unit = ft::Unit::seconds,
          .kind = kind,
          .temporality = temporality};
}

/// All lines, each without what is the same in all of them.
std::string metrics_of(const ft::OtlpJsonMetricEncoder& encoder) {
  const ft::Text version = ft::library_version();
  const std::string before = R"({"resourceMetrics":[{"scopeMetrics":[{"scope":{"name":"fast-telemetry","version":")" +
                             std::string{version.data(), version.size()} + R"("},"metrics":[)";
  const std::string after = "]}]}]}\n";
  std::string metrics;
  for (const ft::OtlpJsonMetricEncoder::Line& line : encoder.lines()) {
    EXPECT_TRUE(line.text.starts_with(before) && line.text.ends_with(after)) << line.text;
    metrics += line.text.substr(before.size(), line.text.size() - before.size() - after.size());
    metrics += '\n';
  }
  return metrics;
}

// O-30 to O-35. The order is that of the fields' numbers.
TEST(JsonMetrics, are_lines_of_otlp) {
  ft::OtlpJsonMetricEncoder encoder;
  const std::byte trace[16]{std::byte{0xA1}, std::byte{2}};
  const std::byte span[8]{std::byte{0x0F}};
  const ft::Label label{"k", "v"};
  const ft::Exemplar exemplar{3, 1'700'000'000'000'000'007, trace, span, {&label, 1}};
  ft::ShownCollection{encoder, collection}
      .born(1'700'000'000'000'000'001)
      .family(family_of("c", ft::Kind::counter))
      .counter(5, {{"method", "get"}, {"none", ""}}, &exemplar)
      .counter(0)
      .family(family_of("u", ft::Kind::up_down_counter))
      .up_down_counter(-3)
      .family(family_of("without_points", ft::Kind::counter))
      .family(family_of("g", ft::Kind::gauge))
      .float_gauge(0.5);
  EXPECT_EQ(metrics_of(encoder),
            R"({"name":"shop.c","description":"Help.","unit":"s","sum":{"dataPoints":[)"
            R"({"startTimeUnixNano":"1700000000000000001","timeUnixNano":"1700000000000000009","asInt":"5",)"
            R"("exemplars":[{"timeUnixNano":"1700000000000000007","asInt":"3","spanId":"0f00000000000000",)"
            R"("traceId":"a1020000000000000000000000000000",)"
            R"("filteredAttributes":[{"key":"k","value":{"stringValue":"v"}}]}],)"
            R"("attributes":[{"key":"method","value":{"stringValue":"get"}}]},)"
            R"({"startTimeUnixNano":"1700000000000000001","timeUnixNano":"1700000000000000009","asInt":"0",)"
            R"("attributes":[]}],"aggregationTemporality":2,"isMonotonic":true}})"
            "\n"
            R"({"name":"shop.u","description":"Help.","unit":"s","sum":{"dataPoints":[)"
            R"({"startTimeUnixNano":"1700000000000000001","timeUnixNano":"1700000000000000009","asInt":"-3",)"
            R"("attributes":[]}],"aggregationTemporality":2}})"
            "\n"
            R"({"name":"shop.g","description":"Help.","unit":"s","gauge":{"dataPoints":[)"
            R"({"timeUnixNano":"1700000000000000009","asDouble":0.5,"attributes":[]}]}})"
            "\n");
  ASSERT_EQ(encoder.lines().size(), 3U);
  EXPECT_EQ(encoder.lines()[0].points, 2U);
}

TEST(JsonMetrics, of_histograms_have_counts_as_strings_and_doubles_as_numbers) {
  ft::OtlpJsonMetricEncoder encoder;
  const std::vector<std::uint64_t> buckets{1, 0, 2};
  ft::ShownCollection{encoder, collection}
      .family(family_of("h", ft::Kind::histogram))
      .histogram({.bounds = std::vector<double>{0.5, 1e300}, .buckets = buckets, .sum = 7, .min = 0.25, .max = 4.5})
      .family(family_of("e", ft::Kind::exponential_histogram))
      .exponential({.scale = -1, .offset = -2, .zero_threshold = 0, .zero_count = 4, .buckets = buckets, .sum = 7})
      .exponential({.scale = 0, .offset = 3, .zero_threshold = 1, .zero_count = 0, .buckets = {}, .sum = 0});
  const std::string times = R"("timeUnixNano":"1700000000000000009",)";
  EXPECT_EQ(metrics_of(encoder),
            R"({"name":"shop.h","description":"Help.","unit":"s","histogram":{"dataPoints":[{)" + times +
                R"("count":"3","sum":7,"bucketCounts":["1","0","2"],"explicitBounds":[0.5,1e+300],"attributes":[],)"
                R"("min":0.25,"max":4.5}],"aggregationTemporality":2}})"
                "\n"
                R"({"name":"shop.e","description":"Help.","unit":"s","exponentialHistogram":{"dataPoints":[)"
                R"({"attributes":[],)" +
                times +
                R"("count":"7","sum":7,"scale":-1,"zeroCount":"4","positive":{"offset":-2,)"
                R"("bucketCounts":["1","0","2"]}},{"attributes":[],)" +
                times + R"("sum":0,"zeroThreshold":1}],"aggregationTemporality":2}})" + "\n");
}

// What is no JSON number. Mutation seen red: the text formats' spelling.
TEST(JsonMetrics, spell_what_is_not_finite_as_protobuf_does) {
  ft::OtlpJsonMetricEncoder encoder;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  ft::ShownCollection{encoder, collection}
      .family(family_of("g", ft::Kind::gauge))
      .float_gauge(infinity)
      .float_gauge(-infinity)
      .float_gauge(std::numeric_limits<double>::quiet_NaN());
  const std::string shown = metrics_of(encoder);
  for (const char* const value : {"\"asDouble\":\"Infinity\"", "\"asDouble\":\"-Infinity\"", "\"asDouble\":\"NaN\""}) {
    EXPECT_NE(shown.find(value), std::string::npos) << shown;
  }
}

TEST(JsonMetrics, say_the_resource_in_each_line) {
  const ft::ResourceAttribute attributes[] = {
      {"service.name", "old"}, {"", "no key"}, {"pid", std::int64_t{7}}, {"service.name", "shop"}};
  ft::OtlpJsonMetricEncoder encoder{attributes};
  ft::ShownCollection{encoder, collection}
      .family(family_of("a", ft::Kind::counter))
      .counter(1)
      .family(family_of("b", ft::Kind::counter))
      .counter(1);
  ASSERT_EQ(encoder.lines().size(), 2U);
  for (const ft::OtlpJsonMetricEncoder::Line& line : encoder.lines()) {
    EXPECT_TRUE(line.text.starts_with(
        R"({"resourceMetrics":[{"resource":{"attributes":[{"key":"pid","value":{"intValue":"7"}},)"
        R"({"key":"service.name","value":{"stringValue":"shop"}}]},"scopeMetrics":[{"scope":{)"))
        << line.text;
  }
}

// Mutations seen red: a delta of nothing written, of each of the three shapes.
TEST(JsonMetrics, leave_out_deltas_of_nothing) {
  ft::OtlpJsonMetricEncoder encoder;
  ft::ShownCollection{encoder, collection}
      .family(family_of("c", ft::Kind::counter, ft::Temporality::delta))
      .counter(0)
      .counter(2)
      .family(family_of("h", ft::Kind::histogram, ft::Temporality::delta))
      .histogram({1}, {0, 0}, 0)
      .family(family_of("e", ft::Kind::exponential_histogram, ft::Temporality::delta))
      .exponential({.scale = 0, .offset = 0, .zero_threshold = 0, .zero_count = 0, .buckets = {}, .sum = 0});
  ASSERT_EQ(encoder.lines().size(), 1U);
  EXPECT_EQ(encoder.lines()[0].points, 1U);
  EXPECT_NE(encoder.lines()[0].text.find("\"startTimeUnixNano\":\"1700000000000000005\""), std::string_view::npos);
  EXPECT_NE(encoder.lines()[0].text.find("\"aggregationTemporality\":1"), std::string_view::npos);
}

// Mutations seen red: help not escaped; lines of the collection before kept.
TEST(JsonMetrics, have_a_newline_at_their_end_only_and_are_of_one_collection) {
  ft::OtlpJsonMetricEncoder encoder;
  for (int i = 0; i < 3; ++i) {
    ft::ShownCollection{encoder, collection}
        .family("n\nl", ft::Kind::counter, "a\nb")
        .counter(1, {{"k\n", "v\n\"\xFF"}})
        .family("state", ft::Kind::state_set)
        .family("x", ft::Kind::counter)
        .counter(1);
    ASSERT_EQ(encoder.lines().size(), 2U);
    for (const ft::OtlpJsonMetricEncoder::Line& line : encoder.lines()) {
      EXPECT_EQ(line.text.find('\n'), line.text.size() - 1);
    }
  }
}

}  // namespace json_metrics_test
