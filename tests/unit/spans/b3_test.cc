// SPDX-License-Identifier: Apache-2.0
//
// TC-30: B3, read from one header or several, written as one.
#include "fast_telemetry/spans/b3.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fast_telemetry/spans/tracer.h"
#include "tests/support/recorded_spans.h"

namespace ft = fast_telemetry;

namespace b3_test {

using Headers = std::vector<std::pair<std::string, std::string>>;

const std::string trace = "80f198ee56343ba864fe8b2a57d3eff7";
const std::string span = "e457b5a2e4d86bd1";
const std::string parent = "05e3ac9a4f6e3b90";

std::string text(ft::Text of) { return {of.data(), of.size()}; }

/// "trace span sampling", with `*` when it is sampled; "- - sampling" without a context.
std::string shown(const ft::B3Context& b3) {
  constexpr const char* samplings[] = {"deferred", "denied", "accepted", "debug"};
  const char* const sampling = samplings[static_cast<int>(b3.sampling)];
  if (!b3.context.is_valid()) {
    EXPECT_FALSE(b3.context.trace_id.is_valid());
    EXPECT_FALSE(b3.context.is_sampled());
    return std::string{"- - "} + sampling;
  }
  EXPECT_TRUE(b3.context.is_remote);
  EXPECT_EQ(b3.context.flags & ft::random_flag, 0);
  return text(b3.context.trace_id.hex().text()) + ' ' + text(b3.context.span_id.hex().text()) + ' ' + sampling +
         (b3.context.is_sampled() ? "*" : "");
}

std::string single(const std::string& value) {
  const std::string extracted = shown(ft::extract_b3(Headers{{"b3", value}}));
  EXPECT_EQ(shown(ft::parse_b3(value)), extracted);
  return extracted;
}

// Mutations: short trace ids go to the left; d is read as 1; a decision alone is refused.
TEST(B3, is_read_from_the_single_header) {
  const std::string ids = trace + ' ' + span;
  EXPECT_EQ(single(trace + '-' + span), ids + " deferred");
  EXPECT_EQ(single(trace + '-' + span + "-0"), ids + " denied");
  EXPECT_EQ(single(trace + '-' + span + "-1"), ids + " accepted*");
  EXPECT_EQ(single(trace + '-' + span + "-d"), ids + " debug*");
  EXPECT_EQ(single(trace + '-' + span + "-1-" + parent), ids + " accepted*");
  EXPECT_EQ(single(" \t" + trace + '-' + span + "-1\t"), ids + " accepted*");
  EXPECT_EQ(single(trace.substr(16) + '-' + span + "-1"),
            std::string(16, '0') + trace.substr(16) + ' ' + span + " accepted*");
  EXPECT_EQ(single("0"), "- - denied");
  EXPECT_EQ(single("1"), "- - accepted");
  EXPECT_EQ(single("d"), "- - debug");
}

// Mutations: a fifth part is ignored; the parent is not looked at; upper case is read; an unknown decision is deferred.
TEST(B3, that_breaks_a_rule_is_none) {
  const std::string zeros(32, '0');
  for (const std::string& value : std::vector<std::string>{"",
                                                           "-",
                                                           "2",
                                                           "x",
                                                           "true",
                                                           "00",
                                                           trace,
                                                           trace + '-',
                                                           '-' + span,
                                                           trace + '-' + span + '-',
                                                           trace + '-' + span + "-2",
                                                           trace + '-' + span + "-true",
                                                           trace + '-' + span + "-1-",
                                                           trace + '-' + span + "-1-xyz",
                                                           trace + '-' + span + '-' + parent,
                                                           trace + '-' + span + "-1-" + parent + "-1",
                                                           zeros + '-' + span + "-1",
                                                           trace + '-' + zeros.substr(16) + "-1",
                                                           trace + "0-" + span + "-1",
                                                           trace.substr(1) + '-' + span + "-1",
                                                           trace.substr(8) + '-' + span + "-1",
                                                           trace + '-' + span + "0-1",
                                                           trace + '-' + span.substr(1) + "-1",
                                                           "8OF198EE56343BA864FE8B2A57D3EFF7-" + span + "-1",
                                                           "80F198EE56343BA864FE8B2A57D3EFF7-" + span + "-1",
                                                           trace + '_' + span + "-1",
                                                           trace + " -" + span + "-1"}) {
    EXPECT_EQ(single(value), "- - deferred") << value;
  }
}

std::string several(Headers headers, const std::string& decision, const std::string& value) {
  headers.emplace_back(decision, value);
  return shown(ft::extract_b3(headers));
}

// Mutations: flags are ignored; names are compared with their case; `true` is no decision.
TEST(B3, is_read_from_several_headers) {
  const std::string ids = trace + ' ' + span;
  const Headers context{{"X-B3-TraceId", trace}, {"X-B3-SpanId", span}, {"X-B3-ParentSpanId", parent}};
  EXPECT_EQ(shown(ft::extract_b3(context)), ids + " deferred");
  EXPECT_EQ(several(context, "X-B3-Sampled", "1"), ids + " accepted*");
  EXPECT_EQ(several(context, "x-b3-sampled", "true"), ids + " accepted*");
  EXPECT_EQ(several(context, "X-B3-SAMPLED", "0"), ids + " denied");
  EXPECT_EQ(several(context, "X-B3-Sampled", " false "), ids + " denied");
  EXPECT_EQ(several(context, "X-B3-Sampled", "yes"), ids + " deferred");
  EXPECT_EQ(several(context, "X-B3-Flags", "1"), ids + " debug*");
  EXPECT_EQ(several(context, "X-B3-Flags", "0"), ids + " deferred");
  EXPECT_EQ(several({{"X-B3-Flags", "1"}, {"X-B3-Sampled", "0"}, {"X-B3-TraceId", trace}}, "X-B3-SpanId", span),
            ids + " debug*");
  EXPECT_EQ(several({{"X-B3-TraceId", trace.substr(16)}}, "X-B3-SpanId", span),
            std::string(16, '0') + trace.substr(16) + ' ' + span + " deferred");
  EXPECT_EQ(several({}, "X-B3-Sampled", "0"), "- - denied");
  EXPECT_EQ(several({{"X-B3-Sampled", "1"}}, "X-B3-TraceId", trace), "- - accepted");
  EXPECT_EQ(several({{"X-B3-TraceId", "x"}, {"X-B3-Sampled", "1"}}, "X-B3-SpanId", span), "- - accepted");
}

// Mutations: several before the single one; no several behind a bad single one; the last of two headers counts.
TEST(B3, prefers_the_single_header_unless_it_breaks_a_rule) {
  Headers headers{{"X-B3-TraceId", trace}, {"X-B3-SpanId", span}, {"X-B3-Sampled", "1"}};
  headers.emplace_back("b3", std::string(32, 'a') + '-' + span + "-0");
  headers.emplace_back("b3", "d");
  EXPECT_EQ(shown(ft::extract_b3(headers)), std::string(32, 'a') + ' ' + span + " denied");
  headers[3].second = "nonsense";
  EXPECT_EQ(shown(ft::extract_b3(headers)), trace + ' ' + span + " accepted*");
  EXPECT_EQ(shown(ft::extract_b3(std::map<std::string, std::string>{})), "- - deferred");
}

// Mutations: debug is sent as 1; what came is sent instead of what the span is.
TEST(B3, is_sent_as_one_header_with_what_was_decided_here) {
  const auto sent = [](const ft::B3Context& b3) {
    std::string headers;
    ft::inject_b3(b3, [&](ft::Text name, ft::Text value) { headers += text(name) + ": " + text(value) + '\n'; });
    return headers;
  };
  const ft::B3Context caller = ft::parse_b3(trace + '-' + span + "-1-" + parent);
  EXPECT_EQ(sent(caller), "b3: " + trace + '-' + span + "-1\n");
  EXPECT_EQ(sent(ft::parse_b3(trace + '-' + span)), "b3: " + trace + '-' + span + "-0\n");
  EXPECT_EQ(sent({}), "");
  EXPECT_EQ(sent(ft::parse_b3("0")), "");

  const ft::Tracer tracer{"test"};
  const ft::Tracer off{"test", {.sampler = ft::Sampler::always_off()}};
  const auto passed_on = [&](const ft::Tracer& by, const std::string& decision) {
    const ft::B3Context came = ft::parse_b3(trace + '-' + span + decision);
    const ft::Span child = by.child(came.context, "call");
    const std::string id = text(child.context().span_id.hex().text());
    EXPECT_NE(id, span);
    const std::string header = sent({child.context(), came.sampling});
    EXPECT_TRUE(header.starts_with("b3: " + trace + '-' + id + '-')) << header;
    return header.substr(header.size() - 2, 1);
  };
  EXPECT_EQ(passed_on(tracer, "-d"), "d");
  EXPECT_EQ(passed_on(tracer, "-1"), "1");
  EXPECT_EQ(passed_on(tracer, "-0"), "0");
  EXPECT_EQ(passed_on(off, "-1"), "0");
  ft::forget_spans();
}

}  // namespace b3_test
