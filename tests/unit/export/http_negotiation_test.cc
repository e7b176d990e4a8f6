// SPDX-License-Identifier: Apache-2.0
#include "src/export/http_negotiation.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace ft = fast_telemetry;
using ft::detail::AcceptEncoding;
using ft::detail::scrape_budget;
using namespace std::chrono_literals;

namespace {

struct EncodingCase {
  const char* what;
  std::vector<std::string_view> fields;
  bool gzip;
};

class AcceptEncodingField : public testing::TestWithParam<EncodingCase> {};

}  // namespace

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

// Whatever bytes come: an answer, and no read beyond them (under AddressSanitizer).
TEST(HttpNegotiation, survives_any_bytes) {
  std::mt19937 random{6};
  constexpr std::string_view alphabet = "gzip;q=01.,* \tidentyx-\0\xff";
  for (int i = 0; i < 100'000; ++i) {
    std::string field(random() % 24, '\0');
    for (char& c : field) c = alphabet[random() % alphabet.size()];
    const std::string exactly_sized{field};
    AcceptEncoding accept;
    accept.field(exactly_sized);
    static_cast<void>(accept.gzip());
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
