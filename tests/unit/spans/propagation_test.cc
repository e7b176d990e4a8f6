// SPDX-License-Identifier: Apache-2.0
//
// W3C Trace Context, Level 2: what is read, what is refused, what is sent. Cases of W3C's own test suite.
//
// Parity: SPN-2, SPN-3, SPN-4, SPN-5, W-39 (each differs: docs/parity.md).
#include "fast_telemetry/spans/propagation.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "fast_telemetry/spans/tracer.h"
#include "tests/support/recorded_spans.h"

namespace ft = fast_telemetry;

namespace propagation_test {

using Headers = std::vector<std::pair<std::string, std::string>>;

const std::string trace = "12345678901234567890123456789012";
const std::string parent = "1234567890123456";
const std::string base = "00-" + trace + "-" + parent + "-01";

std::string text(ft::Text of) { return {of.data(), of.size()}; }
std::string state(const Headers& headers) { return text(ft::extract_context(headers).trace_state.text()); }

struct Case {
  const char* what;
  Headers headers;
};
std::string name_of(const testing::TestParamInfo<Case>& test) { return test.param.what; }

class AcceptedTraceparent : public testing::TestWithParam<Case> {};
class RefusedTraceparent : public testing::TestWithParam<Case> {};
class KeptTracestate : public testing::TestWithParam<std::pair<Case, std::string>> {};
class DiscardedTracestate : public testing::TestWithParam<Case> {};

// TC-1. Mutations to try: names compared with their case; no trimming; versions above 00 refused.
TEST_P(AcceptedTraceparent, gives_its_ids) {
  const ft::SpanContext context = ft::extract_context(GetParam().headers);
  ASSERT_TRUE(context.is_valid());
  EXPECT_EQ(text(context.trace_id.hex().text()), trace);
  EXPECT_EQ(text(context.span_id.hex().text()), parent);
  EXPECT_TRUE(context.is_remote);  // TC-6
}
INSTANTIATE_TEST_SUITE_P(
    TC_1, AcceptedTraceparent,
    testing::Values(Case{"as_it_is", {{"traceparent", base}}}, Case{"upper_case_name", {{"TRACEPARENT", base}}},
                    Case{"mixed_case_name", {{"TraceParent", base}}},
                    Case{"spaces_and_tabs_around", {{"traceparent", " \t" + base + "\t "}}},
                    Case{"higher_version", {{"traceparent", "cc-" + trace + "-" + parent + "-01"}}},
                    Case{"higher_version_with_more",
                         {{"traceparent", "cc-" + trace + "-" + parent + "-01-what-the-future-will-be-like"}}},
                    Case{"other_headers_beside", {{"host", "x"}, {"traceparent", base}, {"accept", "*/*"}}}),
    name_of);

// TC-2. Mutations: only the first of several looked at; ff accepted; anything behind higher versions accepted. To try:
// zeros accepted; upper case accepted.
TEST_P(RefusedTraceparent, gives_no_context_and_no_state) {
  Headers headers = GetParam().headers;
  headers.emplace_back("tracestate", "foo=1");
  const ft::SpanContext context = ft::extract_context(headers);
  EXPECT_FALSE(context.is_valid());
  EXPECT_FALSE(context.trace_id.is_valid());
  EXPECT_TRUE(context.trace_state.empty());  // TC-11: without a traceparent
}

Case bad(const char* what, const std::string& value) { return {what, {{"traceparent", value}}}; }

INSTANTIATE_TEST_SUITE_P(TC_2, RefusedTraceparent,
                         testing::Values(Case{"absent", {}}, bad("empty", ""),
                                         Case{"twice", {{"traceparent", base}, {"traceparent", base}}},
                                         Case{"twice_in_other_case", {{"traceparent", base}, {"TraceParent", base}}},
                                         Case{"name_with_dash", {{"trace-parent", base}}},
                                         Case{"name_with_dot", {{"trace.parent", base}}}, bad("dot_behind", base + "."),
                                         bad("more_behind_version_00", base + "-what-the-future"),
                                         bad("higher_version_with_dot", "cc-" + trace + "-" + parent + "-01.what"),
                                         bad("version_ff", "ff-" + trace + "-" + parent + "-01"),
                                         bad("version_dot_0", ".0-" + trace + "-" + parent + "-01"),
                                         bad("version_0_dot", "0.-" + trace + "-" + parent + "-01"),
                                         bad("version_000", "000-" + trace + "-" + parent + "-01"),
                                         bad("version_0000", "0000-" + trace + "-" + parent + "-01"),
                                         bad("version_0", "0-" + trace + "-" + parent + "-01"),
                                         bad("version_upper_case", "CC-" + trace + "-" + parent + "-01"),
                                         bad("trace_of_zeros", "00-" + std::string(32, '0') + "-" + parent + "-01"),
                                         bad("trace_dot_first", "00-." + trace.substr(1) + "-" + parent + "-01"),
                                         bad("trace_dot_last", "00-" + trace.substr(1) + ".-" + parent + "-01"),
                                         bad("trace_of_33", "00-" + trace + "3-" + parent + "-01"),
                                         bad("trace_of_31", "00-" + trace.substr(1) + "-" + parent + "-01"),
                                         bad("trace_upper_case", "00-ABCDEF" + trace.substr(6) + "-" + parent + "-01"),
                                         bad("parent_of_zeros", "00-" + trace + "-" + std::string(16, '0') + "-01"),
                                         bad("parent_dot_first", "00-" + trace + "-." + parent.substr(1) + "-01"),
                                         bad("parent_dot_last", "00-" + trace + "-" + parent.substr(1) + ".-01"),
                                         bad("parent_of_17", "00-" + trace + "-" + parent + "7-01"),
                                         bad("parent_of_15", "00-" + trace + "-" + parent.substr(1) + "-01"),
                                         bad("parent_upper_case", "00-" + trace + "-ABCDEF" + parent.substr(6) + "-01"),
                                         bad("flags_dot_0", "00-" + trace + "-" + parent + "-.0"),
                                         bad("flags_0_dot", "00-" + trace + "-" + parent + "-0."),
                                         bad("flags_001", "00-" + trace + "-" + parent + "-001"),
                                         bad("flags_1", "00-" + trace + "-" + parent + "-1"),
                                         bad("flags_upper_case", "00-" + trace + "-" + parent + "-0A"),
                                         bad("no_dashes", "00_" + trace + "_" + parent + "_01")),
                         name_of);

// TC-1: bits that nobody knows are not passed on.
TEST(Traceparent, keeps_the_two_flags_that_are_known) {
  const auto flags = [](const std::string& digits) {
    return ft::parse_traceparent(ft::Text{"00-" + trace + "-" + parent + "-" + digits}).flags;
  };
  EXPECT_EQ(flags("00"), 0);
  EXPECT_EQ(flags("01"), ft::sampled_flag);
  EXPECT_EQ(flags("02"), ft::random_flag);
  EXPECT_EQ(flags("ff"), ft::sampled_flag | ft::random_flag);
}

// TC-3, TC-5.
TEST(Traceparent, is_sent_in_version_00_with_the_trace_of_the_parent_and_ids_of_its_own) {
  const ft::Tracer tracer{"test"};
  const ft::SpanContext remote = ft::parse_traceparent(ft::Text{"cc-" + trace + "-" + parent + "-01-more"});
  std::vector<std::string> sent;
  for (int call = 0; call < 3; ++call) {
    const ft::Span span = tracer.child(remote, "call");
    int headers = 0;
    ft::inject_context(span.context(), [&](ft::Text name, ft::Text value) {
      EXPECT_EQ(text(name), "traceparent");
      sent.push_back(text(value));
      ++headers;
    });
    EXPECT_EQ(headers, 1);  // no tracestate, as none came
  }
  for (const std::string& value : sent) {
    EXPECT_TRUE(std::regex_match(value, std::regex{"00-" + trace + "-[0-9a-f]{16}-01"})) << value;
    EXPECT_EQ(value.find(parent, 36), std::string::npos);
  }
  EXPECT_NE(sent[0], sent[1]);
  EXPECT_NE(sent[1], sent[2]);
  EXPECT_NE(sent[0], sent[2]);
  ft::forget_spans();
}

// TC-4: set for traces whose id is made here, passed on as it came otherwise.
TEST(Traceparent, has_the_random_flag_when_the_trace_id_is_random) {
  const ft::Tracer tracer{"test"};
  const auto flags_of_child = [&](const std::string& flags) {
    const std::string header = "00-" + trace + "-" + parent + "-" + flags;
    return tracer.child(ft::parse_traceparent(header), "call").context().flags;
  };
  EXPECT_EQ(tracer.root("call").context().flags, ft::sampled_flag | ft::random_flag);
  EXPECT_EQ(flags_of_child("01"), ft::sampled_flag);
  EXPECT_EQ(flags_of_child("03"), ft::sampled_flag | ft::random_flag);
  EXPECT_EQ(flags_of_child("02"), ft::random_flag);
  ft::forget_spans();
}

// W-39, TC-5: what is not sampled is passed on, and says so.
TEST(Traceparent, of_a_span_that_is_not_sampled_says_so) {
  const ft::Tracer off{"test", {.sampler = ft::Sampler::always_off()}};
  const ft::Span root = off.root("call");
  const std::string sent = text(ft::format_traceparent(root.context()).text());
  EXPECT_TRUE(std::regex_match(sent, std::regex{"00-[0-9a-f]{32}-[0-9a-f]{16}-02"})) << sent;
  EXPECT_EQ(text(ft::format_traceparent(root.context()).text()), sent);
  const ft::Span child = root.child("inner");
  EXPECT_EQ(child.context().trace_id, root.context().trace_id);
  EXPECT_NE(child.context().span_id, root.context().span_id);
}

TEST(Inject, of_no_context_sets_nothing) {
  ft::inject_context(ft::Span{}.context(), [](ft::Text, ft::Text) { FAIL(); });
}

TEST(Extract, reads_any_carrier_of_pairs) {
  const std::multimap<std::string, std::string> carrier{{"traceparent", base}, {"tracestate", "a=1"}};
  EXPECT_EQ(text(ft::extract_context(carrier).trace_state.text()), "a=1");
  ft::ContextExtractor extractor;
  extractor.header("TraceState", "b=2");
  extractor.header("traceparent", base);
  EXPECT_EQ(text(extractor.context().trace_state.text()), "b=2");
}

// ---- tracestate ----

Headers with_state(std::vector<std::pair<std::string, std::string>> states) {
  Headers headers{{"traceparent", base}};
  headers.insert(headers.end(), states.begin(), states.end());
  return headers;
}
std::string members(int count, const std::string& prefix = "bar") {
  std::string list;
  for (int i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + prefix + std::to_string(i) + "=" + std::to_string(i);
  return list;
}
const std::string every_value_character =
    " !\"#$%&'()*+-./0123456789:;<>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

// TC-10, TC-12. Mutations to try: members not trimmed; empty ones refused; only the first header read.
TEST_P(KeptTracestate, is_passed_on) { EXPECT_EQ(state(GetParam().first.headers), GetParam().second); }
INSTANTIATE_TEST_SUITE_P(
    TC_10, KeptTracestate,
    testing::Values(
        std::pair{Case{"one", with_state({{"tracestate", "foo=1,bar=2"}})}, std::string{"foo=1,bar=2"}},
        std::pair{Case{"name_in_mixed_case", with_state({{"TraceState", "foo=1"}})}, std::string{"foo=1"}},
        std::pair{Case{"name_in_upper_case", with_state({{"TRACESTATE", "foo=1"}})}, std::string{"foo=1"}},
        std::pair{Case{"empty", with_state({{"tracestate", ""}})}, std::string{}},
        std::pair{Case{"empty_before", with_state({{"tracestate", ""}, {"tracestate", "foo=1"}})},
                  std::string{"foo=1"}},
        std::pair{Case{"empty_after", with_state({{"tracestate", "foo=1"}, {"tracestate", ""}})}, std::string{"foo=1"}},
        std::pair{Case{"several_headers", with_state({{"tracestate", "foo=1,bar=2"},
                                                      {"tracestate", "rojo=1,congo=2"},
                                                      {"tracestate", "baz=3"}})},
                  std::string{"foo=1,bar=2,rojo=1,congo=2,baz=3"}},
        std::pair{Case{"spaces_between", with_state({{"tracestate", "foo=1 \t , \t bar=2, \t baz=3"}})},
                  std::string{"foo=1,bar=2,baz=3"}},
        std::pair{Case{"spaces_around", with_state({{"tracestate", " foo=1\t"}})}, std::string{"foo=1"}},
        std::pair{Case{"space_first_in_value", with_state({{"tracestate", "foo= 1"}})}, std::string{"foo= 1"}},
        std::pair{Case{"every_key_character", with_state({{"tracestate",
                                                           "foo=1,abcdefghijklmnopqrstuvwxyz0123456789_-*/="
                                                           "1,a-z0-9_-*/@a-z0-9_-*/=1"}})},
                  std::string{"foo=1,abcdefghijklmnopqrstuvwxyz0123456789_-*/=1,a-z0-9_-*/@a-z0-9_-*/=1"}},
        std::pair{Case{"every_value_character", with_state({{"tracestate", "foo=" + every_value_character}})},
                  "foo=" + every_value_character},
        std::pair{Case{"keys_of_level_2", with_state({{"tracestate", "foo@=1,foo@@bar=2,foo@bar@baz=3,0digit=4"}})},
                  std::string{"foo@=1,foo@@bar=2,foo@bar@baz=3,0digit=4"}},
        std::pair{Case{"key_of_256", with_state({{"tracestate", std::string(256, 'z') + "=1"}})},
                  std::string(256, 'z') + "=1"},
        std::pair{Case{"value_of_256", with_state({{"tracestate", "a=" + std::string(256, 'z')}})},
                  "a=" + std::string(256, 'z')},
        std::pair{Case{"32_members_over_4_headers", with_state({{"tracestate", members(8, "a")},
                                                                {"tracestate", members(8, "b")},
                                                                {"tracestate", members(8, "c")},
                                                                {"tracestate", members(8, "d")}})},
                  members(8, "a") + "," + members(8, "b") + "," + members(8, "c") + "," + members(8, "d")},
        std::pair{Case{"key_twice", with_state({{"tracestate", "foo=1,foo=2"}})}, std::string{"foo=1,foo=2"}}),
    [](const auto& test) { return std::string{test.param.first.what}; });

// TC-11. Mutations to try: the bad member alone left out; a limit of 33; upper case and dots in keys; equals signs in
// values.
TEST_P(DiscardedTracestate, leaves_the_traceparent_alone) {
  const ft::SpanContext context = ft::extract_context(GetParam().headers);
  EXPECT_TRUE(context.is_valid());
  EXPECT_TRUE(context.trace_state.empty()) << text(context.trace_state.text());
}
Case bad_state(const char* what, const std::string& value) { return {what, with_state({{"tracestate", value}})}; }
INSTANTIATE_TEST_SUITE_P(
    TC_11, DiscardedTracestate,
    testing::Values(bad_state("space_before_equals", "foo =1"), bad_state("upper_case_key", "FOO=1"),
                    bad_state("dot_in_key", "foo.bar=1"), bad_state("at_first", "@foo=1,bar=2"),
                    bad_state("key_of_257", std::string(257, 'z') + "=1"),
                    bad_state("value_of_257", "a=" + std::string(257, 'z')), bad_state("33_members", members(33)),
                    bad_state("two_equals", "foo=bar=baz"), bad_state("empty_value", "foo=,bar=3"),
                    bad_state("no_equals", "foo"), bad_state("control_character", "foo=a\x01z"),
                    bad_state("not_ascii", "foo=\xC3\xA9"), bad_state("tab_in_value", "foo=a\tb"),
                    Case{"33_over_2_headers", with_state({{"tracestate", members(32)}, {"tracestate", "one=more"}})},
                    Case{"name_with_dash", with_state({{"trace-state", "foo=1"}})},
                    Case{"name_with_dot", with_state({{"trace.state", "foo=1"}})}),
    name_of);

// TC-13.
TEST(TraceState, sets_its_own_member_at_the_left_and_leaves_the_others_in_order) {
  const ft::TraceState state = ft::TraceState::parse("foo=1,bar=2,baz=3");
  EXPECT_EQ(text(state.with("own", "x").text()), "own=x,foo=1,bar=2,baz=3");
  EXPECT_EQ(text(state.with("baz", "4").text()), "baz=4,foo=1,bar=2");
  EXPECT_EQ(text(state.with("ba", "4").text()), "ba=4,foo=1,bar=2,baz=3");
  EXPECT_EQ(text(state.text()), "foo=1,bar=2,baz=3");
  EXPECT_EQ(text(state.get("bar")), "2");
  EXPECT_EQ(text(state.get("ba")), "");
  EXPECT_EQ(text(ft::TraceState{}.with("own", "x").text()), "own=x");
}

TEST(TraceState, refuses_what_w3c_does_not_allow) {
  const ft::TraceState state = ft::TraceState::parse("foo=1");
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"", "x"},
                                                                                   {"Own", "x"},
                                                                                   {"own", ""},
                                                                                   {"own", "a,b"},
                                                                                   {"own", "a=b"},
                                                                                   {"a=b", "c"},
                                                                                   {"own", "x "},
                                                                                   {std::string(257, 'k'), "x"},
                                                                                   {"own", std::string(257, 'v')}}) {
    EXPECT_EQ(text(state.with(key, value).text()), "foo=1") << key << "=" << value;
  }
}

TEST(TraceState, makes_room_for_its_own_member_at_the_right) {
  const ft::TraceState state = ft::TraceState::parse(members(32));
  EXPECT_EQ(text(state.with("own", "x").text()), "own=x," + members(31));
}

// TC-13: at least 512 characters are passed on; beyond what is kept, members of more than 128 go first, then the last.
// Mutation to try: the last members go first.
TEST(TraceState, loses_long_members_first_when_it_is_too_long) {
  const ft::Tracer tracer{"test"};  // whose accounting counts it
  const std::uint64_t cut = ft::span_info().trace_states_cut;
  std::string list = "first=1";
  for (int i = 0; i < 20; ++i) list += ",long" + std::to_string(i) + "=" + std::string(230, 'v');
  list += ",last=1";
  const std::string kept = text(ft::TraceState::parse(list).text());
  EXPECT_LE(kept.size(), 4080U);
  EXPECT_GE(kept.size(), 3800U);
  EXPECT_TRUE(kept.starts_with("first=1,long0="));
  EXPECT_TRUE(kept.ends_with(",last=1"));
  EXPECT_EQ(ft::span_info().trace_states_cut, cut + 1);

  std::string short_members;
  for (int i = 10; i < 42; ++i)
    short_members += (i == 10 ? "k" : ",k") + std::to_string(i) + "=" + std::string(124, 'v');
  const std::string shortened = text(ft::TraceState::parse(short_members).text());
  EXPECT_TRUE(shortened.starts_with("k10="));
  EXPECT_EQ(shortened.find("k41="), std::string::npos);
}

TEST(TraceState, goes_with_all_spans_of_the_trace_and_into_their_records) {
  ft::forget_spans();
  const ft::Tracer tracer{"test"};
  {
    const ft::SpanContext remote = ft::extract_context(with_state({{"tracestate", "foo=1,bar=2"}}));
    const ft::Span server = tracer.child(remote, "server");
    const ft::Span client = server.child("client");
    EXPECT_EQ(text(client.context().trace_state.text()), "foo=1,bar=2");
    std::string sent;
    ft::inject_context(client.context(), [&](ft::Text name, ft::Text value) {
      if (name == "tracestate") sent = text(value);
    });
    EXPECT_EQ(sent, "foo=1,bar=2");
  }
  for (const ft::RecordedSpan& span : ft::RecordedSpans::drain()) EXPECT_EQ(span.trace_state, "foo=1,bar=2");
}

// Every block comes back, or the budget would run out one day.
TEST(TraceState, gives_its_block_back_with_its_last_copy) {
  const std::uint64_t used = ft::span_info().used_bytes;
  {
    const ft::TraceState state = ft::TraceState::parse("foo=1");
    ft::TraceState copy = state;
    ft::TraceState moved = std::move(copy);
    copy = moved;
    moved = state.with("bar", "2");
    EXPECT_EQ(ft::span_info().used_bytes, used + 2 * 512);
  }
  EXPECT_EQ(ft::span_info().used_bytes, used);
}

}  // namespace propagation_test
