// SPDX-License-Identifier: Apache-2.0
//
// Attributes: every type, unique keys, limits and what is left out.
//
// Parity: SPN-8, SPN-14, W-48.
#include "fast_telemetry/spans/attribute.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/recorded_spans.h"

namespace ft = fast_telemetry;

namespace attribute_test {

/// What a drain shows of a span that `set` was called with.
template <class Set>
ft::RecordedSpan recorded(Set set, const ft::SpanLimits& limits = {}) {
  ft::forget_spans();
  const ft::Tracer tracer{"test", {.limits = limits}};
  {
    ft::Span span = tracer.root("span");
    set(span);
  }
  return ft::RecordedSpans::drain_one();
}

TEST(Attributes, have_every_type_of_otlp) {
  const unsigned char uuid[16] = {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p'};
  const std::vector<std::int64_t> integers{1, -2, 3};
  const std::array<double, 2> doubles{0.5, -1.25};
  const std::array<bool, 3> bools{true, false, true};
  const std::vector<ft::Text> texts{"a", "", "long enough for no small buffer"};
  const ft::RecordedSpan seen = recorded([&](ft::Span& span) {
    span.set_attribute("literal", "text");
    span.set_attribute("string", std::string{"owned"});
    span.set_attribute("view", std::string_view{"view"});
    span.set_attribute("int", -7);
    span.set_attribute("size", sizeof(int));
    span.set_attribute("double", 0.25);
    span.set_attribute("bool", true);
    span.set_attribute("uuid", ft::Bytes{uuid, sizeof uuid});
    span.set_attribute("ints", integers);
    span.set_attribute("doubles", doubles);
    span.set_attribute("bools", bools);
    span.set_attribute("strings", texts);
    span.set_attribute("empty", std::vector<std::int64_t>{});
  });
  EXPECT_EQ(seen.attributes,
            "literal=\"text\" string=\"owned\" view=\"view\" int=-7 size=4 double=0.25 bool=true "
            "uuid=b\"abcdefghijklmnop\" ints=[1, -2, 3] doubles=[0.5, -1.25] bools=[true, false, true] "
            "strings=[\"a\", \"\", \"long enough for no small buffer\"] empty=[]");
  EXPECT_EQ(seen.attribute_count, 13U);
}

TEST(Attributes, tell_integers_exactly_and_the_largest_for_what_is_larger) {
  const ft::RecordedSpan seen = recorded([](ft::Span& span) {
    span.set_attribute("min", std::numeric_limits<std::int64_t>::min());
    span.set_attribute("max", std::numeric_limits<std::int64_t>::max());
    span.set_attribute("more", std::numeric_limits<std::uint64_t>::max());
    span.set_attribute("odd", (std::int64_t{1} << 53) + 1);
  });
  EXPECT_EQ(seen.attributes,
            "min=-9223372036854775808 max=9223372036854775807 more=9223372036854775807 odd=9007199254740993");
}

// O-52. Mutation: repeated keys appended.
TEST(Attributes, keep_the_last_value_of_a_key) {
  static constexpr char other_address[] = "key";
  const ft::RecordedSpan seen = recorded([](ft::Span& span) {
    span.set_attribute("key", 1);
    span.set_attribute("other", "stays");
    span.set_attribute("key", "text, longer than a number");
    span.set_attribute(other_address, 2.5);
  });
  EXPECT_EQ(seen.attributes, "other=\"stays\" key=2.5");
  EXPECT_EQ(seen.attribute_count, 2U);
  EXPECT_EQ(seen.dropped_attributes, 0U);
}

TEST(Attributes, are_computed_only_for_spans_that_are_recorded) {
  int calls = 0;
  const auto compute = [&calls] { return ++calls; };
  EXPECT_EQ(recorded([&](ft::Span& span) { span.set_attribute("n", compute); }).attributes, "n=1");
  const ft::Tracer off{"off", {.sampler = ft::Sampler::always_off()}};
  ft::Span span = off.root("span");
  span.set_attribute("n", compute);
  EXPECT_EQ(calls, 1);
}

// Keys that are not in the program's text.
constexpr std::array<char[4], 130> keys = [] {
  std::array<char[4], 130> all{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i][0] = static_cast<char>('a' + i / 100);
    all[i][1] = static_cast<char>('0' + i / 10 % 10);
    all[i][2] = static_cast<char>('0' + i % 10);
  }
  return all;
}();
template <std::size_t... i>
void set_many(ft::Span& span, std::index_sequence<i...>) {
  (span.set_attribute(ft::Literal{keys[i]}, i), ...);
}

// O-53, gold: 129 distinct ones; the first can still be updated. Mutation: a limit of one more.
TEST(Attributes, beyond_the_limit_are_left_out_and_counted) {
  const ft::RecordedSpan seen = recorded([](ft::Span& span) {
    set_many(span, std::make_index_sequence<129>{});
    span.set_attribute(ft::Literal{keys[0]}, "updated");
  });
  EXPECT_EQ(seen.attribute_count, 128U);
  EXPECT_EQ(seen.dropped_attributes, 1U);
  EXPECT_NE(seen.attributes.find("a00=\"updated\""), std::string::npos);
  EXPECT_EQ(seen.attributes.find("b28="), std::string::npos);
}

// O-53, gold.
TEST(Attributes, are_cut_after_characters_not_bytes) {
  const std::array<ft::Text, 2> texts{"h\xC3\xA9\xC3\xA9", "ab"};
  const ft::RecordedSpan seen = recorded(
      [&](ft::Span& span) {
        span.set_attribute("text", "h\xC3\xA9\xC3\xA9");
        span.set_attribute("exact", "h\xC3\xA9");
        span.set_attribute("bytes", ft::Bytes{"xyz", 3});
        span.set_attribute("number", 12345);
        span.set_attribute("texts", texts);
        span.add_event("event", {{"text", "abc"}});
      },
      {.value_characters = 2});
  EXPECT_EQ(seen.attributes,
            "text=\"h\xC3\xA9\" exact=\"h\xC3\xA9\" bytes=b\"xy\" number=12345 texts=[\"h\xC3\xA9\", \"ab\"]");
  EXPECT_EQ(seen.events.at(0).attributes, "text=\"ab\"");
}

TEST(Limits, of_events_links_and_their_attributes_are_counted) {
  const ft::SpanContext linked{ft::random_trace_id(), ft::random_span_id(), 0, false, {}};
  const ft::RecordedSpan seen = recorded(
      [&](ft::Span& span) {
        for (int i = 0; i < 5; ++i) span.add_event("event", {{"a", 1}, {"b", 2}, {"c", 3}});
        for (int i = 0; i < 4; ++i) span.add_link(linked, {{"a", 1}, {"b", 2}});
      },
      {.events = 2, .links = 1, .attributes_per_event = 2, .attributes_per_link = 1});
  EXPECT_EQ(seen.events.size(), 2U);
  EXPECT_EQ(seen.dropped_events, 3U);
  EXPECT_EQ(seen.events.at(0).attributes, "a=1 b=2");
  EXPECT_EQ(seen.events.at(0).dropped_attributes, 1U);
  EXPECT_EQ(seen.links.size(), 1U);
  EXPECT_EQ(seen.dropped_links, 3U);
  EXPECT_EQ(seen.links.at(0).attributes, "a=1");
  EXPECT_EQ(seen.links.at(0).dropped_attributes, 1U);
}

// Inside the span, in a block of 4 KiB, in one of 64 KiB, and beyond.
TEST(Size, of_what_a_span_carries_ends_at_64_kib_and_what_is_more_is_counted) {
  const std::uint64_t used = ft::span_info().used_bytes;
  for (const std::size_t length : {280U, 300U, 320U, 4000U, 4060U, 4096U, 65'000U}) {
    const std::string text(length, 'x');
    const ft::RecordedSpan seen = recorded([&](ft::Span& span) {
      span.set_attribute("first", 1);
      span.set_attribute("text", text);
    });
    EXPECT_EQ(seen.attributes, "first=1 text=\"" + text + "\"");
    EXPECT_EQ(seen.dropped_attributes, 0U);
  }
  const std::string half(40'000, 'x');
  const ft::RecordedSpan seen = recorded([&](ft::Span& span) {
    span.set_attribute("half", half);
    span.set_attribute("other_half", half);
    span.set_attribute("all", std::string(70'000, 'x'));
    span.add_event("event", {{"text", half}, {"number", 1}});
    span.set_attribute("small", 1);
  });
  EXPECT_EQ(seen.attributes, "half=\"" + half + "\" small=1");
  EXPECT_EQ(seen.dropped_attributes, 2U);
  EXPECT_EQ(seen.events.at(0).attributes, "number=1");
  EXPECT_EQ(seen.events.at(0).dropped_attributes, 1U);
  // All blocks are back but the chunk that this thread writes to, which may be new.
  EXPECT_LE(ft::span_info().used_bytes, used + 2 * 65536);
}

TEST(Size, without_a_block_within_the_budget_leaves_out_and_counts) {
  ft::forget_spans();
  const ft::Tracer tracer{"test"};
  {
    const ft::Span warm = tracer.root("warm");
  }
  ft::forget_spans();
  const ft::SpanInfo before = ft::span_info();
  ft::set_span_budget(before.used_bytes);
  {
    ft::Span span = tracer.root("span");
    span.set_attribute("small", 1);
    span.set_attribute("large", std::string(1000, 'x'));
  }
  ft::set_span_budget(before.budget_bytes);
  const ft::RecordedSpan seen = ft::RecordedSpans::drain_one();
  EXPECT_EQ(seen.attributes, "small=1");
  EXPECT_EQ(seen.dropped_attributes, 1U);
}

}  // namespace attribute_test
