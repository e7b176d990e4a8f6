// SPDX-License-Identifier: Apache-2.0
#include "src/encoding/text_number.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

namespace ft = fast_telemetry;

namespace text_number_test {

template <class Value>
std::string number(Value value) {
  char text[ft::detail::longest_number];
  return {text, ft::detail::write_number(text, value)};
}

std::string seconds(std::int64_t nanoseconds) {
  char text[ft::detail::longest_number];
  return {text, ft::detail::write_seconds(text, nanoseconds)};
}

std::string canonical(double value) {
  char text[ft::detail::longest_number];
  return {text, ft::detail::write_canonical(text, value)};
}

constexpr double infinity = std::numeric_limits<double>::infinity();

// PRM-8
TEST(TextNumber, unsigned_integers_of_every_length_are_plain) {
  std::uint64_t value = 0;
  for (int digits = 0; digits < 20; ++digits) {
    for (const std::uint64_t n : {value, value + 1, value * 10 - 1}) EXPECT_EQ(number(n), std::to_string(n));
    value = value == 0 ? 1 : value * 10;
  }
  EXPECT_EQ(number(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
}

TEST(TextNumber, unsigned_integers_agree_with_the_standard_library) {
  std::mt19937_64 random{1};
  for (int i = 0; i < 200'000; ++i) {
    const std::uint64_t value = random() >> (random() % 64);
    ASSERT_EQ(number(value), std::to_string(value));
  }
}

// PRM-8
TEST(TextNumber, signed_integers_are_plain_at_both_ends) {
  EXPECT_EQ(number(std::int64_t{-1}), "-1");
  EXPECT_EQ(number(std::int64_t{0}), "0");
  EXPECT_EQ(number(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(number(std::numeric_limits<std::int64_t>::max()), "9223372036854775807");
}

// P-11
TEST(TextNumber, doubles_have_the_fewest_digits_that_read_back) {
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(-2.5), "-2.5");
  EXPECT_EQ(number(1e300), "1e+300");
  EXPECT_EQ(number(5e-324), "5e-324");
  EXPECT_EQ(number(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(number(0.30000000000000004), "0.30000000000000004");
}

// P-11
TEST(TextNumber, whole_doubles_are_integers_as_long_as_they_are_exact) {
  EXPECT_EQ(number(0.0), "0");
  EXPECT_EQ(number(-0.0), "-0");
  EXPECT_EQ(number(100000.0), "100000");
  EXPECT_EQ(number(-3.0), "-3");
  EXPECT_EQ(number(9007199254740991.0), "9007199254740991");
  EXPECT_EQ(number(9007199254740992.0), "9007199254740992");
  EXPECT_EQ(number(1e22), "1e+22");
}

// P-11: `Nan` and `inf` are what other libraries were caught writing.
TEST(TextNumber, what_is_not_finite_is_spelled_as_go_reads_it) {
  EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(number(-std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(number(infinity), "+Inf");
  EXPECT_EQ(number(-infinity), "-Inf");
}

TEST(TextNumber, every_double_reads_back_as_itself) {
  std::mt19937_64 random{2};
  for (int i = 0; i < 200'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    for (const std::string& text : {number(value), canonical(value)}) {
      double back = 0;
      const auto result = std::from_chars(text.data(), text.data() + text.size(), back);
      ASSERT_EQ(result.ptr, text.data() + text.size()) << text;
      ASSERT_EQ(std::bit_cast<std::uint64_t>(back), std::bit_cast<std::uint64_t>(value)) << text;
    }
  }
}

// P-32: the list of OpenMetrics 1.0, "Considerations: Canonical Numbers".
TEST(TextNumber, bounds_have_the_canonical_form_of_openmetrics) {
  EXPECT_EQ(canonical(0.0), "0.0");
  EXPECT_EQ(canonical(0.001), "0.001");
  EXPECT_EQ(canonical(0.1), "0.1");
  EXPECT_EQ(canonical(1.0), "1.0");
  EXPECT_EQ(canonical(10.0), "10.0");
  EXPECT_EQ(canonical(100000.0), "100000.0");
  EXPECT_EQ(canonical(1e6), "1e+06");
  EXPECT_EQ(canonical(1e10), "1e+10");
  EXPECT_EQ(canonical(1e-5), "1e-05");
  EXPECT_EQ(canonical(infinity), "+Inf");
}

// Go: fmt.Sprint(strconv.FormatFloat(x, 'g', -1, 64)), and `.0` where neither a point nor an exponent is in it.
TEST(TextNumber, bounds_that_the_list_does_not_name_are_as_go_writes_them) {
  EXPECT_EQ(canonical(0.0001), "0.0001");
  EXPECT_EQ(canonical(0.00012), "0.00012");
  EXPECT_EQ(canonical(0.00001234), "1.234e-05");
  EXPECT_EQ(canonical(123456.0), "123456.0");
  EXPECT_EQ(canonical(1234567.0), "1.234567e+06");
  EXPECT_EQ(canonical(123456.789), "123456.789");
  EXPECT_EQ(canonical(-5.0), "-5.0");
  EXPECT_EQ(canonical(-0.25), "-0.25");
  EXPECT_EQ(canonical(2.5e100), "2.5e+100");
}

// P-30
TEST(TextNumber, times_are_seconds_to_the_nanosecond) {
  EXPECT_EQ(seconds(0), "0");
  EXPECT_EQ(seconds(1), "0.000000001");
  EXPECT_EQ(seconds(1520879607789000000), "1520879607.789");
  EXPECT_EQ(seconds(1520879607000000000), "1520879607");
  EXPECT_EQ(seconds(1520879607000000010), "1520879607.00000001");
  EXPECT_EQ(seconds(-1500000000), "-1.5");
  EXPECT_EQ(seconds(std::numeric_limits<std::int64_t>::max()), "9223372036.854775807");
  EXPECT_EQ(seconds(std::numeric_limits<std::int64_t>::min()), "-9223372036.854775808");
}

}  // namespace text_number_test
