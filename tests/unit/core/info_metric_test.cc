// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/info_metric.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "fast_telemetry/build_info.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/testing/recording_visitor.h"

namespace info_metric_test {

namespace ft = fast_telemetry;

using Labels = ft::RecordedPoint::Labels;

Labels labels_of(ft::Reader& reader, std::string_view full_name) {
  const ft::RecordingVisitor seen{reader};
  return seen.family(full_name).points.at(0).labels;
}

// Mutation seen red: Cells::info as Kind::gauge.
TEST(InfoMetric, is_labels_without_a_value) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::Scope scope{registry, "db", {{"shard", "7"}}};
  const ft::InfoMetric model{scope, {.name = "model"}, {{"file", "a.bin"}, {"digest", "12ab"}}};
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.family("db_model").kind, ft::Kind::info);
  const ft::RecordedPoint& point = seen.point("db_model", {{"shard", "7"}, {"file", "a.bin"}, {"digest", "12ab"}});
  EXPECT_TRUE(std::holds_alternative<std::monostate>(point.value));
}

// P-27, P-26. Mutations seen red: canonical_name leaves `_info` on (`tls_info_info`); sample_names without `_info`.
TEST(InfoMetric, has_info_as_its_suffix_once) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::InfoMetric named{registry, {.name = "tls_info"}, {{"library", "openssl"}}};
  EXPECT_TRUE(ft::RecordingVisitor{reader}.has("tls", {{"library", "openssl"}}));
  EXPECT_THROW((ft::Gauge<double>{registry, {.name = "tls_info"}}), std::invalid_argument);
  EXPECT_THROW((ft::Gauge<double>{registry, {.name = "tls"}}), std::invalid_argument);
}

// Mutation seen red: no check of the unit.
TEST(InfoMetric, has_no_unit) {
  ft::Registry registry;
  EXPECT_THROW((ft::InfoMetric{registry, {.name = "a", .unit = ft::Unit::bytes}, {{"k", "v"}}}), std::invalid_argument);
}

// S-21: as any label; how formats write such text is in tests/golden. Mutation seen red: empty values kept.
TEST(InfoMetric, takes_hostile_values_and_leaves_out_empty_ones) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::InfoMetric info{registry,
                            {.name = "a"},
                            {{"x", "q\"\\\n# EOF\n\xff"}, {"empty", ""}, {"unset", static_cast<const char*>(nullptr)}}};
  EXPECT_EQ(labels_of(reader, "a"), (Labels{{"x", "q\"\\\n# EOF\n\xff"}}));
  EXPECT_THROW((ft::InfoMetric{registry, {.name = "b"}, {{"le", "1"}}}), std::invalid_argument);
  EXPECT_THROW((ft::InfoMetric{registry, {.name = "b"}, {{"k", "1"}, {"k", "2"}}}), std::invalid_argument);
}

// Mutation seen red: Instrument::is_gauge without Cells::info, so that it is held for five minutes.
TEST(InfoMetric, is_gone_when_it_is_destroyed_and_can_be_made_anew) {
  ft::Registry registry;
  ft::Reader reader{registry, {.finals = ft::Finals::held}};
  {
    const ft::InfoMetric old{registry, {.name = "build"}, {{"version", "1"}}};
    EXPECT_TRUE(ft::RecordingVisitor{reader}.has("build", {{"version", "1"}}));
  }
  const ft::InfoMetric made_anew{registry, {.name = "build"}, {{"version", "2"}}};
  const ft::RecordingVisitor seen{reader};
  EXPECT_FALSE(seen.has("build", {{"version", "1"}}));
  EXPECT_TRUE(seen.has("build", {{"version", "2"}}));
}

// Mutation seen red: `branch` given as `revision`.
TEST(BuildInfo, says_which_build_runs) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::InfoMetric build = ft::build_info(
      {registry, "proxy"}, {.version = "1.2.3", .revision = "abc", .branch = "main", .compiler = "cc 7"});
  EXPECT_EQ(labels_of(reader, "proxy_build"),
            (Labels{{"version", "1.2.3"}, {"revision", "abc"}, {"branch", "main"}, {"compiler", "cc 7"}}));
}

// Mutation to try: no compiler by default.
TEST(BuildInfo, leaves_out_what_is_not_known_and_names_the_compiler) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::InfoMetric build = ft::build_info(registry, {.version = ft::library_version()});
  const Labels labels = labels_of(reader, "build");
  ASSERT_EQ(labels.size(), 2u);
  EXPECT_EQ(labels[0].first, "version");
  EXPECT_EQ(labels[0].second.find_first_not_of("0123456789."), std::string::npos);
  EXPECT_EQ(labels[1].first, "compiler");
  EXPECT_FALSE(labels[1].second.empty());
}

}  // namespace info_metric_test
