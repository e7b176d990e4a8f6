// SPDX-License-Identifier: Apache-2.0
//
// Samplers: what is recorded, and what a span that is not still does.
//
// Parity: SPN-18, W-38, W-39 (each differs: docs/parity.md).
#include "fast_telemetry/spans/sampler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

#include "fast_telemetry/testing/virtual_clock.h"
#include "tests/support/recorded_spans.h"

namespace ft = fast_telemetry;

namespace sampler_test {

ft::SpanContext remote(std::uint8_t flags) { return {ft::random_trace_id(), ft::random_span_id(), flags, true, {}}; }

bool records_root(const ft::Tracer& tracer) { return tracer.root("span").is_recording(); }
bool records_child_of(const ft::Tracer& tracer, std::uint8_t flags) {
  return tracer.child(remote(flags), "span").is_recording();
}

class SamplerTest : public testing::Test {
 protected:
  ~SamplerTest() override { ft::forget_spans(); }
};

TEST_F(SamplerTest, always_on_and_always_off_ask_nobody) {
  const ft::Tracer on{"on", {.sampler = ft::Sampler::always_on()}};
  EXPECT_TRUE(records_root(on));
  EXPECT_TRUE(records_child_of(on, 0));
  const ft::Tracer off{"off", {.sampler = ft::Sampler::always_off()}};
  EXPECT_FALSE(records_root(off));
  EXPECT_FALSE(records_child_of(off, ft::sampled_flag));
  EXPECT_FALSE(off.child(on.root("parent"), "span").is_recording());
}

// O-54. Mutation to try: the parent's flag ignored (SPN-3).
TEST_F(SamplerTest, parent_based_does_as_the_parent_did) {
  const ft::Tracer standard{"standard"};
  EXPECT_TRUE(records_root(standard));
  EXPECT_TRUE(records_child_of(standard, ft::sampled_flag));
  EXPECT_FALSE(records_child_of(standard, 0));
  const ft::Tracer few{"few", {.sampler = ft::Sampler::parent_based(ft::Sampler::always_off())}};
  EXPECT_FALSE(records_root(few));
  EXPECT_TRUE(records_child_of(few, ft::sampled_flag));
  const ft::Span unsampled = few.root("root");
  EXPECT_FALSE(unsampled.child("child").is_recording());
  EXPECT_FALSE(standard.child(unsampled, "child").is_recording());
}

// TC-5, O-54: the flag is set exactly for what is recorded, and the trace stays one.
TEST_F(SamplerTest, decides_the_flag_and_never_the_trace) {
  const ft::Tracer off{"off", {.sampler = ft::Sampler::always_off()}};
  const ft::Tracer on{"on", {.sampler = ft::Sampler::always_on()}};
  const ft::SpanContext parent = remote(ft::sampled_flag | ft::random_flag);
  const ft::SpanContext dropped = off.child(parent, "span").context();
  EXPECT_EQ(dropped.trace_id, parent.trace_id);
  EXPECT_NE(dropped.span_id, parent.span_id);
  EXPECT_TRUE(dropped.span_id.is_valid());
  EXPECT_EQ(dropped.flags, ft::random_flag);
  const ft::SpanContext kept = on.child(dropped, "span").context();
  EXPECT_EQ(kept.trace_id, parent.trace_id);
  EXPECT_EQ(kept.flags, ft::sampled_flag | ft::random_flag);
}

TEST_F(SamplerTest, an_unsampled_span_takes_everything_and_records_nothing) {
  const ft::Tracer off{"off", {.sampler = ft::Sampler::always_off()}};
  const ft::SpanInfo before = ft::span_info();
  {
    ft::Span span = off.root("span");
    span.set_attribute("key", "value");
    span.add_event("event", {{"key", 1}});
    span.set_status(ft::SpanStatus::error, "bad");
    span.rename_to("other");
    const ft::SpanContext context = span.context();
    ft::Span moved = std::move(span);
    EXPECT_EQ(moved.context().span_id, context.span_id);
    EXPECT_EQ(moved.child("child").context().trace_id, context.trace_id);
    moved.end();
    EXPECT_EQ(moved.context().span_id, context.span_id);
  }
  EXPECT_EQ(ft::span_info().recorded, before.recorded);
  EXPECT_TRUE(ft::RecordedSpans::drain().empty());
}

// O-55. Mutation to try: a decision that is not by the trace id.
TEST_F(SamplerTest, ratio_decides_by_the_trace_id_and_a_lower_one_chooses_among_a_higher_ones) {
  const ft::Tracer tenth{"tenth", {.sampler = ft::Sampler::trace_id_ratio(0.1)}};
  const ft::Tracer half{"half", {.sampler = ft::Sampler::trace_id_ratio(0.5)}};
  const ft::Tracer again{"again", {.sampler = ft::Sampler::trace_id_ratio(0.1)}};
  constexpr int traces = 20'000;
  int chosen = 0;
  for (int i = 0; i < traces; ++i) {
    const ft::SpanContext parent = remote(i % 2 == 0 ? ft::sampled_flag : 0);
    const bool is_chosen = tenth.child(parent, "span").is_recording();
    EXPECT_EQ(is_chosen, again.child(parent, "span").is_recording());
    EXPECT_TRUE(!is_chosen || half.child(parent, "span").is_recording());
    chosen += is_chosen ? 1 : 0;
  }
  EXPECT_NEAR(chosen, traces / 10, 6 * 43);  // six standard deviations
}

TEST_F(SamplerTest, ratio_of_the_low_56_bits_of_the_id) {
  const ft::Tracer half{"half", {.sampler = ft::Sampler::trace_id_ratio(0.5)}};
  const auto decides = [&](const char* id) {
    return half.child(ft::SpanContext{ft::TraceId::parse(id), ft::random_span_id(), 0, true, {}}, "span")
        .is_recording();
  };
  EXPECT_TRUE(decides("ffffffffffffffffff7fffffffffffff"));
  EXPECT_FALSE(decides("00000000000000000080000000000000"));
  EXPECT_TRUE(decides("ffffffffffffffffff00000000000000"));
}

TEST_F(SamplerTest, ratio_of_0_is_never_and_of_1_is_always) {
  const ft::Tracer never{"never", {.sampler = ft::Sampler::trace_id_ratio(0)}};
  const ft::Tracer always{"always", {.sampler = ft::Sampler::trace_id_ratio(1)}};
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(records_root(never));
    EXPECT_TRUE(records_root(always));
  }
  const ft::SpanContext highest{
      ft::TraceId::parse("ffffffffffffffffffffffffffffffff"), ft::random_span_id(), 0, true, {}};
  EXPECT_TRUE(always.child(highest, "span").is_recording());
}

TEST_F(SamplerTest, refuses_ratios_and_rates_that_are_none) {
  for (const double ratio : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(static_cast<void>(ft::Sampler::trace_id_ratio(ratio)), std::invalid_argument);
  }
  for (const double rate : {0.0, -1.0, 2e9, std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(static_cast<void>(ft::Sampler::rate_limited(rate)), std::invalid_argument);
  }
  EXPECT_THROW(static_cast<void>(ft::Sampler::rate_limited(1, 0)), std::invalid_argument);
}

// Mutation: tokens saved up without a bound.
TEST_F(SamplerTest, rate_limited_lets_so_many_through_in_a_second) {
  ft::VirtualClock clock{1'000'000'000'000};
  const ft::Tracer limited{"limited", {.sampler = ft::Sampler::rate_limited(10, 3)}};
  const auto recorded_of = [&](int tries) {
    int recorded = 0;
    for (int i = 0; i < tries; ++i) recorded += records_root(limited) ? 1 : 0;
    return recorded;
  };
  EXPECT_EQ(recorded_of(100), 3);
  clock.advance(std::chrono::milliseconds{99});
  EXPECT_EQ(recorded_of(100), 0);
  clock.advance(std::chrono::milliseconds{1});
  EXPECT_EQ(recorded_of(100), 1);
  clock.advance(std::chrono::seconds{60});
  EXPECT_EQ(recorded_of(100), 3);
  int recorded = 0;
  for (int i = 0; i < 1000; ++i) {
    clock.advance(std::chrono::milliseconds{10});
    recorded += recorded_of(5);
  }
  EXPECT_EQ(recorded, 100);
}

TEST_F(SamplerTest, rate_limited_is_one_limit_for_all_threads) {
  ft::VirtualClock clock{1'000'000'000'000};
  const ft::Tracer limited{"limited", {.sampler = ft::Sampler::rate_limited(1, 1000)}};
  std::atomic<int> recorded{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 2000; ++i) recorded += records_root(limited) ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(recorded.load(), 1000);
}

class OnlyServers final : public ft::SamplingRule {
 public:
  bool is_sampled(const ft::SamplingQuestion& question) const noexcept override {
    return question.kind == ft::SpanKind::server && question.trace_id.is_valid() && question.name == ft::Text{"span"};
  }
};

TEST_F(SamplerTest, may_be_a_rule_of_ones_own_and_change_while_spans_start) {
  static const OnlyServers rule;
  ft::Tracer tracer{"own", {.sampler = ft::Sampler::custom(rule)}};
  EXPECT_TRUE(tracer.root("span", {.kind = ft::SpanKind::server}).is_recording());
  EXPECT_FALSE(tracer.root("span").is_recording());
  EXPECT_FALSE(tracer.root("other", {.kind = ft::SpanKind::server}).is_recording());
  const ft::Tracer copy = tracer;
  tracer.set_sampler(ft::Sampler::always_on());
  EXPECT_TRUE(records_root(copy));
  tracer.set_sampler(ft::Sampler::always_off());
  EXPECT_FALSE(records_root(copy));
}

}  // namespace sampler_test
