// SPDX-License-Identifier: Apache-2.0
#include "src/core/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace ft = fast_telemetry;
using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

namespace names_test {

struct CanonicalCase {
  const char* what;
  const char* written;
  ft::Unit unit;
  ft::Kind kind;
  const char* canonical;
  const char* full;
};

class CanonicalName : public testing::TestWithParam<CanonicalCase> {};

TEST_P(CanonicalName, goes_without_the_suffixes_that_formats_add) {
  EXPECT_EQ(ft::detail::canonical_name(GetParam().written, GetParam().unit, GetParam().kind), GetParam().canonical);
}

TEST_P(CanonicalName, gets_its_unit_once_in_the_full_name) {
  const std::string canonical = ft::detail::canonical_name(GetParam().written, GetParam().unit, GetParam().kind);
  EXPECT_EQ(ft::detail::full_name("", canonical, GetParam().unit), GetParam().full);
}

using ft::Kind;
using ft::Unit;

// P-13, PRM-3: no suffix twice, whatever the author wrote.
INSTANTIATE_TEST_SUITE_P(
    names, CanonicalName,
    testing::Values(
        CanonicalCase{"plain", "requests", Unit::none, Kind::counter, "requests", "requests"},
        CanonicalCase{"total_of_a_counter", "requests_total", Unit::none, Kind::counter, "requests", "requests"},
        CanonicalCase{"total_of_a_gauge", "requests_total", Unit::none, Kind::gauge, "requests_total",
                      "requests_total"},
        CanonicalCase{"total_of_a_histogram", "x_total", Unit::none, Kind::histogram, "x_total", "x_total"},
        CanonicalCase{"nothing_but_total", "total", Unit::none, Kind::counter, "total", "total"},
        CanonicalCase{"total_without_underscore", "subtotal", Unit::none, Kind::counter, "subtotal", "subtotal"},
        CanonicalCase{"info_of_an_info", "build_info", Unit::none, Kind::info, "build", "build"},
        CanonicalCase{"info_of_a_gauge", "build_info", Unit::none, Kind::gauge, "build_info", "build_info"},
        CanonicalCase{"unit", "latency_seconds", Unit::seconds, Kind::histogram, "latency", "latency_seconds"},
        CanonicalCase{"unit_not_written", "latency", Unit::seconds, Kind::histogram, "latency", "latency_seconds"},
        CanonicalCase{"unit_and_total", "received_bytes_total", Unit::bytes, Kind::counter, "received",
                      "received_bytes"},
        CanonicalCase{"total_before_unit", "received_total_bytes", Unit::bytes, Kind::counter, "received_total",
                      "received_total_bytes"},
        CanonicalCase{"another_unit", "latency_seconds", Unit::bytes, Kind::gauge, "latency_seconds",
                      "latency_seconds_bytes"},
        CanonicalCase{"unit_that_is_not_said", "latency_seconds", Unit::none, Kind::gauge, "latency_seconds",
                      "latency_seconds"},
        CanonicalCase{"nothing_but_the_unit", "seconds", Unit::seconds, Kind::gauge, "seconds", "seconds_seconds"},
        CanonicalCase{"unit_without_underscore", "milliseconds", Unit::seconds, Kind::gauge, "milliseconds",
                      "milliseconds_seconds"},
        CanonicalCase{"total_twice", "x_total_total", Unit::none, Kind::counter, "x_total", "x_total"}),
    [](const auto& test) { return std::string{test.param.what}; });

TEST(FullName, joins_prefix_name_and_unit_with_underscores) {
  EXPECT_EQ(ft::detail::full_name("proxy", "requests", Unit::none), "proxy_requests");
  EXPECT_EQ(ft::detail::full_name("proxy.upstream", "latency", Unit::seconds), "proxy_upstream_latency_seconds");
  EXPECT_EQ(ft::detail::full_name("a.b.c", "d", Unit::none), "a_b_c_d");
}

TEST(UnitSuffix, is_the_base_unit_in_full) {
  const std::pair<Unit, const char*> suffixes[] = {
      {Unit::none, ""},           {Unit::seconds, "seconds"}, {Unit::bytes, "bytes"}, {Unit::ratio, "ratio"},
      {Unit::celsius, "celsius"}, {Unit::joules, "joules"},   {Unit::watts, "watts"}, {Unit::volts, "volts"},
      {Unit::amperes, "amperes"}, {Unit::meters, "meters"},   {Unit::grams, "grams"}};
  for (const auto& [unit, suffix] : suffixes) EXPECT_EQ(ft::detail::unit_suffix(unit), suffix);
  EXPECT_EQ(ft::detail::unit_suffix(static_cast<Unit>(255)), "");
}

// P-26. OpenMetrics 1.0, "Suffixes": the names that a family of a type may use.
TEST(SampleNames, are_those_of_open_metrics) {
  const auto names = [](Kind kind) { return ft::detail::sample_names("x", kind); };
  EXPECT_THAT(names(Kind::counter), ElementsAre("x", "x_total", "x_created"));
  EXPECT_THAT(names(Kind::histogram), ElementsAre("x", "x_bucket", "x_count", "x_sum", "x_created"));
  EXPECT_THAT(names(Kind::exponential_histogram), ElementsAre("x", "x_bucket", "x_count", "x_sum", "x_created"));
  EXPECT_THAT(names(Kind::info), ElementsAre("x", "x_info"));
  EXPECT_THAT(names(Kind::gauge), ElementsAre("x"));
  EXPECT_THAT(names(Kind::up_down_counter), ElementsAre("x"));
  EXPECT_THAT(names(Kind::state_set), ElementsAre("x"));
}

struct KeyCase {
  const char* what;
  std::string key;
  bool legal;
};

class LabelKey : public testing::TestWithParam<KeyCase> {};

TEST_P(LabelKey, is_legal_or_refused) {
  if (GetParam().legal) {
    EXPECT_NO_THROW(ft::detail::check_label_key(GetParam().key));
  } else {
    EXPECT_THROW(ft::detail::check_label_key(GetParam().key), std::invalid_argument);
  }
}

// P-4, P-36
INSTANTIATE_TEST_SUITE_P(
    rules, LabelKey,
    testing::Values(KeyCase{"word", "method", true}, KeyCase{"one_letter", "m", true},
                    KeyCase{"upper_case", "HTTPMethod", true}, KeyCase{"digit_inside", "http2", true},
                    KeyCase{"one_underscore_first", "_method", false}, KeyCase{"underscore_alone", "_", false},
                    KeyCase{"beginning_with_le", "level", true}, KeyCase{"le_in_upper_case", "LE", true},
                    KeyCase{"beginning_with_quantile", "quantiles", true},
                    KeyCase{"of_255_characters", std::string(255, 'k'), true},
                    KeyCase{"of_256_characters", std::string(256, 'k'), false}, KeyCase{"empty", "", false},
                    KeyCase{"le", "le", false}, KeyCase{"quantile", "quantile", false},
                    KeyCase{"reserved", "__name__", false}, KeyCase{"two_underscores", "__", false},
                    KeyCase{"digit_first", "2xx", false}, KeyCase{"dash", "http-method", false},
                    KeyCase{"dot", "http.method", false}, KeyCase{"colon", "a:b", false},
                    KeyCase{"space", "a b", false}, KeyCase{"quote", "a\"", false}, KeyCase{"nul", "a\0"s, false},
                    KeyCase{"utf8", "größe", false}),
    [](const auto& test) { return std::string{test.param.what}; });

TEST(LabelKey, is_named_in_the_refusal_with_its_control_characters_replaced) {
  EXPECT_THAT([] { ft::detail::check_label_key("a\nb\x1b"); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("\"a?b?\"")));
}

TEST(ScopePrefix, follows_the_rules_of_names_and_may_be_empty) {
  for (const char* const good : {"", "a", "proxy", "proxy_2", "a__b"})
    EXPECT_NO_THROW(ft::detail::check_prefix(good)) << good;
  for (const char* const bad : {"Proxy", "2x", "_a", "a.b", "a-b", "a b", "ä"}) {
    EXPECT_THAT([&] { ft::detail::check_prefix(bad); },
                ThrowsMessage<std::invalid_argument>(HasSubstr("bad scope prefix")))
        << bad;
  }
}

}  // namespace names_test
