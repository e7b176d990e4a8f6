// SPDX-License-Identifier: Apache-2.0
#include "src/core/utf8.h"

#include <gtest/gtest.h>

#include <string_view>

namespace ft = fast_telemetry;
using namespace std::string_view_literals;

namespace utf8_test {

struct Utf8Case {
  const char* what;
  std::string_view input;
  std::string_view expected;
};

class Utf8 : public testing::TestWithParam<Utf8Case> {};

TEST_P(Utf8, is_repaired_by_one_replacement_per_maximal_subpart) {
  EXPECT_EQ(ft::detail::repaired(GetParam().input), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(well_formed, Utf8,
                         testing::Values(Utf8Case{"ascii", "abc", "abc"}, Utf8Case{"nul", "a\0b"sv, "a\0b"sv},
                                         Utf8Case{"two_bytes", "\xC2\x80\xDF\xBF", "\xC2\x80\xDF\xBF"},
                                         Utf8Case{"three_bytes", "\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF",
                                                  "\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"},
                                         Utf8Case{"four_bytes", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF",
                                                  "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"}),
                         [](const auto& test) { return std::string{test.param.what}; });

// The last four are the tables 3-8 to 3-11 of the Unicode Standard, chapter 3.9, which say what one U+FFFD stands for.
#define R "\xEF\xBF\xBD"
INSTANTIATE_TEST_SUITE_P(
    ill_formed, Utf8,
    testing::Values(Utf8Case{"lone_continuation", "a\x80z", "a" R "z"},  //
                    Utf8Case{"truncated_at_the_end", "a\xE2\x82", "a" R},
                    Utf8Case{"truncated_in_the_middle", "\xF0\x9F\x92z", R "z"},
                    Utf8Case{"never_a_lead", "\xC0\xC1\xF5\xFF", R R R R},
                    Utf8Case{"beyond_the_last_code_point", "\xF4\x90\x80\x80", R R R R},
                    Utf8Case{"non_shortest_forms", "\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", R R R R R R R R "\x41"},
                    Utf8Case{"surrogates", "\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", R R R R R R R R "\x41"},
                    Utf8Case{"other", "\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", R R R R R "\x41" R R "\x42"},
                    Utf8Case{"truncated_sequences", "\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", R R R R "\x41"}),
    [](const auto& test) { return std::string{test.param.what}; });
#undef R

}  // namespace utf8_test
