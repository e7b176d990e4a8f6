// SPDX-License-Identifier: Apache-2.0
#include "src/export/http_negotiation.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fast_telemetry/encoding/open_metrics.h"
#include "fast_telemetry/encoding/prometheus_text.h"

namespace ft = fast_telemetry;
using ft::detail::Accept;
using ft::detail::AcceptEncoding;
using ft::detail::content_type_of;
using ft::detail::Escaping;
using ft::detail::Format;
using ft::detail::scrape_budget;
using namespace std::chrono_literals;

namespace http_negotiation_test {

struct EncodingCase {
  const char* what;
  std::vector<std::string_view> fields;
  bool gzip;
};

class AcceptEncodingField : public testing::TestWithParam<EncodingCase> {};

struct FormatCase {
  const char* what;
  std::vector<std::string_view> fields;
  Format format;
  Escaping escaping = Escaping::unspecified;
};

class AcceptField : public testing::TestWithParam<FormatCase> {};

TEST_P(AcceptEncodingField, offers_gzip_or_not) {
  AcceptEncoding accept;
  for (const std::string_view field : GetParam().fields) accept.field(field);
  EXPECT_EQ(accept.gzip(), GetParam().gzip);
}

// P-44, S-44; RFC 9110, 12.4.2 and 12.5.3
INSTANTIATE_TEST_SUITE_P(rfc_9110, AcceptEncodingField,
                         testing::Values(EncodingCase{"no_field", {}, false},  //
                                         EncodingCase{"empty", {""}, false},   //
                                         EncodingCase{"prometheus", {"gzip"}, true},
                                         EncodingCase{"in_a_list", {"deflate, gzip;q=1.0, *;q=0.5"}, true},
                                         EncodingCase{"upper_case", {"GZIP"}, true},  //
                                         EncodingCase{"old_name", {"x-gzip"}, true},  //
                                         EncodingCase{"something_like_it", {"gzipped, xgzip"}, false},
                                         EncodingCase{"refused", {"gzip;q=0"}, false},
                                         EncodingCase{"refused_in_full", {"gzip;q=0.000"}, false},
                                         EncodingCase{"hardly_wanted", {"gzip;q=0.001"}, true},
                                         EncodingCase{"refused_though_all_are_welcome", {"gzip;q=0, *"}, false},
                                         EncodingCase{"refused_after_all_are_welcome", {"*, gzip;q=0"}, false},
                                         EncodingCase{"anything", {"*"}, true},          //
                                         EncodingCase{"nothing", {"*;q=0"}, false},      //
                                         EncodingCase{"identity", {"identity"}, false},  //
                                         EncodingCase{"identity_refused_others_welcome", {"identity;q=0, *"}, true},
                                         EncodingCase{"identity_preferred", {"identity;q=1, gzip;q=0.5"}, false},
                                         EncodingCase{"gzip_preferred", {"identity;q=0.5, gzip;q=1"}, true},
                                         EncodingCase{"as_good_as_identity", {"identity, gzip"}, true},
                                         EncodingCase{"blanks_everywhere", {" \tdeflate ,\tgzip ; q = 0.5 , "}, true},
                                         EncodingCase{"upper_case_weight", {"gzip;Q=0"}, false},
                                         EncodingCase{"other_parameters", {"gzip;level=9;q=0"}, false},
                                         EncodingCase{"several_fields", {"deflate", "gzip"}, true},
                                         EncodingCase{"several_fields_one_refuses", {"*", "gzip;q=0"}, false},
                                         EncodingCase{"ill_formed_weight", {"gzip;q=x"}, false},
                                         EncodingCase{"ill_formed_weight_empty", {"gzip;q="}, false},
                                         EncodingCase{"weight_too_large", {"gzip;q=1.001"}, false},
                                         EncodingCase{"weight_negative", {"gzip;q=-1"}, false},
                                         EncodingCase{"weight_too_precise", {"gzip;q=0.0001"}, false},
                                         EncodingCase{"ill_formed_neighbour", {"deflate;q=x, gzip"}, true},
                                         EncodingCase{"only_separators", {",;,=;,"}, false}),
                         [](const auto& test) { return std::string{test.param.what}; });

TEST_P(AcceptField, chooses_a_format) {
  Accept accept;
  for (const std::string_view field : GetParam().fields) accept.field(field);
  EXPECT_EQ(accept.best().format, GetParam().format);
  EXPECT_EQ(accept.best().escaping, GetParam().escaping);
}

// P-40: what scrapers send. Mutation seen red: Accept::match without the version.
INSTANTIATE_TEST_SUITE_P(
    scrapers, AcceptField,
    testing::Values(
        FormatCase{"prometheus_3",
                   {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;"
                    "q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"},
                   Format::open_metrics,
                   Escaping::allow_utf_8},
        FormatCase{"the_documentation_with_its_misprint",
                   {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;"
                    "q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1"},
                   Format::open_metrics,
                   Escaping::allow_utf_8},
        FormatCase{"prometheus_3_with_native_histograms",
                   {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
                    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;"
                    "q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"},
                   Format::open_metrics,
                   Escaping::allow_utf_8},
        FormatCase{"prometheus_2_42_with_native_histograms",
                   {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
                    "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;"
                    "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"},
                   Format::open_metrics},
        FormatCase{"prometheus_2_42",
                   {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"},
                   Format::open_metrics},
        FormatCase{"prometheus_2_5",
                   {"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"},
                   Format::text},
        FormatCase{"victoria_metrics", {"text/plain;version=0.0.4;q=1,*/*;q=0.1"}, Format::text},
        FormatCase{"curl", {"*/*"}, Format::text},
        FormatCase{
            "a_browser", {"text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"}, Format::text}),
    [](const auto& test) { return std::string{test.param.what}; });

// P-39, P-41, P-42; RFC 9110, 12.5.1
INSTANTIATE_TEST_SUITE_P(
    rules, AcceptField,
    testing::Values(
        FormatCase{"no_field", {}, Format::text},  //
        FormatCase{"empty", {""}, Format::text},   //
        FormatCase{"neither", {"application/json"}, Format::text},
        FormatCase{"no_version", {"application/openmetrics-text"}, Format::open_metrics},
        FormatCase{"version_0_0_1_only", {"application/openmetrics-text;version=0.0.1"}, Format::text},
        FormatCase{"version_2_only", {"application/openmetrics-text;version=2.0.0"}, Format::text},
        FormatCase{"version_2_then_1",
                   {"application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.5"},
                   Format::open_metrics},
        FormatCase{"text_1_0_0_only", {"text/plain;version=1.0.0;escaping=allow-utf-8"}, Format::text},
        FormatCase{"text_1_0_0_then_open_metrics",
                   {"text/plain;version=1.0.0,application/openmetrics-text;q=0.1"},
                   Format::open_metrics},
        FormatCase{"greater_weight_though_later",
                   {"text/plain;q=0.5,application/openmetrics-text;q=0.501"},
                   Format::open_metrics},
        FormatCase{
            "smaller_weight_though_first", {"application/openmetrics-text;q=0.5,text/plain;q=0.501"}, Format::text},
        FormatCase{"same_weight_open_metrics_first", {"application/openmetrics-text,text/plain"}, Format::open_metrics},
        FormatCase{"same_weight_text_first", {"text/plain,application/openmetrics-text"}, Format::text},
        FormatCase{"refused", {"application/openmetrics-text;q=0"}, Format::text},
        FormatCase{"refused_though_all_are_welcome", {"*/*,application/openmetrics-text;q=0"}, Format::text},
        FormatCase{"text_refused_all_others_welcome", {"text/plain;q=0,*/*"}, Format::open_metrics},
        FormatCase{"text_refused_nothing_else_named", {"text/plain;q=0"}, Format::text},
        FormatCase{"both_refused", {"application/openmetrics-text;q=0,text/plain;q=0"}, Format::text},
        FormatCase{"listed_twice",
                   {"application/openmetrics-text,text/plain,application/openmetrics-text"},
                   Format::open_metrics},
        FormatCase{"all_refused", {"*/*;q=0"}, Format::text},
        FormatCase{"all_applications", {"application/*"}, Format::open_metrics},
        FormatCase{"all_texts", {"text/*,application/*;q=0.5"}, Format::text},
        FormatCase{"the_most_specific_decides",
                   {"application/*;q=1,application/openmetrics-text;q=0.1,text/plain;q=0.2"},
                   Format::text},
        FormatCase{
            "upper_case", {"APPLICATION/OpenMetrics-Text;VERSION=1.0.0;Q=0.9,text/plain;q=0.8"}, Format::open_metrics},
        FormatCase{"blanks",
                   {" application/openmetrics-text ; version = 1.0.0 ; q=0.9 ,\ttext/plain ; q=0.8"},
                   Format::open_metrics},
        FormatCase{"quoted_version", {"application/openmetrics-text;version=\"1.0.0\""}, Format::open_metrics},
        FormatCase{"several_fields", {"text/plain;q=0.5", "application/openmetrics-text"}, Format::open_metrics},
        FormatCase{"ill_formed_weight", {"application/openmetrics-text;q=x,text/plain;q=0.1"}, Format::text},
        FormatCase{
            "ill_formed_neighbours", {"/;q=1,;,=,a/b/c,application/openmetrics-text;q=0.1"}, Format::open_metrics},
        FormatCase{"something_like_it", {"application/openmetrics-texts,xapplication/openmetrics-text"}, Format::text}),
    [](const auto& test) { return std::string{test.param.what}; });

// P-50: all schemes but dots leave legal names as they are. Mutation seen red: dots taken for values.
INSTANTIATE_TEST_SUITE_P(
    escaping, AcceptField,
    testing::Values(
        FormatCase{"underscores",
                   {"application/openmetrics-text;escaping=underscores"},
                   Format::open_metrics,
                   Escaping::underscores},
        FormatCase{"values", {"application/openmetrics-text;escaping=values"}, Format::open_metrics, Escaping::values},
        FormatCase{"dots", {"application/openmetrics-text;escaping=dots"}, Format::open_metrics, Escaping::underscores},
        FormatCase{"unknown", {"application/openmetrics-text;escaping=x"}, Format::open_metrics, Escaping::underscores},
        FormatCase{"of_text", {"text/plain;version=0.0.4;escaping=allow-utf-8"}, Format::text, Escaping::allow_utf_8},
        FormatCase{"of_the_range_that_was_chosen",
                   {"application/openmetrics-text;escaping=values;q=0.1,text/plain"},
                   Format::text},
        FormatCase{
            "of_no_format_of_ours", {"application/openmetrics-text;version=0.0.1;escaping=values"}, Format::text}),
    [](const auto& test) { return std::string{test.param.what}; });

// P-1, P-20
TEST(ContentType, names_format_version_and_what_was_asked_for) {
  EXPECT_EQ(content_type_of({Format::text}), ft::PrometheusTextEncoder::content_type);
  EXPECT_EQ(content_type_of({Format::open_metrics}), ft::OpenMetricsEncoder::content_type);
  for (const auto& [escaping, name] :
       {std::pair{Escaping::underscores, "underscores"}, std::pair{Escaping::values, "values"},
        std::pair{Escaping::allow_utf_8, "allow-utf-8"}}) {
    EXPECT_EQ(content_type_of({Format::text, escaping}),
              std::string{ft::PrometheusTextEncoder::content_type} + "; escaping=" + name);
    EXPECT_EQ(content_type_of({Format::open_metrics, escaping}),
              std::string{ft::OpenMetricsEncoder::content_type} + "; escaping=" + name);
  }
}

// Whatever bytes come: an answer, and no read beyond them (under AddressSanitizer).
TEST(HttpNegotiation, survives_any_bytes) {
  std::mt19937 random{6};
  constexpr std::string_view alphabet = "gzip;q=01.,* \tidentyx-/\"+\0\xff";
  for (int i = 0; i < 100'000; ++i) {
    std::string field(random() % 24, '\0');
    for (char& c : field) c = alphabet[random() % alphabet.size()];
    const std::string exactly_sized{field};
    AcceptEncoding accept;
    accept.field(exactly_sized);
    static_cast<void>(accept.gzip());
    Accept formats;
    formats.field(exactly_sized);
    EXPECT_NE(content_type_of(formats.best()), nullptr);
    static_cast<void>(scrape_budget(exactly_sized));
  }
}

// P-45
TEST(ScrapeBudget, leaves_time_for_the_way_back) {
  EXPECT_EQ(scrape_budget("10"), 9500ms);
  EXPECT_EQ(scrape_budget("10.000000"), 9500ms);
  EXPECT_EQ(scrape_budget(" 3 "), 2500ms);
  EXPECT_EQ(scrape_budget("0.5"), 250ms);
  EXPECT_EQ(scrape_budget("0.001"), 0ms);
}

TEST(ScrapeBudget, is_nothing_for_what_is_not_a_time) {
  for (const char* const field : {"", "x", "10s", "-1", "0", "nan", "inf", "1e999", "1e3", "0x10", "1,5", "1000001"}) {
    EXPECT_EQ(scrape_budget(field), std::nullopt) << field;
  }
}

}  // namespace http_negotiation_test
