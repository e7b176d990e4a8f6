// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/encoding/buffer.h"

#include <gtest/gtest.h>

#include <new>
#include <string>

namespace ft = fast_telemetry;

TEST(ByteBuffer, keeps_what_was_appended_while_it_grows) {
  ft::ByteBuffer buffer;
  std::string expected;
  for (int i = 0; i < 10'000; ++i) {
    buffer.append(std::to_string(i));
    expected += std::to_string(i);
  }
  EXPECT_EQ(buffer.view(), expected);
}

TEST(ByteBuffer, is_empty_at_first_and_takes_empty_pieces) {
  ft::ByteBuffer buffer;
  buffer.append({});
  EXPECT_TRUE(buffer.view().empty());
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(ByteBuffer, clear_keeps_the_memory) {
  ft::ByteBuffer buffer;
  buffer.append(std::string(100'000, 'x'));
  const std::size_t capacity = buffer.capacity();
  const char* const data = buffer.data();
  buffer.clear();
  EXPECT_TRUE(buffer.view().empty());
  buffer.append(std::string(100'000, 'y'));
  EXPECT_EQ(buffer.capacity(), capacity);
  EXPECT_EQ(buffer.data(), data);
}

TEST(ByteBuffer, does_not_fill_what_it_reserves) {
  ft::ByteBuffer buffer;
  char* const written = buffer.prepare(4);
  written[0] = 'a';
  written[1] = 'b';
  buffer.commit(written + 2);
  EXPECT_EQ(buffer.view(), "ab");
  buffer.reserve(1);
  buffer.append_unchecked("c");
  EXPECT_EQ(buffer.view(), "abc");
}

TEST(ByteBuffer, truncate_only_ever_shortens) {
  ft::ByteBuffer buffer;
  buffer.append("abc");
  buffer.truncate(5);
  EXPECT_EQ(buffer.view(), "abc");
  buffer.truncate(1);
  EXPECT_EQ(buffer.view(), "a");
}

TEST(ByteBuffer, moving_takes_the_bytes_along) {
  ft::ByteBuffer from;
  from.append("abc");
  ft::ByteBuffer to{std::move(from)};
  EXPECT_EQ(to.view(), "abc");
  ft::ByteBuffer other;
  other.append("other");
  other = std::move(to);
  EXPECT_EQ(other.view(), "abc");
}

TEST(ByteBuffer, a_size_that_no_object_can_have_is_bad_alloc_and_changes_nothing) {
  ft::ByteBuffer buffer;
  buffer.append("abc");
  EXPECT_THROW(buffer.reserve(~std::size_t{0} - 1), std::bad_alloc);
  EXPECT_EQ(buffer.view(), "abc");
}
