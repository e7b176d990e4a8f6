// SPDX-License-Identifier: Apache-2.0
//
// TailSampler: which traces are kept, when they are decided, and what happens at each limit.
#include "fast_telemetry/spans/tail_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "fast_telemetry/testing/virtual_clock.h"
#include "tests/support/sink_with_room.h"

namespace ft = fast_telemetry;

namespace tail_sampler_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class TailSamplerTest : public testing::Test {
 protected:
  TailSamplerTest() { ft::forget_spans(); }
  ~TailSamplerTest() override { ft::forget_spans(); }

  void drain_and_decide() {
    ft::drain_spans(*tail);
    EXPECT_TRUE(tail->decide());
    expect_sum();
  }
  /// Lets every trace whose root has ended be decided.
  void settle() {
    ft::drain_spans(*tail);
    clock.advance(1s);
    drain_and_decide();
  }
  void expect_sum() const {
    const ft::TailSamplerInfo info = tail->info();
    EXPECT_EQ(info.received, info.kept + info.dropped() + info.held);
    EXPECT_EQ(info.kept, next.spans.size());
  }

  /// A root and a child, which lasted so long.
  void trace(std::chrono::nanoseconds duration, bool has_error = false) {
    const ft::Span root = tracer.root("root");
    ft::Span child = root.child("child");
    if (has_error) child.set_status(ft::SpanStatus::error);
    child.end();
    clock.advance(duration);
  }
  static ft::SpanContext elsewhere(bool is_remote = true) {
    return {ft::random_trace_id(), ft::random_span_id(), ft::sampled_flag | ft::random_flag, is_remote, {}};
  }

  ft::VirtualClock clock;
  ft::Tracer tracer{"test"};
  ft::SinkWithRoom next;
  std::optional<ft::TailSampler> tail{std::in_place, ft::TailSamplerOptions{}, next};
};

// Mutation: the status is asked of local roots only.
TEST_F(TailSamplerTest, keeps_all_spans_of_a_trace_with_an_error_and_none_of_others) {
  trace(1ms);
  trace(1ms, true);
  trace(1ms);
  settle();
  ASSERT_THAT(next.names(), ElementsAre("child", "root"));
  EXPECT_EQ(next.spans[0].status, ft::SpanStatus::error);
  EXPECT_EQ(next.spans[0].parent_id, next.spans[1].span_id);
  EXPECT_EQ(next.spans[0].flags, ft::sampled_flag | ft::random_flag);
  EXPECT_EQ(tail->info().traces_error, 1U);
  EXPECT_EQ(tail->info().traces_sampled_out, 2U);
  EXPECT_EQ(tail->info().dropped_sampled_out, 4U);
  EXPECT_EQ(tail->info().held_bytes, 0U);
}

// Mutation: a trace is decided when its root comes.
TEST_F(TailSamplerTest, waits_for_the_root_and_a_while_for_what_ended_beside_it) {
  ft::Span root = tracer.root("root");
  std::thread{[&] { root.child("early").set_status(ft::SpanStatus::error); }}.join();
  clock.advance(29s);
  drain_and_decide();
  EXPECT_THAT(next.names(), IsEmpty());
  ft::Span beside = root.child("beside");
  root.end();
  drain_and_decide();
  std::thread{[&] { beside.end(); }}.join();
  clock.advance(1s - 1ns);
  drain_and_decide();
  EXPECT_THAT(next.names(), IsEmpty());
  EXPECT_EQ(tail->info().held, 3U);
  clock.advance(1ns);
  drain_and_decide();
  EXPECT_THAT(next.names(), ElementsAre("early", "root", "beside"));
  EXPECT_EQ(tail->info().decided_rootless, 0U);
}

// Mutation: only a span without a parent is a local root.
TEST_F(TailSamplerTest, takes_a_span_with_a_parent_in_another_process_for_a_root) {
  tail.emplace(ft::TailSamplerOptions{.slower_than_ns = 100'000'000}, next);
  ft::Span server = tracer.child(elsewhere(), "server");
  server.child("inner").end();
  clock.advance(101ms);
  server.end();
  settle();
  EXPECT_THAT(next.names(), ElementsAre("inner", "server"));
  EXPECT_EQ(tail->info().traces_slow, 1U);
}

// A parent in this process that was not sampled, or a context that was not marked. Mutation: it waits for ever.
TEST_F(TailSamplerTest, decides_without_a_root_after_the_longest_wait_by_the_longest_span) {
  tail.emplace(ft::TailSamplerOptions{.slower_than_ns = 100'000'000}, next);
  for (const auto duration : {100ms, 101ms}) {
    const ft::SpanContext parent = elsewhere(false);
    ft::Span lost = tracer.child(parent, "lost");
    clock.advance(duration);
    lost.end();
    tracer.child(parent, duration == 100ms ? ft::Literal{"of short"} : ft::Literal{"of long"}).end();
  }
  drain_and_decide();
  clock.advance(30s - 1ns);
  drain_and_decide();
  EXPECT_EQ(tail->info().held, 4U);
  clock.advance(1ns);
  drain_and_decide();
  EXPECT_THAT(next.names(), ElementsAre("lost", "of long"));
  EXPECT_EQ(tail->info().decided_rootless, 2U);
}

// Mutation: >= for >; the longest span instead of the root.
TEST_F(TailSamplerTest, keeps_traces_whose_root_is_slower_than_the_threshold) {
  tail.emplace(ft::TailSamplerOptions{.slower_than_ns = 100'000'000}, next);
  trace(100ms);
  trace(100ms + 1ns);
  {
    ft::Span root = tracer.root("root");
    const ft::Span background = root.child("background");
    root.end();
    clock.advance(200ms);
  }
  settle();
  EXPECT_EQ(next.spans.size(), 2U);
  EXPECT_EQ(tail->info().traces_slow, 1U);
}

class QuantileTest : public TailSamplerTest {
 protected:
  QuantileTest() { tail.emplace(ft::TailSamplerOptions{.slow_quantile = 0.99}, next); }
  /// How many of so many roots were kept.
  std::uint64_t kept_of(int count, ft::Literal name, std::chrono::nanoseconds duration) {
    const std::uint64_t before = tail->info().traces_slow;
    for (int i = 0; i < count; ++i) {
      const ft::Span root = tracer.root(name);
      clock.advance(duration);
    }
    settle();
    return tail->info().traces_slow - before;
  }
};

// Mutation: one estimate for all names.
TEST_F(QuantileTest, keeps_what_is_slow_among_roots_of_its_name) {
  EXPECT_EQ(kept_of(200, "fast", 1ms), 0U);
  EXPECT_EQ(kept_of(200, "slow", 1s), 0U);
  EXPECT_EQ(kept_of(1, "fast", 10ms), 1U);
  EXPECT_EQ(kept_of(1, "slow", 10ms), 0U);
  EXPECT_EQ(kept_of(1, "slow", 1100ms), 1U);
  EXPECT_EQ(kept_of(1, "fast", 1ms), 0U);
}

// Mutation: the count that it needs is not asked.
TEST_F(QuantileTest, needs_as_many_roots_as_it_takes_to_have_that_quantile) {
  EXPECT_EQ(kept_of(99, "root", 1ms), 0U);
  EXPECT_EQ(kept_of(1, "root", 10ms), 0U);
  EXPECT_EQ(kept_of(1, "root", 20ms), 1U);
}

// Mutation: counts are never halved.
TEST_F(QuantileTest, follows_a_change) {
  kept_of(16'000, "root", 10ms);
  EXPECT_EQ(kept_of(1, "root", 5ms), 0U);
  kept_of(80'000, "root", 1ms);
  EXPECT_EQ(kept_of(1, "root", 5ms), 1U);
}

TEST_F(QuantileTest, keeps_about_that_share_of_durations_that_spread) {
  std::uint64_t kept = 0;
  for (int i = 0; i < 10'000; ++i)
    kept += kept_of(1, "root", std::chrono::microseconds{1000 + i * 7919 % 10'000 * 100});
  EXPECT_GT(kept, 20U);
  EXPECT_LE(kept, 100U);
}

// Mutation: by the span's id.
TEST_F(TailSamplerTest, keeps_of_the_rest_the_traces_that_a_head_sampler_of_that_ratio_chooses) {
  tail.emplace(ft::TailSamplerOptions{.ratio = 0.25}, next);
  const ft::Tracer head{"test", {.sampler = ft::Sampler::trace_id_ratio(0.25)}};
  std::map<std::string, bool> chosen;
  for (int i = 0; i < 1000; ++i) {
    const ft::SpanContext parent = elsewhere();
    ft::Span answer = head.child(parent, "head");
    chosen[std::string{parent.trace_id.hex().chars, 32}] = answer.is_recording();
    answer = ft::Span{};
    ft::forget_spans();
    tracer.child(parent, "server").end();
    ft::drain_spans(*tail);
  }
  settle();
  const auto count = std::ranges::count_if(chosen, [](const auto& each) { return each.second; });
  EXPECT_GT(count, 100);
  EXPECT_EQ(next.spans.size(), static_cast<std::size_t>(count));
  for (const ft::RecordedSpan& span : next.spans) {
    EXPECT_TRUE(chosen[(std::string{span.trace_id.hex().chars, 32})]);
  }
}

// Mutation: late spans begin a trace of their own.
TEST_F(TailSamplerTest, treats_late_spans_as_it_treated_their_trace) {
  ft::Span bad = tracer.root("bad");
  ft::Span bad_late = bad.child("bad late");
  bad.set_status(ft::SpanStatus::error);
  bad.end();
  ft::Span good = tracer.root("good");
  ft::Span good_late = good.child("good late");
  good.end();
  settle();
  bad_late.end();
  good_late.end();
  drain_and_decide();
  EXPECT_THAT(next.names(), ElementsAre("bad", "bad late"));
  EXPECT_EQ(tail->info().late_spans, 2U);
  EXPECT_EQ(tail->info().dropped_sampled_out, 2U);
  EXPECT_EQ(tail->info().held, 0U);
}

// Mutation: a decision is never revised.
TEST_F(TailSamplerTest, keeps_a_late_error_and_a_late_slow_root_and_what_follows_it) {
  tail.emplace(ft::TailSamplerOptions{.slower_than_ns = 10'000'000'000}, next);
  ft::Span root = tracer.root("root");
  root.child("first").end();
  drain_and_decide();
  clock.advance(30s);
  drain_and_decide();
  root.child("second").end();
  ft::Span last = root.child("last");
  root.end();
  last.end();
  drain_and_decide();
  EXPECT_THAT(next.names(), ElementsAre("root", "last"));
  EXPECT_EQ(tail->info().revised, 1U);

  ft::Span other = tracer.root("other");
  ft::Span failed = other.child("failed");
  other.end();
  settle();
  failed.set_status(ft::SpanStatus::error);
  failed.end();
  drain_and_decide();
  EXPECT_THAT(next.names(), ElementsAre("root", "last", "failed"));
  EXPECT_EQ(tail->info().revised, 2U);
}

// Mutation: decisions are never forgotten (and overwrite memory).
TEST_F(TailSamplerTest, remembers_so_many_decisions_the_latest_ones) {
  tail.emplace(ft::TailSamplerOptions{.max_decisions = 2}, next);
  std::vector<ft::Span> late;
  for (int i = 0; i < 3; ++i) {
    ft::Span root = tracer.root("root");
    root.set_status(ft::SpanStatus::error);
    late.push_back(root.child("late"));
  }
  settle();
  EXPECT_EQ(next.spans.size(), 3U);
  late.clear();
  drain_and_decide();
  EXPECT_EQ(next.spans.size(), 5U);
  EXPECT_EQ(tail->info().late_spans, 2U);
  EXPECT_EQ(tail->info().held, 1U);
}

// Mutation: what exceeds a trace's limit is not judged; the root falls under it.
TEST_F(TailSamplerTest, drops_what_exceeds_a_traces_limit_but_not_its_errors_nor_its_root) {
  tail.emplace(ft::TailSamplerOptions{.max_spans_per_trace = 2}, next);
  {
    const ft::Span root = tracer.root("root");
    root.child("first").end();
    root.child("second").end();
    root.child("third").end();
    root.child("fourth").set_status(ft::SpanStatus::error);
  }
  settle();
  EXPECT_THAT(next.names(), ElementsAre("first", "second", "root"));
  EXPECT_EQ(tail->info().dropped_trace_limit, 2U);

  tail.emplace(ft::TailSamplerOptions{.max_bytes_per_trace = 3000}, next);
  next.spans.clear();
  {
    ft::Span root = tracer.root("root");
    root.set_attribute("text", std::string(3000, 'x'));
    root.child("large").set_attribute("text", std::string(3000, 'x'));
    root.child("small").set_status(ft::SpanStatus::error);
  }
  settle();
  EXPECT_THAT(next.names(), ElementsAre("small", "root"));
}

// Mutation: the oldest of all, with or without its root.
TEST_F(TailSamplerTest, decides_the_trace_whose_root_came_first_when_there_are_too_many) {
  tail.emplace(ft::TailSamplerOptions{.max_traces = 2}, next);
  ft::Span open = tracer.root("open");
  open.child("step").end();
  trace(1ms, true);
  trace(1ms);
  drain_and_decide();
  EXPECT_THAT(next.names(), ElementsAre("child", "root"));
  EXPECT_EQ(tail->info().decided_early, 1U);
  EXPECT_EQ(tail->info().held_traces, 2U);
}

// Mutation: the span that was refused is taken for passed on.
TEST_F(TailSamplerTest, is_full_when_the_next_sink_is_and_goes_on_there) {
  for (int i = 0; i < 3; ++i) trace(1ms, true);
  ft::drain_spans(*tail);
  clock.advance(1s);
  next.room = 1;
  EXPECT_FALSE(tail->decide());
  expect_sum();
  EXPECT_EQ(tail->info().held, 5U);
  trace(1ms, true);
  EXPECT_FALSE(ft::drain_spans(*tail).is_complete);
  EXPECT_EQ(tail->info().received, 6U);
  next.room = 2;
  EXPECT_FALSE(tail->decide());
  next.room = 100;
  EXPECT_TRUE(tail->decide());
  expect_sum();
  EXPECT_EQ(next.spans.size(), 6U);
  EXPECT_TRUE(ft::drain_spans(*tail).is_complete);
  EXPECT_TRUE(tail->flush());
  EXPECT_THAT(next.names(), ElementsAre("child", "root", "child", "root", "child", "root", "child", "root"));
  expect_sum();
}

TEST_F(TailSamplerTest, still_holds_the_span_that_the_next_sink_threw_at) {
  trace(1ms, true);
  ft::drain_spans(*tail);
  next.throws = true;
  EXPECT_THROW((void)tail->flush(), std::runtime_error);
  EXPECT_THROW((void)tail->flush(), std::runtime_error);
  expect_sum();
  next.throws = false;
  EXPECT_TRUE(tail->flush());
  EXPECT_THAT(next.names(), ElementsAre("child", "root"));
  expect_sum();
}

// Mutation: flush() decides what is due.
TEST_F(TailSamplerTest, flush_decides_everything_at_once) {
  ft::Span open = tracer.root("open");
  open.child("step").set_status(ft::SpanStatus::error);
  trace(1ms, true);
  ft::drain_spans(*tail);
  EXPECT_TRUE(tail->flush());
  EXPECT_EQ(tail->info().held, 0U);
  EXPECT_EQ(next.spans.size(), 3U);
  EXPECT_EQ(tail->info().decided_rootless, 1U);
  expect_sum();
}

// Mutation: the child takes what it finds for its own.
TEST_F(TailSamplerTest, begins_empty_in_a_forked_child) {
  trace(1ms, true);
  ft::drain_spans(*tail);
  const pid_t child = fork();
  if (child == 0) {
    bool is_right = tail->flush() && next.spans.empty() && tail->info().received == 0 && tail->info().held == 0;
    trace(1ms, true);
    ft::drain_spans(*tail);
    is_right = is_right && tail->flush() && next.spans.size() == 2 && tail->info().kept == 2;
    _exit(is_right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(tail->flush());
  EXPECT_EQ(next.spans.size(), 2U);
}

TEST_F(TailSamplerTest, refuses_options_that_make_no_sense) {
  const auto refused = [&](const ft::TailSamplerOptions& options) {
    EXPECT_THROW((ft::TailSampler{options, next}), std::invalid_argument);
  };
  refused({.slower_than_ns = -1});
  refused({.slow_quantile = 1});
  refused({.slow_quantile = -0.1});
  refused({.ratio = 1.5});
  refused({.wait_after_root_ns = -1});
  refused({.longest_wait_ns = -1});
  refused({.max_bytes = 1000});
  refused({.max_bytes = std::size_t{3} << 30U});
  refused({.max_traces = 0});
  refused({.max_bytes_per_trace = 0});
  refused({.max_spans_per_trace = 0});
  refused({.max_decisions = 0});
}

TEST_F(TailSamplerTest, tells_its_accounting_to_visitors) {
  trace(1ms);
  trace(1ms, true);
  settle();
  trace(1ms);
  drain_and_decide();
  const ft::TailSamplerInfo info = tail->info();
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::RecordingVisitor seen;
  reader.collect().visit(seen, info, ft::span_info());
  EXPECT_EQ(seen.counter("fast_telemetry_tail_spans_received"), 6U);
  EXPECT_EQ(seen.counter("fast_telemetry_tail_spans_kept"), 2U);
  EXPECT_EQ(seen.counter("fast_telemetry_tail_spans_dropped", {{"reason", "sampled_out"}}), 2U);
  EXPECT_EQ(seen.counter("fast_telemetry_tail_decisions", {{"decision", "error"}}), 1U);
  EXPECT_EQ(seen.gauge("fast_telemetry_tail_spans_held"), 2);
  EXPECT_EQ(seen.gauge("fast_telemetry_tail_held_bytes"), static_cast<std::int64_t>(info.held_bytes));
  int own = 0;
  for (const std::string& name : seen.family_names()) {
    if (!name.starts_with("fast_telemetry_tail_")) continue;
    ++own;
    EXPECT_THROW((ft::Counter{registry, {.name = ft::Name::checked(name)}}), std::invalid_argument) << name;
  }
  EXPECT_EQ(own, 12);
}

}  // namespace tail_sampler_test
