// SPDX-License-Identifier: Apache-2.0
#include "src/encoding/protobuf.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace ft = fast_telemetry;

namespace protobuf_test {

using ft::detail::FieldCursor;
using ft::detail::OpenMessage;

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 128; value /= 128) bytes += static_cast<char>(value % 128 + 128);
  return bytes + static_cast<char>(value);
}

// Sizes at which the number before the content gets a digit more, with every kind of wrong guess, and in a buffer that
// has no room left for that digit.
TEST(OpenMessage, has_its_size_before_it_whatever_was_guessed) {
  for (const std::size_t size : {0U, 1U, 127U, 128U, 16'383U, 16'384U, 100'000U}) {
    for (const std::size_t guess : {0U, 127U, 128U, 16'384U, 5'000'000U}) {
      ft::ByteBuffer out;
      out.append("before");
      const std::string content(size, 'c');
      OpenMessage message{out, 2, guess};
      out.append(content);
      while (out.size() != out.capacity() && size == 100'000) out.append("c");
      message.close();
      const std::size_t written = size == 100'000 ? out.view().size() - out.view().find('c') : size;
      EXPECT_EQ(out.view(), "before\x12" + varint(written) + std::string(written, 'c')) << size << ' ' << guess;
    }
  }
}

TEST(OpenMessage, may_be_in_another) {
  ft::ByteBuffer out;
  OpenMessage outer{out, 1, 1};
  OpenMessage inner{out, 16, 1};  // a number whose tag has two bytes
  out.append(std::string(200, 'c'));
  inner.close();
  outer.close();
  EXPECT_EQ(out.view(), "\x0A" + varint(204) + varint(16 << 3 | 2) + varint(200) + std::string(200, 'c'));
}

TEST(FieldCursor, writes_what_the_format_says) {
  ft::ByteBuffer out;
  FieldCursor cursor{out.prepare(64)};
  cursor.number(1, 0);
  cursor.number(2, 300);
  cursor.number(3, std::numeric_limits<std::uint64_t>::max());
  cursor.fixed64(4, 0x0102030405060708);
  cursor.begin(5, 2);
  cursor.bytes("ab");
  cursor.bytes({});
  out.commit(cursor.end());
  EXPECT_EQ(out.view(), std::string("\x08\x00\x10\xAC\x02\x18\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"
                                    "\x21\x08\x07\x06\x05\x04\x03\x02\x01\x2A\x02"
                                    "ab",
                                    29));
}

}  // namespace protobuf_test
