// SPDX-License-Identifier: Apache-2.0

#include "examples/proxy/embedded_backend.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace proxy {
namespace embedded_backend_test {

constexpr std::size_t limit = 10 * 1024;

std::string ask(EmbeddedBackend& backend, std::initializer_list<std::string_view> words) {
  std::string reply;
  const std::span<const std::string_view> args{words.begin(), words.size()};
  backend.execute(verb_of(args).command, args, reply);
  return reply;
}

/// Sets keys of two bytes without a value until there is no room.
std::size_t fill(EmbeddedBackend& backend) {
  std::size_t stored = 0;
  while (ask(backend, {"SET", std::to_string(10 + stored), ""}) == "+OK\r\n") ++stored;
  return stored;
}

// Seen red with keys and values counted alone: every two bytes were a place.
TEST(EmbeddedBackend, counts_tiny_keys_for_what_they_take) {
  EmbeddedBackend backend{limit};
  EXPECT_EQ(fill(backend), limit / (EmbeddedBackend::entry_bytes + 2));
  EXPECT_EQ(ask(backend, {"INCR", "n"}), "-OOM the embedded backend is full\r\n");
}

// Seen red with entry_bytes left out where a key is deleted.
TEST(EmbeddedBackend, has_its_room_back_when_keys_are_gone) {
  EmbeddedBackend backend{limit};
  const std::size_t stored = fill(backend);
  for (std::size_t i = 0; i < stored; ++i) ask(backend, {"DEL", std::to_string(10 + i)});
  EXPECT_EQ(fill(backend), stored);
}

TEST(EmbeddedBackend, counts_a_value_that_replaces_another_by_the_difference) {
  EmbeddedBackend backend{limit};
  const std::string value(limit - EmbeddedBackend::entry_bytes - 1, 'v');
  EXPECT_EQ(ask(backend, {"SET", "k", value}), "+OK\r\n");
  EXPECT_EQ(ask(backend, {"SET", "k", value}), "+OK\r\n");
  EXPECT_EQ(ask(backend, {"SET", "k", value + "v"}), "-OOM the embedded backend is full\r\n");
  EXPECT_EQ(ask(backend, {"SET", "k", ""}), "+OK\r\n");
  EXPECT_EQ(ask(backend, {"SET", "l", value.substr(EmbeddedBackend::entry_bytes + 1)}), "+OK\r\n");
}

}  // namespace embedded_backend_test
}  // namespace proxy
