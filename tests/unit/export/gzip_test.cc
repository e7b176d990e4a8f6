// SPDX-License-Identifier: Apache-2.0
#include "src/export/gzip.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/support/gunzip.h"

namespace ft = fast_telemetry;

namespace gzip_test {

std::string random_bytes(std::size_t size, unsigned symbols) {
  std::mt19937 random{7};
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random() % symbols);
  return text;
}

// P-44: one member.
TEST(Gzip, what_was_compressed_comes_back) {
  ft::detail::Gzip gzip;
  for (const std::string& text : {std::string{}, std::string{"a"}, std::string(1'000'000, 'x'), random_bytes(10, 256),
                                  random_bytes(300'000, 256), random_bytes(300'000, 3)}) {
    ft::ByteBuffer out;
    gzip.compress(text, out);
    EXPECT_EQ(ft::gunzip(out.view()), text);
  }
}

TEST(Gzip, appends_to_what_the_buffer_holds) {
  ft::detail::Gzip gzip;
  ft::ByteBuffer out;
  out.append("before");
  gzip.compress("text", out);
  EXPECT_EQ(out.view().substr(0, 6), "before");
  EXPECT_EQ(ft::gunzip(out.view().substr(6)), "text");
}

TEST(Gzip, makes_expositions_much_smaller) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "requests_total{command=\"get\",key=\"" + std::to_string(i) + "\"} 1\n";
  ft::ByteBuffer out;
  ft::detail::Gzip{}.compress(text, out);
  EXPECT_LT(out.size(), text.size() / 8);
}

}  // namespace gzip_test
