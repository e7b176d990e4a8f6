// SPDX-License-Identifier: Apache-2.0
#include "src/encoding/utf8_text.h"

#include <gtest/gtest.h>

#include <string>

#include "src/core/utf8.h"
#include "tests/support/otlp_text.h"
#include "tests/support/random_spans.h"

namespace ft = fast_telemetry;

namespace utf8_text_test {

using ft::detail::Utf8Text;

void expect_repaired(std::string_view text) {
  ft::ByteBuffer scratch;
  scratch.append("of before");
  const Utf8Text looked_at{text};
  const std::string_view result = looked_at.in(scratch);
  EXPECT_EQ(result, ft::detail::repaired(text));
  EXPECT_EQ(result.size(), looked_at.size());
  EXPECT_TRUE(ft::otlp_text::is_utf8(result));
}

TEST(Utf8Text, that_is_well_formed_is_not_copied) {
  for (const std::string_view text : {"", "a", "12345678", "größer als acht", "\xF0\x9F\x98\x80"}) {
    ft::ByteBuffer scratch;
    EXPECT_EQ(Utf8Text{text}.in(scratch).data(), text.data());
    EXPECT_EQ(Utf8Text{text}.size(), text.size());
  }
}

// The look at whole words must find a byte at any place of one, and in the rest behind them.
TEST(Utf8Text, is_repaired_wherever_it_is_broken) {
  for (const std::string_view bad : {"\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xED\xA0\x80", "\x80"}) {
    for (std::size_t before = 0; before < 20; ++before) {
      for (std::size_t after = 0; after < 10; ++after) {
        expect_repaired(std::string(before, 'a') + std::string{bad} + std::string(after, 'z'));
      }
    }
  }
}

TEST(Utf8Text, is_what_all_formats_make_of_it) {
  ft::RandomSpans random{3};
  for (int i = 0; i < 2000; ++i) expect_repaired(random.string());
}

}  // namespace utf8_text_test
