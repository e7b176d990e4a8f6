// SPDX-License-Identifier: Apache-2.0
//
// Ids: text and back, never zero, never the same twice.
//
// Parity: SPN-1, W-46 (that a fork does not repeat them: tests/stress/spans_fork_test.cc).
#include "fast_telemetry/spans/ids.h"

#include <gtest/gtest.h>

#include <bit>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace ft = fast_telemetry;

namespace ids_test {

std::string text(ft::Text of) { return {of.data(), of.size()}; }

TEST(Id, is_shown_as_lower_case_digits_and_read_back) {
  const ft::TraceId trace = ft::TraceId::parse("0123456789abcdef00000000DEADBEEF");
  EXPECT_EQ(text(trace.hex().text()), "0123456789abcdef00000000deadbeef");
  EXPECT_EQ(ft::TraceId::parse(trace.hex().text()), trace);
  EXPECT_EQ(trace.bytes[0], std::byte{0x01});
  EXPECT_EQ(trace.bytes[15], std::byte{0xEF});
  const ft::SpanId span = ft::SpanId::parse("00f067aa0ba902b7");
  EXPECT_EQ(text(span.hex().text()), "00f067aa0ba902b7");
}

TEST(Id, of_another_length_or_with_other_characters_is_none) {
  for (const char* const wrong : {"", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef0",
                                  "0123456789abcdef0123456789abcdeg", "0123456789abcdef 123456789abcdef"}) {
    EXPECT_FALSE(ft::TraceId::parse(wrong).is_valid()) << wrong;
  }
  EXPECT_FALSE(ft::SpanId::parse("00f067aa0ba902b").is_valid());
  EXPECT_FALSE(ft::SpanId::parse("00f067aa0ba902b/").is_valid());
}

TEST(Id, of_zeros_is_not_valid) {
  EXPECT_FALSE(ft::TraceId{}.is_valid());
  EXPECT_FALSE(ft::SpanId{}.is_valid());
  EXPECT_TRUE(ft::TraceId::parse("00000000000000000000000000000001").is_valid());
}

// Mutation: every thread begins with the same state.
TEST(RandomIds, are_valid_and_unlike_in_all_threads) {
  constexpr std::size_t threads = 4;
  constexpr std::size_t per_thread = 10'000;
  std::vector<std::vector<std::string>> drawn(threads);
  {
    std::vector<std::jthread> running;
    for (auto& mine : drawn) {
      running.emplace_back([&mine] {
        for (std::size_t i = 0; i < per_thread; ++i) {
          const ft::TraceId trace = ft::random_trace_id();
          const ft::SpanId span = ft::random_span_id();
          if (trace.is_valid()) mine.push_back(text(trace.hex().text()));
          if (span.is_valid()) mine.push_back(text(span.hex().text()));
        }
      });
    }
  }
  std::set<std::string> all;
  for (const auto& mine : drawn) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), threads * per_thread * 2);
}

// O-56 and TC-4: the random flag promises that each of the 56 low bits is. A bit that is not is off by far more than
// six standard deviations.
TEST(RandomIds, have_no_bit_that_is_not_random) {
  constexpr int draws = 20'000;
  int ones[128] = {};
  for (int i = 0; i < draws; ++i) {
    const ft::TraceId id = ft::random_trace_id();
    for (std::size_t bit = 0; bit < 128; ++bit) {
      ones[bit] += static_cast<int>(static_cast<unsigned>(id.bytes[bit / 8]) >> bit % 8 & 1U);
    }
  }
  for (std::size_t bit = 0; bit < 128; ++bit) EXPECT_NEAR(ones[bit], draws / 2, 6 * 71) << bit;
}

}  // namespace ids_test
