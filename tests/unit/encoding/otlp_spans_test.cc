// SPDX-License-Identifier: Apache-2.0
//
// Parity: OTS-7, W-44.
#include "fast_telemetry/encoding/otlp_spans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fast_telemetry/spans/tracer.h"
#include "tests/support/made_record.h"
#include "tests/support/otlp_expected.h"
#include "tests/support/otlp_text.h"
#include "tests/support/random_spans.h"
#include "tests/support/recorded_spans.h"

namespace ft = fast_telemetry;

namespace otlp_spans_test {

using ft::counted_id;
using ft::MadeRecord;
using ft::SinkAnswer;

/// The spans of a request, each as text, in the order they have there.
std::vector<std::string> spans_of(const std::string& request) {
  const std::string begin = "    span\n";
  std::vector<std::string> spans;
  std::size_t at = 0;
  while (at < request.size()) {
    const std::size_t end = request.find('\n', at) + 1;
    const std::string line = request.substr(at, end - at);
    if (line == begin) {
      spans.emplace_back();
    } else if (line.starts_with("      ") && !spans.empty()) {
      spans.back() += line.substr(6);
    } else if (!spans.empty() && !line.starts_with("  ")) {
      spans.back() += line;  // text with a newline in it
    }
    at = end;
  }
  return spans;
}

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

std::string text_of(ft::OtlpSpanEncoder& encoder) { return ft::otlp_request_text(encoder.finish().bytes); }

/// All that has ended, as one request's text.
std::string drained(ft::OtlpSpanEncoder& encoder) {
  EXPECT_TRUE(ft::drain_spans(encoder).is_complete);
  return text_of(encoder);
}

class OtlpSpans : public testing::Test {
 protected:
  OtlpSpans() { ft::forget_spans(); }
  const ft::Tracer tracer{"lib"};
  ft::OtlpSpanEncoder encoder{{}};
};

// The bytes were made with OpenTelemetry's .proto files and another encoder.
TEST_F(OtlpSpans, are_the_bytes_that_others_write) {
  ft::OtlpSpanEncoder named{{{"service.name", "s"}}};
  const MadeRecord made;
  ASSERT_EQ(named.span(made.record()), SinkAnswer::taken);
  EXPECT_EQ(
      ft::otlp_text::hex(named.finish().bytes),
      "0a5c0a150a130a0c736572766963652e6e616d6512030a017312430a050a036c6962123a0a100102030405060708090a0b0c0d0e0f10"
      "120811121314151617182a026f7030013900002a36fe9c97174101002a36fe9c9717850101010000");
}

TEST_F(OtlpSpans, have_no_negative_times) {
  MadeRecord made;
  made.header.start_ns = -1;
  ASSERT_EQ(encoder.span(made.record()), SinkAnswer::taken);
  EXPECT_THAT(text_of(encoder), testing::HasSubstr("start: 0\n"));
}

TEST_F(OtlpSpans, have_every_field) {
  ft::SpanContext remote{counted_id<16>(0x20), counted_id<8>(0x40), 3, true, ft::TraceState::parse("a=1,b=2")};
  ft::Span span =
      tracer.child(remote, "GET /", {.kind = ft::SpanKind::server, .start_unix_ns = 1'700'000'000'000'000'000});
  span.set_attribute("string", "text");
  span.set_attribute("negative", -1);
  span.set_attribute("empty", "");
  span.set_attribute("yes", true);
  span.set_attribute("no", false);
  span.set_attribute("half", 0.5);
  span.set_attribute("bytes", ft::Bytes{"\xFF\x00", 2});
  span.set_attribute("integers", std::vector<std::int64_t>{0, -2});
  span.set_attribute("none", std::vector<double>{});
  span.add_event("first", {{"n", 1}}, 1'700'000'000'000'000'007);
  span.add_link({counted_id<16>(0x50), counted_id<8>(0x60), 1, false, ft::TraceState::parse("c=3")}, {{"why", "x"}});
  span.set_status(ft::SpanStatus::error, "broken");
  const ft::SpanContext own = span.context();
  span.end_at(1'700'000'000'000'000'009);
  const auto id = own.span_id.hex();

  const std::string expected =
      "trace_id: 202122232425262728292a2b2c2d2e2f\n"
      "span_id: " +
      std::string{id.text().data(), id.text().size()} +
      "\n"
      "trace_state: a=1,b=2\n"
      "parent_span_id: 4041424344454647\n"
      "name: GET /\n"
      "kind: 2\n"
      "start: 1700000000000000000\n"
      "end: 1700000000000000009\n"
      "attribute\n  key: string\n  value\n    string: text\n"
      "attribute\n  key: negative\n  value\n    int: -1\n"
      "attribute\n  key: empty\n  value\n    string: \n"
      "attribute\n  key: yes\n  value\n    bool: true\n"
      "attribute\n  key: no\n  value\n    bool: false\n"
      "attribute\n  key: half\n  value\n    double: 3fe0000000000000\n"
      "attribute\n  key: bytes\n  value\n    bytes: ff00\n"
      "attribute\n  key: integers\n  value\n    array\n      values\n        int: 0\n"
      "      values\n        int: -2\n"
      "attribute\n  key: none\n  value\n    array\n"
      "event\n  time: 1700000000000000007\n  name: first\n"
      "  attribute\n    key: n\n    value\n      int: 1\n"
      "link\n  trace_id: 505152535455565758595a5b5c5d5e5f\n  span_id: 6061626364656667\n"
      "  trace_state: c=3\n  attribute\n    key: why\n    value\n      string: x\n  flags: 257\n"
      "status\n  message: broken\n  code: 2\n"
      "flags: 771\n";
  EXPECT_EQ(spans_of(drained(encoder)), std::vector{expected});
}

TEST_F(OtlpSpans, say_what_was_dropped) {
  const ft::Tracer limited{
      "lib",
      {.limits = {.attributes = 1, .events = 1, .links = 1, .attributes_per_event = 1, .attributes_per_link = 1}}};
  ft::Span span = limited.root("op");
  const ft::SpanContext other{ft::random_trace_id(), ft::random_span_id(), 1, false, {}};
  span.set_attribute("a", 1);
  for (int i = 0; i < 2; ++i) span.set_attribute("b", 2);
  for (int i = 0; i < 4; ++i) span.add_event("e", {{"a", 1}, {"b", 2}, {"c", 3}});
  for (int i = 0; i < 5; ++i) span.add_link(other, {{"a", 1}, {"b", 2}});
  span.end();
  const std::string text = drained(encoder);
  for (const char* const line :
       {"      dropped_attributes: 2\n", "      dropped_events: 3\n", "      dropped_links: 4\n",
        "        dropped_attributes: 2\n", "        dropped_attributes: 1\n"}) {
    EXPECT_EQ(occurrences(text, std::string{"\n"} + line), 1U) << line << text;
  }
}

// Whether the parent is remote is known of each span, also of a root: no.
TEST_F(OtlpSpans, say_where_the_parent_is) {
  const auto flags = [&](const ft::SpanContext& parent) {
    tracer.child(parent, "op").end();
    const std::string text = drained(encoder);
    return std::stoul(text.substr(text.rfind("flags: ") + 7));
  };
  ft::SpanContext parent{counted_id<16>(1), counted_id<8>(1), ft::sampled_flag, false, {}};
  EXPECT_EQ(flags(parent), 0x101U);
  parent.is_remote = true;
  EXPECT_EQ(flags(parent), 0x301U);
  parent.flags |= ft::random_flag;
  EXPECT_EQ(flags(parent), 0x303U);
  EXPECT_EQ(flags({}) & ~std::uint32_t{ft::random_flag}, 0x101U);
}

// An ok status has no message; an unset one is left out.
TEST_F(OtlpSpans, have_the_status_that_was_set) {
  tracer.root("unset").end();
  EXPECT_THAT(drained(encoder), testing::Not(testing::HasSubstr("status")));
  ft::Span span = tracer.root("ok");
  span.set_status(ft::SpanStatus::error, "early");
  span.set_status(ft::SpanStatus::ok);
  span.end();
  EXPECT_THAT(drained(encoder), testing::HasSubstr("status\n        code: 1\n"));
}

// Every byte that was recorded is there again, whatever it was; text is repaired.
TEST_F(OtlpSpans, decode_to_what_was_recorded) {
  class Tee final : public ft::SpanSink {
   public:
    explicit Tee(ft::OtlpSpanEncoder& encoder) : encoder_{encoder} {}
    SinkAnswer span(const ft::SpanRecord& record) override {
      expected.push_back(ft::ExpectedOtlp::of(record));
      return encoder_.span(record);
    }
    std::vector<std::string> expected;

   private:
    ft::OtlpSpanEncoder& encoder_;
  };
  const ft::Tracer limited{
      "limited",
      {.limits = {.attributes = 3, .events = 2, .links = 2, .attributes_per_event = 2, .value_characters = 9}}};
  ft::RandomSpans random{7};
  for (int round = 0; round < 30; ++round) {
    // One tracer at a time: the order of a request is then that of the spans.
    for (int i = 0; i < 50; ++i) random.record(round % 3 == 0 ? limited : tracer);
    Tee tee{encoder};
    EXPECT_EQ(ft::drain_spans(tee).spans, 50U);
    const ft::OtlpSpanEncoder::Request request = encoder.finish();
    EXPECT_EQ(request.count, 50U);
    std::string expected = std::string{"resource_spans\n  scope_spans\n    scope\n      name: "} +
                           (round % 3 == 0 ? "limited" : "lib") + "\n";
    for (const std::string& span : tee.expected) expected += span;
    ASSERT_EQ(ft::otlp_request_text(request.bytes), expected) << "round " << round;
  }
}

TEST_F(OtlpSpans, have_the_resource_they_were_given) {
  const std::string key = "run time";  // resources come from configuration
  const std::vector<std::int64_t> numbers{1};
  const ft::Text texts[] = {"one", "t\xFFo"};
  const bool booleans[] = {true, false};
  ft::OtlpSpanEncoder full{{{"twice", "first"},
                            {key, "v\xFF"},
                            {"", "left out"},
                            {"numbers", numbers},
                            {"texts", std::span<const ft::Text>{texts}},
                            {"booleans", std::span<const bool>{booleans}},
                            {"bytes", ft::Bytes{"\xFF", 1}},
                            {"twice", 2.0}}};
  tracer.root("op").end();
  const std::string text = drained(full);
  EXPECT_EQ(text.substr(0, text.find("  scope_spans")),
            "resource_spans\n  resource\n"
            "    attribute\n      key: run time\n      value\n        string: v\xEF\xBF\xBD\n"
            "    attribute\n      key: numbers\n      value\n        array\n          values\n            int: 1\n"
            "    attribute\n      key: texts\n      value\n        array\n          values\n            string: one\n"
            "          values\n            string: t\xEF\xBF\xBDo\n"
            "    attribute\n      key: booleans\n      value\n        array\n          values\n            bool: true\n"
            "          values\n            bool: false\n"
            "    attribute\n      key: bytes\n      value\n        bytes: ff\n"
            "    attribute\n      key: twice\n      value\n        double: 4000000000000000\n");
}

// Also of two tracers that say the same: it is one scope.
TEST_F(OtlpSpans, are_grouped_by_scope) {
  const ft::Tracer same{"lib"};
  const ft::Tracer newer{"lib", {.version = "2"}};
  const ft::Tracer bad{"l\xFF", {}};
  for (int request = 0; request < 3; ++request) {
    for (int i = 0; i < 4; ++i) {
      tracer.root("old").end();
      newer.root("new").end();
      same.root("old").end();
      if (i == 2 && request == 1) bad.root("bad").end();
    }
    const std::string text = drained(encoder);
    EXPECT_EQ(occurrences(text, "resource_spans\n"), 1U);
    EXPECT_EQ(occurrences(text, "  scope_spans\n"), request == 1 ? 3U : 2U) << text;
    EXPECT_EQ(occurrences(text, "    scope\n      name: lib\n    span\n"), 1U);
    EXPECT_EQ(occurrences(text, "    scope\n      name: lib\n      version: 2\n    span\n"), 1U);
    EXPECT_EQ(occurrences(text, "name: l\xEF\xBF\xBD\n"), request == 1 ? 1U : 0U);
    EXPECT_EQ(occurrences(text.substr(0, text.find("version")), "name: old\n"), 8U);
    EXPECT_EQ(occurrences(text.substr(text.find("version")), "name: new\n"), 4U);
  }
}

TEST_F(OtlpSpans, are_in_one_request_only) {
  EXPECT_EQ(encoder.finish().count, 0U);
  EXPECT_EQ(encoder.finish().bytes, "");
  tracer.root("first").end();
  EXPECT_THAT(drained(encoder), testing::HasSubstr("first"));
  EXPECT_EQ(encoder.finish().bytes, "");
  tracer.root("second").end();
  EXPECT_THAT(drained(encoder), testing::Not(testing::HasSubstr("first")));
}

// What a request has no room for stays in the buffer, and is in the next.
TEST_F(OtlpSpans, fit_into_a_request) {
  constexpr std::size_t limit = 2000;
  ft::OtlpSpanEncoder small{{{"service.name", "s"}}, {.max_request_bytes = limit}};
  const ft::Tracer other{"other", {.version = "1.2.3"}};
  constexpr std::size_t recorded = 300;
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < recorded; ++i) {
    ft::Span span = i % 3 == 0 ? other.root("op") : tracer.root("op");
    span.set_attribute("x", std::string(i * 5 % 400, 'x'));
    const auto id = span.context().span_id.hex();
    expected.emplace_back(id.text().data(), id.text().size());
  }
  std::vector<std::string> arrived;
  std::size_t requests = 0;
  for (bool is_complete = false; !is_complete;) {
    is_complete = ft::drain_spans(small).is_complete;
    const ft::OtlpSpanEncoder::Request request = small.finish();
    EXPECT_LE(request.bytes.size(), limit);
    const std::vector<std::string> spans = spans_of(ft::otlp_request_text(request.bytes));
    EXPECT_EQ(spans.size(), request.count);
    for (const std::string& span : spans) arrived.push_back(span.substr(span.find("\nspan_id: ") + 10, 16));
    EXPECT_EQ(ft::span_info().buffered, recorded - arrived.size());
    if (!is_complete) {  // no span is larger: it is not given up early
      EXPECT_GT(request.bytes.size(), limit - 600);
    }
    ++requests;
  }
  EXPECT_GT(requests, 30U);
  EXPECT_THAT(arrived, testing::UnorderedElementsAreArray(expected));
  EXPECT_EQ(small.dropped_too_large(), 0U);
}

// Its bytes were written before it was found to be too large; they are nobody's.
TEST_F(OtlpSpans, may_go_on_after_one_that_had_no_room) {
  ft::OtlpSpanEncoder small{{}, {.max_request_bytes = 200}};
  MadeRecord made;
  MadeRecord large;
  const std::string name(150, 'x');
  large.header.set_name(name.data(), name.size());
  EXPECT_EQ(small.span(made.record()), SinkAnswer::taken);
  EXPECT_EQ(small.span(large.record()), SinkAnswer::full);
  made.header.span_id = counted_id<8>(0x31);
  EXPECT_EQ(small.span(made.record()), SinkAnswer::taken);
  const ft::OtlpSpanEncoder::Request request = small.finish();
  EXPECT_EQ(request.count, 2U);
  EXPECT_EQ(occurrences(ft::otlp_request_text(request.bytes), "name: op\n"), 2U);
}

TEST_F(OtlpSpans, that_fit_into_no_request_are_left_out_and_counted) {
  ft::OtlpSpanEncoder small{{}, {.max_request_bytes = 500}};
  for (const std::size_t size : {10U, 600U, 700U, 10U}) {
    tracer.root("op").set_attribute("x", std::string(size, 'x'));
  }
  std::size_t arrived = 0;
  for (bool is_complete = false; !is_complete;) {
    is_complete = ft::drain_spans(small).is_complete;
    const ft::OtlpSpanEncoder::Request request = small.finish();
    EXPECT_LE(request.bytes.size(), 500U);
    arrived += request.count;
  }
  EXPECT_EQ(arrived, 2U);
  EXPECT_EQ(small.dropped_too_large(), 2U);
  EXPECT_EQ(ft::span_info().buffered, 0U);
}

}  // namespace otlp_spans_test
