// SPDX-License-Identifier: Apache-2.0
#include "src/encoding/exemplar_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace ft = fast_telemetry;

namespace exemplar_text_test {

std::vector<std::byte> bytes(std::size_t count, unsigned first) {
  std::vector<std::byte> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(static_cast<std::byte>(first + 0x11 * i));
  return made;
}

std::string written(const ft::Exemplar& exemplar) {
  ft::ByteBuffer out;
  out.append("x_total 1");
  ft::detail::append_exemplar(out, exemplar);
  return std::string{out.view().substr(9)};
}

const std::vector<std::byte> trace = bytes(16, 0x01);
const std::vector<std::byte> span = bytes(8, 0xa0);
constexpr const char* trace_text = "trace_id=\"0112233445566778899aabbccddeef00\"";
constexpr const char* span_text = "span_id=\"a0b1c2d3e4f50617\"";

ft::Exemplar with_labels(std::span<const ft::Label> labels, std::span<const std::byte> trace_id = {},
                         std::span<const std::byte> span_id = {}) {
  return {.value = 1, .time_unix_ns = 0, .trace_id = trace_id, .span_id = span_id, .labels = labels};
}

// P-34, P-30, W-54
TEST(ExemplarText, has_ids_in_hexadecimal_then_labels_value_and_seconds) {
  const ft::Label labels[] = {{"path", "/a \"b\"\\\n"}};
  EXPECT_EQ(
      written(
          {.value = 0.67, .time_unix_ns = 1520879607789000000, .trace_id = trace, .span_id = span, .labels = labels}),
      std::string{" # {"} + trace_text + "," + span_text + ",path=\"/a \\\"b\\\"\\\\\\n\"} 0.67 1520879607.789");
}

TEST(ExemplarText, has_what_there_is) {
  EXPECT_EQ(written(with_labels({})), " # {} 1");
  EXPECT_EQ(written(with_labels({}, trace)), std::string{" # {"} + trace_text + "} 1");
  EXPECT_EQ(written(with_labels({}, {}, span)), std::string{" # {"} + span_text + "} 1");
  EXPECT_EQ(written({.value = -std::numeric_limits<double>::infinity(),
                     .time_unix_ns = 1,
                     .trace_id = {},
                     .span_id = {},
                     .labels = {}}),
            " # {} -Inf 0.000000001");
}

// P-35: names and values count, in code points. Mutation seen red: the limit as 129.
TEST(ExemplarText, has_128_code_points_of_labels_and_no_more) {
  const auto long_label = [](std::size_t code_points) {
    std::string value;
    for (std::size_t i = 0; i < code_points; ++i) value += "€";
    return value;
  };
  const std::string fits = long_label(128 - 3);
  const std::string exceeds = long_label(128 - 2);
  const ft::Label fitting[] = {{"key", fits}};
  const ft::Label exceeding[] = {{"key", exceeds}};
  EXPECT_EQ(written(with_labels(fitting)), " # {key=\"" + fits + "\"} 1");
  EXPECT_EQ(written(with_labels(exceeding)), " # {} 1");

  const std::string beside_ids = long_label(128 - 63 - 3);
  const std::string too_much_beside_ids = long_label(128 - 63 - 2);
  const ft::Label fitting_ids[] = {{"key", beside_ids}};
  const ft::Label exceeding_ids[] = {{"a", "1"}, {"key", too_much_beside_ids}};
  const std::string ids = std::string{" # {"} + trace_text + "," + span_text;
  EXPECT_EQ(written(with_labels(fitting_ids, trace, span)), ids + ",key=\"" + beside_ids + "\"} 1");
  EXPECT_EQ(written(with_labels(exceeding_ids, trace, span)), ids + "} 1");
}

// What stands for ill-formed bytes is counted as it is written.
TEST(ExemplarText, counts_replaced_bytes_as_code_points) {
  const std::string fits(125, '\xff');
  const std::string exceeds(126, '\xff');
  const ft::Label fitting[] = {{"key", fits}};
  const ft::Label exceeding[] = {{"key", exceeds}};
  EXPECT_EQ(written(with_labels(fitting)).size(), std::string{" # {key=\"\"} 1"}.size() + 3 * 125);
  EXPECT_EQ(written(with_labels(exceeding)), " # {} 1");
}

TEST(ExemplarText, is_left_out_when_its_ids_alone_are_too_long) {
  const std::vector<std::byte> endless = bytes(61, 0);  // 8 + 2 * 61 > 128
  EXPECT_EQ(written(with_labels({}, endless)), "");
  EXPECT_NE(written(with_labels({}, std::span{endless}.first(60))), "");
}

// P-36: each of these labels would fail the whole scrape, or is reserved. Mutation seen red: is_shown always true.
TEST(ExemplarText, leaves_out_labels_that_the_format_refuses) {
  const ft::Label labels[] = {{"", "empty"},         {"a b", "blank"}, {"1a", "digit"},   {"ä", "letter"},
                              {"_a", "reserved"},    {"a", ""},        {"a", "first"},    {"a", "again"},
                              {"trace_id", "twice"}, {"span_id", "x"}, {"a\"} 1\n", "x"}, {"B_2", "ok"}};
  EXPECT_EQ(written(with_labels(labels, trace)), std::string{" # {"} + trace_text + ",a=\"first\",B_2=\"ok\"} 1");
}

}  // namespace exemplar_text_test
