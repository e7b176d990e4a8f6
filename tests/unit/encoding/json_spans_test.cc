// SPDX-License-Identifier: Apache-2.0
//
// Values are compared in tests/conformance/otlp, through readers that are not ours.
#include "fast_telemetry/encoding/json_spans.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "fast_telemetry/spans/drain.h"
#include "fast_telemetry/spans/tracer.h"
#include "src/encoding/json_text.h"
#include "tests/support/made_record.h"
#include "tests/support/random_spans.h"

namespace ft = fast_telemetry;

namespace json_spans_test {

template <class Append>
std::string appended(Append append) {
  ft::ByteBuffer out;
  append(out);
  return std::string{out.view()};
}

std::string json_string(std::string_view text) {
  return appended([&](ft::ByteBuffer& out) { ft::detail::append_json_string(out, text); });
}
std::string base64(std::string_view bytes) {
  return appended([&](ft::ByteBuffer& out) { ft::detail::append_json_bytes(out, bytes); });
}
std::string json_double(double value) {
  return appended([&](ft::ByteBuffer& out) { ft::detail::append_json_double(out, value); });
}

// Mutation seen red: a byte below 0x20 taken for plain by the search of eight at a time.
TEST(JsonText, escapes_what_json_wants_escaped_wherever_it_stands) {
  for (int c = 0; c < 0x80; ++c) {
    for (std::size_t at = 0; at < 20; ++at) {
      std::string text(20, 'x');
      text[at] = static_cast<char>(c);
      std::string expected = text.substr(at, 1);
      if (c < 0x20 || c == 0x7F) {
        char hex[8];
        std::snprintf(hex, sizeof hex, "\\u%04x", static_cast<unsigned>(c));
        expected = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : hex;
      }
      if (c == '"' || c == '\\') expected.insert(0, 1, '\\');
      EXPECT_EQ(json_string(text), '"' + std::string(at, 'x') + expected + std::string(19 - at, 'x') + '"') << c;
    }
  }
}

// S-23
TEST(JsonText, repairs_ill_formed_utf8) {
  EXPECT_EQ(json_string("größe\xF0\x9F\x98\x80"), "\"größe\xF0\x9F\x98\x80\"");
  EXPECT_EQ(json_string("a\xFF\xED\xA0\x80z"), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\"");
  EXPECT_EQ(json_string("\xE2\x82"), "\"\xEF\xBF\xBD\"");
  EXPECT_EQ(json_string(""), "\"\"");
}

// RFC 4648, section 10.
TEST(JsonText, writes_bytes_as_base64) {
  EXPECT_EQ(base64(""), "\"\"");
  EXPECT_EQ(base64("f"), "\"Zg==\"");
  EXPECT_EQ(base64("fo"), "\"Zm8=\"");
  EXPECT_EQ(base64("foo"), "\"Zm9v\"");
  EXPECT_EQ(base64("foobar"), "\"Zm9vYmFy\"");
  EXPECT_EQ(base64("\xFB\xFF\xFE"), "\"+//+\"");
}

// O-34
TEST(JsonText, writes_doubles_that_read_back_and_names_for_the_others) {
  EXPECT_EQ(json_double(0.1), "0.1");
  EXPECT_EQ(json_double(-0.0), "-0.0");
  EXPECT_EQ(json_double(1e300), "1e+300");
  EXPECT_EQ(json_double(std::numeric_limits<double>::quiet_NaN()), "\"NaN\"");
  EXPECT_EQ(json_double(std::numeric_limits<double>::infinity()), "\"Infinity\"");
  EXPECT_EQ(json_double(-std::numeric_limits<double>::infinity()), "\"-Infinity\"");
}

TEST(JsonSpans, are_lines_of_otlp) {
  const ft::MadeRecord made;
  EXPECT_EQ(appended([&](ft::ByteBuffer& out) { append_json_line(out, made.record()); }),
            R"({"resourceSpans":[{"scopeSpans":[{"scope":{"name":"lib"},"spans":[{"name":"op",)"
            R"("traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"1112131415161718","flags":257,"kind":1,)"
            R"("startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000000000001"}]}]}]})"
            "\n");
}

std::string chrome(const ft::MadeRecord& made, std::int64_t base_unix_ns) {
  return appended([&](ft::ByteBuffer& out) {
    append_chrome_event(out, made.record(), {.process_id = 7, .base_unix_ns = base_unix_ns});
  });
}

TEST(JsonSpans, are_events_of_a_chrome_trace) {
  const ft::MadeRecord made;
  EXPECT_EQ(chrome(made, 1'699'999'999'999'987'655),
            R"({"ph":"X","name":"op","cat":"lib","pid":7,"tid":269422093,"ts":12.345,"dur":0.001,"args":{)"
            R"("traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"1112131415161718","kind":1,)"
            R"("startTimeUnixNano":"1700000000000000000"}},)"
            "\n");
}

// Mutation seen red: differences of signed numbers, under the undefined-behaviour sanitizer.
TEST(JsonSpans, may_have_any_times) {
  ft::MadeRecord made;
  EXPECT_NE(chrome(made, 1'700'000'000'000'000'001).find("\"ts\":-0.001,"), std::string::npos);
  made.header.end_ns = made.header.start_ns - 1;
  EXPECT_NE(chrome(made, 0).find("\"dur\":0.000,"), std::string::npos);
  made.header.start_ns = std::numeric_limits<std::int64_t>::min();
  made.header.end_ns = std::numeric_limits<std::int64_t>::max();
  EXPECT_NE(chrome(made, std::numeric_limits<std::int64_t>::max())
                .find("\"ts\":-18446744073709551.615,\"dur\":18446744073709551.615,"),
            std::string::npos);
}

// What SpanFile counts spans by. Mutation seen red: newlines that are not escaped.
TEST(JsonSpans, have_a_newline_at_their_end_only) {
  class Sink final : public ft::SpanSink {
   public:
    ft::SinkAnswer span(const ft::SpanRecord& record) override {
      for (const bool is_line : {true, false}) {
        ft::ByteBuffer out;
        is_line ? append_json_line(out, record) : append_chrome_event(out, record, {});
        EXPECT_EQ(out.view().find('\n'), out.size() - 1);
      }
      return ft::SinkAnswer::taken;
    }
  } sink;
  const ft::Tracer tracer{"line\nbreak"};
  ft::RandomSpans random{3};
  for (int i = 0; i < 500; ++i) random.record(tracer);
  EXPECT_GE(ft::drain_spans(sink).spans, 500U);
}

}  // namespace json_spans_test
