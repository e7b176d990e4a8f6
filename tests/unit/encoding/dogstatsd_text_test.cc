// SPDX-License-Identifier: Apache-2.0
#include "src/encoding/dogstatsd_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <string>

namespace ft = fast_telemetry;

namespace dogstatsd_text_test {

std::string name(std::string_view scope, std::string_view text) {
  ft::ByteBuffer out;
  ft::detail::append_dogstatsd_name(out, scope, text);
  return std::string{out.view()};
}

std::string tag(std::string_view key, std::string_view value) {
  ft::ByteBuffer out;
  ft::detail::append_dogstatsd_tag(out, key, value);
  return std::string{out.view()};
}

std::string plain(double value) {
  char text[ft::detail::longest_plain_number];
  return {text, ft::detail::write_plain(text, value)};
}

std::string plain_short(double value) {
  char text[ft::detail::longest_plain_number];
  return {text, ft::detail::write_plain_short(text, value)};
}

// DSD-8, W-53: the original writes all of these as they are.
TEST(DogStatsdName, keeps_what_is_legal_and_nothing_else) {
  EXPECT_EQ(name("", "requests"), "requests");
  EXPECT_EQ(name("proxy.pool", "requests"), "proxy.pool.requests");
  EXPECT_EQ(name("", "a:b|c\nd:1|c"), "a_b_c_d_1_c");
  EXPECT_EQ(name("", std::string{"a@b#c,d\re\0f g", 13}), "a_b_c_d_e_f_g");
  EXPECT_EQ(name("", "9lives"), "x_9lives");
  EXPECT_EQ(name("", ""), "x_");
  EXPECT_EQ(name("", std::string(300, 'a')), std::string(200, 'a'));
}

// The expected texts but the last lines' are what Datadog's own client for Python makes of the same tags.
TEST(DogStatsdTag, keeps_what_is_legal_and_nothing_else) {
  EXPECT_EQ(tag("k", "v|x"), "k:v_x");
  EXPECT_EQ(tag("k", "q,r"), "k:q_r");
  EXPECT_EQ(tag("k", "n\nl"), "k:n_l");
  EXPECT_EQ(tag("k", "#h@z"), "k:_h_z");
  EXPECT_EQ(tag("k", "a:b/c.d-e"), "k:a:b/c.d-e");
  EXPECT_EQ(tag("k", "größe"), "k:größe");
  EXPECT_EQ(tag("k", "\xff\xc3|"), "k:___");
  EXPECT_EQ(tag("k", "v:"), "k:v_");
  EXPECT_EQ(tag("a:b", "v"), "a_b:v");
}

TEST(DogStatsdTag, has_200_characters_at_most_and_ends_with_a_whole_one) {
  EXPECT_EQ(tag("k", std::string(300, 'v')), "k:" + std::string(198, 'v'));
  std::string wide;
  for (int i = 0; i < 300; ++i) wide += "ö";
  EXPECT_EQ(tag("k", wide), "k:" + wide.substr(0, 2 * 198));
  EXPECT_EQ(tag("k", std::string(197, 'v') + "::"), "k:" + std::string(197, 'v') + "_");
}

TEST(DogStatsdTag, is_never_one_of_the_agents_own) {
  EXPECT_EQ(tag("host", "upstream"), "host_:upstream");
  EXPECT_EQ(tag("dd.internal.entity_id", "x"), "dd.internal.entity_id_:x");
}

TEST(DogStatsdNumber, has_no_exponent_and_reads_back_as_itself) {
  EXPECT_EQ(plain(0), "0");
  EXPECT_EQ(plain(-3), "-3");
  EXPECT_EQ(plain(0.1), "0.1");
  EXPECT_EQ(plain(100000), "100000");
  EXPECT_EQ(plain(1e21), "1000000000000000000000");
  EXPECT_EQ(plain(5e-5), "0.00005");
  std::mt19937_64 random{11};
  for (int i = 0; i < 10'000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = plain(value);
    EXPECT_EQ(text.find_first_of("eE"), std::string::npos) << text;
    double read = 0;
    std::from_chars(text.data(), text.data() + text.size(), read);
    EXPECT_EQ(read, value) << text;
  }
  for (const double value : {std::numeric_limits<double>::denorm_min(), std::numeric_limits<double>::lowest()}) {
    EXPECT_LT(plain(value).size(), ft::detail::longest_plain_number);
  }
}

TEST(DogStatsdNumber, can_have_seven_digits) {
  EXPECT_EQ(plain_short(0.0123456789), "0.012345679");
  EXPECT_EQ(plain_short(3), "3");
  EXPECT_EQ(plain_short(1e300), plain(1e300));
  EXPECT_EQ(plain_short(1e-300), plain(1e-300));
}

// W-55. An agent takes the whole part of 1 / rate: 1 / 49 as a double is too great. Mutation seen red: the loop left
// out.
TEST(SampleRate, stands_for_exactly_as_many_values) {
  const auto read_back = [](std::uint64_t count) {
    const std::string text = plain(ft::detail::sample_rate(count));
    double rate = 0;
    std::from_chars(text.data(), text.data() + text.size(), rate);
    return static_cast<std::uint64_t>(1 / rate);
  };
  for (std::uint64_t count = 2; count < 100'000; ++count) ASSERT_EQ(read_back(count), count);
  std::mt19937_64 random{3};
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t count = (random() >> 14U) + 2;
    ASSERT_EQ(read_back(count), count);
  }
  const auto greatest = static_cast<double>(read_back(std::uint64_t{1} << 62U));
  EXPECT_NEAR(greatest, std::ldexp(1, 62), std::ldexp(1, 62) * 1e-15);
}

}  // namespace dogstatsd_text_test
