// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ft = fast_telemetry;
using namespace std::string_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

namespace info_test {

struct NameCase {
  const char* what;
  std::string text;
  bool valid;
};

class Name : public testing::TestWithParam<NameCase> {};

TEST_P(Name, is_valid_or_not) { EXPECT_EQ(ft::Name::is_valid(GetParam().text), GetParam().valid); }

TEST_P(Name, is_accepted_at_run_time_only_when_it_is_valid) {
  if (GetParam().valid) {
    EXPECT_TRUE(ft::Name::checked(GetParam().text).text() == ft::Text{GetParam().text});
  } else {
    EXPECT_THROW(ft::Name::checked(GetParam().text), std::invalid_argument);
  }
}

// P-4, P-8
INSTANTIATE_TEST_SUITE_P(
    rules, Name,
    testing::Values(NameCase{"one_letter", "a", true}, NameCase{"word", "requests", true},
                    NameCase{"digits_and_underscores", "http_2_requests_5xx", true},
                    NameCase{"underscore_last", "requests_", true}, NameCase{"two_underscores", "a__b", true},
                    NameCase{"from_a_to_z", "abcdefghijklmnopqrstuvwxyz0123456789_", true},
                    NameCase{"of_255_characters", std::string(255, 'a'), true},
                    NameCase{"of_256_characters", std::string(256, 'a'), false}, NameCase{"empty", "", false},
                    NameCase{"digit_first", "2xx", false}, NameCase{"underscore_first", "_requests", false},
                    NameCase{"upper_case_first", "Requests", false},
                    NameCase{"upper_case_inside", "httpRequests", false}, NameCase{"dash", "http-requests", false},
                    NameCase{"space", "http requests", false}, NameCase{"space_last", "requests ", false},
                    NameCase{"dot", "http.requests", false}, NameCase{"colon", "job:requests", false},
                    NameCase{"slash", "a/b", false}, NameCase{"newline", "requests\n", false},
                    NameCase{"nul", "requests\0"s, false}, NameCase{"nul_inside", "requ\0ests"s, false},
                    NameCase{"utf8", "anfragen_größe", false}, NameCase{"before_a", "x`", false},
                    NameCase{"after_z", "x{", false}, NameCase{"byte_255", "x\xff", false}),
    [](const auto& test) { return std::string{test.param.what}; });

TEST(NameChecked, says_which_text_was_refused_and_what_the_rule_is) {
  EXPECT_THAT([] { static_cast<void>(ft::Name::checked("http-requests")); },
              ThrowsMessage<std::invalid_argument>(
                  AllOf(HasSubstr("\"http-requests\""), HasSubstr("lower-case letter"), HasSubstr("255"))));
}

TEST(NameChecked, shows_hostile_text_without_its_control_characters) {
  EXPECT_THAT([] { static_cast<void>(ft::Name::checked("a\0b\x1b[31m\n\xc3\xa4"s)); },
              ThrowsMessage<std::invalid_argument>(
                  AllOf(HasSubstr("\"a?b?[31m???\""), Not(HasSubstr("\x1b")), Not(HasSubstr("\n")))));
}

TEST(NameChecked, cuts_long_text_short) {
  EXPECT_THAT(
      [] { static_cast<void>(ft::Name::checked(std::string(1'000'000, 'a'))); },
      ThrowsMessage<std::invalid_argument>(testing::Truly([](const std::string& s) { return s.size() < 1000; })));
}

// Checked by the compiler: a literal that is no name does not compile (tests/build holds that; here, that good ones
// do).
constexpr ft::Name literal{"requests"};
static_assert(literal.text() == ft::Text{"requests"});
static_assert(ft::Name::is_valid("requests") && !ft::Name::is_valid("Requests"));

TEST(Text, is_made_from_a_literal_a_string_and_a_string_view) {
  const std::string string = "requests";
  const std::string_view string_view = string;
  for (const ft::Text text :
       {ft::Text{"requests"}, ft::Text{string}, ft::Text{string_view}, ft::Text{string.data(), 8}}) {
    EXPECT_EQ(text.size(), 8u);
    EXPECT_FALSE(text.empty());
    EXPECT_TRUE(text == ft::Text{"requests"});
    EXPECT_EQ(std::string(text.data(), text.size()), string);
  }
}

TEST(Text, is_made_implicitly_where_an_info_is_written) {
  const std::string help = "Requests read completely.";
  const ft::Info info{.name = "requests", .help = help};
  EXPECT_TRUE(info.help == ft::Text{help});
  EXPECT_EQ(info.unit, ft::Unit::none);
}

TEST(Text, is_empty_by_default_and_never_null) {
  constexpr const char* null = nullptr;
  static_assert(ft::Text{null}.empty() && ft::Text{null}.data() != nullptr);
  constexpr ft::Text none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.size(), 0u);
  EXPECT_NE(none.data(), nullptr);
  EXPECT_TRUE(none == ft::Text{""});
}

TEST(Text, keeps_nul_characters_of_strings) {
  const ft::Text text{"a\0b"s};
  EXPECT_EQ(text.size(), 3u);
  EXPECT_FALSE(text == ft::Text{"a"});
}

TEST(Text, borrows_and_does_not_copy) {
  const std::string string = "requests";
  EXPECT_EQ(ft::Text{string}.data(), string.data());
}

TEST(Text, differs_when_length_or_one_character_differs) {
  EXPECT_FALSE(ft::Text{"abc"} == ft::Text{"ab"});
  EXPECT_FALSE(ft::Text{"abc"} == ft::Text{"abd"});
  EXPECT_FALSE(ft::Text{"abc"} == ft::Text{"xbc"});
}

template <class T>
concept BecomesText = requires(T t) { ft::Text{t}; };
static_assert(BecomesText<const char*> && BecomesText<std::string> && BecomesText<std::string_view>);
static_assert(!BecomesText<int> && !BecomesText<std::vector<char>>);

}  // namespace info_test
