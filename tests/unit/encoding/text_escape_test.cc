// SPDX-License-Identifier: Apache-2.0
#include "src/encoding/text_escape.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ft = fast_telemetry;
using namespace std::string_view_literals;

namespace text_escape_test {

struct EscapeCase {
  const char* what;
  std::string_view input;
  std::string_view expected;
};

class LabelValue : public testing::TestWithParam<EscapeCase> {};
class Help : public testing::TestWithParam<EscapeCase> {};
class OpenMetricsHelp : public testing::TestWithParam<EscapeCase> {};

template <auto append>
std::string escaped(std::string_view text) {
  ft::ByteBuffer out;
  append(out, text);
  return std::string{out.view()};
}

TEST_P(LabelValue, is_escaped) {
  EXPECT_EQ(escaped<ft::detail::append_label_value>(GetParam().input), GetParam().expected);
}

// P-6, P-7, P-8, PRM-9, W-53
INSTANTIATE_TEST_SUITE_P(exposition_format_0_0_4, LabelValue,
                         testing::Values(EscapeCase{"empty", "", ""},                //
                                         EscapeCase{"backslash", "a\\b", "a\\\\b"},  //
                                         EscapeCase{"quote", "a\"b", "a\\\"b"},      //
                                         EscapeCase{"newline", "a\nb", "a\\nb"},     //
                                         EscapeCase{"all_three_at_the_end", "q\"\\\n", "q\\\"\\\\\\n"},
                                         EscapeCase{"nothing_else_of_ascii", "\t\r\x01\x7f{}=,# '",
                                                    "\t\r\x01\x7f{}=,# '"},
                                         EscapeCase{"nul_stays", "a\0b"sv, "a\0b"sv},  //
                                         EscapeCase{"utf8_stays", "größe €😀", "größe €😀"},
                                         EscapeCase{"ill_formed_is_replaced",
                                                    "a\xff\xfe"
                                                    "b",
                                                    "a\xEF\xBF\xBD\xEF\xBF\xBD"
                                                    "b"}),
                         [](const auto& test) { return std::string{test.param.what}; });

TEST_P(Help, is_escaped) { EXPECT_EQ(escaped<ft::detail::append_help>(GetParam().input), GetParam().expected); }

// P-5, P-7, P-8, PRM-9
INSTANTIATE_TEST_SUITE_P(exposition_format_0_0_4, Help,
                         testing::Values(EscapeCase{"backslash_and_newline_but_not_quote", "a\"b\\c\nd",
                                                    "a\"b\\\\c\\nd"},
                                         EscapeCase{"nul_is_replaced", "a\0b"sv,
                                                    "a\xEF\xBF\xBD"
                                                    "b"},
                                         EscapeCase{"ill_formed_is_replaced", "\xC3(", "\xEF\xBF\xBD("}),
                         [](const auto& test) { return std::string{test.param.what}; });

TEST_P(OpenMetricsHelp, is_escaped) {
  EXPECT_EQ(escaped<ft::detail::append_open_metrics_help>(GetParam().input), GetParam().expected);
}

// P-31, PRM-9
INSTANTIATE_TEST_SUITE_P(open_metrics_1_0, OpenMetricsHelp,
                         testing::Values(EscapeCase{"quote_too", "a\"b\\c\nd", "a\\\"b\\\\c\\nd"},
                                         EscapeCase{"nul_is_replaced", "a\0b"sv,
                                                    "a\xEF\xBF\xBD"
                                                    "b"},
                                         EscapeCase{"ill_formed_is_replaced", "\xC3(", "\xEF\xBF\xBD("}),
                         [](const auto& test) { return std::string{test.param.what}; });

}  // namespace text_escape_test
