// SPDX-License-Identifier: Apache-2.0
//
// A span's life: what is set is what a drain shows.
//
// Parity: SPN-6, SPN-7, SPN-9, SPN-11, SPN-12, SPN-13, SPN-14, W-43, W-48.
#include "fast_telemetry/spans/span.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include "fast_telemetry/spans/propagation.h"
#include "fast_telemetry/testing/virtual_clock.h"
#include "tests/support/recorded_spans.h"

namespace ft = fast_telemetry;

namespace span_test {

class SpanTest : public testing::Test {
 protected:
  SpanTest() { ft::forget_spans(); }

  ft::Tracer tracer{"shop", {.version = "1.2"}};
};

TEST_F(SpanTest, that_is_a_root_begins_a_trace) {
  {
    const ft::Span span = tracer.root("request", {.kind = ft::SpanKind::server});
  }
  const ft::RecordedSpan seen = ft::RecordedSpans::drain_one();
  EXPECT_EQ(seen.name, "request");
  EXPECT_EQ(seen.scope, "shop");
  EXPECT_EQ(seen.version, "1.2");
  EXPECT_EQ(seen.kind, ft::SpanKind::server);
  EXPECT_TRUE(seen.trace_id.is_valid());
  EXPECT_TRUE(seen.span_id.is_valid());
  EXPECT_FALSE(seen.parent_id.is_valid());
  EXPECT_FALSE(seen.parent_is_remote);
  EXPECT_EQ(seen.status, ft::SpanStatus::unset);
}

TEST_F(SpanTest, that_is_a_child_has_its_parents_trace) {
  {
    const ft::Span root = tracer.root("request");
    const ft::Span child = root.child("query", {.kind = ft::SpanKind::client});
    EXPECT_EQ(child.context().trace_id, root.context().trace_id);
    EXPECT_NE(child.context().span_id, root.context().span_id);
  }
  const auto seen = ft::RecordedSpans::drain();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].name, "query");  // in the order of their ends
  EXPECT_EQ(seen[0].parent_id, seen[1].span_id);
  EXPECT_EQ(seen[0].trace_id, seen[1].trace_id);
  EXPECT_GE(seen[0].start_unix_ns, seen[1].start_unix_ns);
  EXPECT_LE(seen[0].end_unix_ns, seen[1].end_unix_ns);
}

TEST_F(SpanTest, of_a_remote_parent_says_so_and_of_an_invalid_one_is_a_root) {
  const auto remote = ft::parse_traceparent("00-0123456789abcdef0123456789abcdef-00f067aa0ba902b7-01");
  {
    const ft::Span span = tracer.child(remote, "request");
  }
  const ft::RecordedSpan seen = ft::RecordedSpans::drain_one();
  EXPECT_EQ(seen.trace_id, remote.trace_id);
  EXPECT_EQ(seen.parent_id, remote.span_id);
  EXPECT_TRUE(seen.parent_is_remote);
  EXPECT_EQ(seen.flags, ft::sampled_flag);

  for (const char* const header : {"", "garbage"}) {
    {
      const ft::Span span = tracer.child(ft::parse_traceparent(header), "request");
    }
    const ft::RecordedSpan root = ft::RecordedSpans::drain_one();
    EXPECT_FALSE(root.parent_id.is_valid());
    EXPECT_TRUE(root.trace_id.is_valid());
  }
}

TEST_F(SpanTest, may_be_a_child_of_a_span_that_has_ended_or_of_another_tracer) {
  ft::Span root = tracer.root("request");
  root.end();
  const ft::Tracer other{"other"};
  {
    const ft::Span child = other.child(root, "late");
  }
  const auto seen = ft::RecordedSpans::drain();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1].parent_id, seen[0].span_id);
  EXPECT_EQ(seen[1].scope, "other");
}

TEST_F(SpanTest, that_is_none_does_nothing) {
  ft::Span none;
  none.set_attribute("key", 1);
  none.add_event("event");
  none.end();
  EXPECT_FALSE(none.is_recording());
  EXPECT_FALSE(none.context().is_valid());
  EXPECT_FALSE(none.child("child").context().is_valid());
  EXPECT_FALSE(tracer.child(none, "child").context().is_valid());
  EXPECT_TRUE(ft::RecordedSpans::drain().empty());
}

TEST_F(SpanTest, takes_its_times_from_the_clock_once_at_each_end) {
  ft::VirtualClock clock{1'700'000'000'000'000'000};
  {
    ft::Span span = tracer.root("request");
    clock.advance(std::chrono::nanoseconds{1500});
    span.add_event("half_way");
    clock.advance(std::chrono::nanoseconds{500});
  }
  clock.advance(std::chrono::seconds{1});
  const ft::RecordedSpan seen = ft::RecordedSpans::drain_one();
  EXPECT_EQ(seen.start_unix_ns, 1'700'000'000'000'000'000);
  EXPECT_EQ(seen.end_unix_ns, 1'700'000'000'000'002'000);
  EXPECT_EQ(seen.events.at(0).time_unix_ns, 1'700'000'000'000'001'500);
}

TEST_F(SpanTest, can_be_given_its_times) {
  {
    ft::Span span = tracer.root("request", {.start_unix_ns = 1000});
    span.add_event("event", {}, 1500);
    span.end_at(2000);
  }
  const ft::RecordedSpan seen = ft::RecordedSpans::drain_one();
  EXPECT_EQ(seen.start_unix_ns, 1000);
  EXPECT_EQ(seen.end_unix_ns, 2000);
  EXPECT_EQ(seen.events.at(0).time_unix_ns, 1500);
}

TEST_F(SpanTest, can_be_given_one_of_its_times) {
  ft::VirtualClock clock{100'000'000'000};
  {
    const ft::Span span = tracer.root("request", {.start_unix_ns = 99'000'000'000});
  }
  const ft::RecordedSpan first = ft::RecordedSpans::drain_one();
  EXPECT_EQ(first.start_unix_ns, 99'000'000'000);
  EXPECT_EQ(first.end_unix_ns, 100'000'000'000);
  ft::Span span = tracer.root("request");
  span.end_at(101'000'000'000);
  const ft::RecordedSpan second = ft::RecordedSpans::drain_one();
  EXPECT_EQ(second.start_unix_ns, 100'000'000'000);
  EXPECT_EQ(second.end_unix_ns, 101'000'000'000);
}

TEST_F(SpanTest, may_be_timed_by_a_coarse_clock_on_the_same_scale) {
  const ft::Tracer coarse{"coarse", {.clock = ft::SpanClock::coarse}};
  const std::int64_t before = ft::unix_ns(ft::now_ns());
  {
    const ft::Span span = coarse.root("request");
  }
  const ft::RecordedSpan seen = ft::RecordedSpans::drain_one();
  EXPECT_LE(seen.start_unix_ns, seen.end_unix_ns);
  EXPECT_NEAR(static_cast<double>(seen.start_unix_ns), static_cast<double>(before), 1e9);
}

// O-52.
TEST_F(SpanTest, ends_once_and_takes_nothing_afterwards) {
  ft::Span span = tracer.root("request");
  const ft::SpanContext context = span.context();
  span.end();
  EXPECT_FALSE(span.is_recording());
  span.set_attribute("late", 1);
  span.add_event("late");
  span.set_status(ft::SpanStatus::error, "late");
  span.rename("late");
  span.end();
  span.end_at(5);
  EXPECT_EQ(span.context().span_id, context.span_id);
  const ft::RecordedSpan seen = ft::RecordedSpans::drain_one();
  EXPECT_EQ(seen.name, "request");
  EXPECT_EQ(seen.attributes, "");
  EXPECT_TRUE(seen.events.empty());
  EXPECT_EQ(seen.status, ft::SpanStatus::unset);
}

// O-51, SPN-7. Mutation: the last status wins.
TEST_F(SpanTest, has_a_status_by_opentelemetrys_rules) {
  const auto status_after = [&](auto set) {
    {
      ft::Span span = tracer.root("request");
      set(span);
    }
    const ft::RecordedSpan seen = ft::RecordedSpans::drain_one();
    return std::pair{seen.status, seen.description};
  };
  using enum ft::SpanStatus;
  EXPECT_EQ(status_after([](ft::Span& s) { s.set_status(error, "bad"); }), std::pair(error, std::string{"bad"}));
  EXPECT_EQ(status_after([](ft::Span& s) {
              s.set_status(error, "bad");
              s.set_status(error, "worse, and longer");
            }),
            std::pair(error, std::string{"worse, and longer"}));
  EXPECT_EQ(status_after([](ft::Span& s) {
              s.set_status(error, "bad");
              s.set_status(ok, "ignored");
            }),
            std::pair(ok, std::string{}));
  EXPECT_EQ(status_after([](ft::Span& s) {
              s.set_status(ok);
              s.set_status(error, "too late");
            }),
            std::pair(ok, std::string{}));
  EXPECT_EQ(status_after([](ft::Span& s) {
              s.set_status(error, "bad");
              s.set_status(unset);
            }),
            std::pair(error, std::string{"bad"}));
}

TEST_F(SpanTest, can_be_renamed) {
  {
    ft::Span span = tracer.root("GET");
    span.rename("POST");
  }
  EXPECT_EQ(ft::RecordedSpans::drain_one().name, "POST");
  {
    ft::Span span = tracer.root("GET");
    span.rename_to(std::string{"GET /orders/"} + "{id}");
    span.rename_to(std::string{"GET /users"});
    span.set_attribute("key", 1);
  }
  const ft::RecordedSpan seen = ft::RecordedSpans::drain_one();
  EXPECT_EQ(seen.name, "GET /users");
  EXPECT_EQ(seen.attributes, "key=1");
  {
    ft::Span span = tracer.root("GET");
    span.rename_to("run time");
    span.rename("PUT");
  }
  EXPECT_EQ(ft::RecordedSpans::drain_one().name, "PUT");
}

TEST_F(SpanTest, has_events_with_attributes) {
  const std::string host = "db1";
  {
    ft::Span span = tracer.root("request");
    span.set_attribute("before", 1);
    span.add_event("retry", {{"host", host}, {"attempt", 2}});
    span.set_attribute("after", true);
    span.add_event("done");
  }
  const ft::RecordedSpan seen = ft::RecordedSpans::drain_one();
  EXPECT_EQ(seen.attributes, "before=1 after=true");
  ASSERT_EQ(seen.events.size(), 2U);
  EXPECT_EQ(seen.events[0].name, "retry");
  EXPECT_EQ(seen.events[0].attributes, "host=\"db1\" attempt=2");
  EXPECT_EQ(seen.events[1].name, "done");
  EXPECT_EQ(seen.events[1].attributes, "");
  EXPECT_LE(seen.events[0].time_unix_ns, seen.events[1].time_unix_ns);
}

TEST_F(SpanTest, has_links_with_attributes_and_trace_state) {
  ft::SpanContext linked = ft::parse_traceparent("00-0123456789abcdef0123456789abcdef-00f067aa0ba902b7-01");
  linked.trace_state = ft::TraceState::parse("vendor=1");
  {
    ft::Span span = tracer.root("batch");
    span.add_link(linked, {{"why", "batched"}});
    span.add_link(ft::SpanContext{});                        // says nothing
    span.add_link(ft::SpanContext{}, {{"why", "unknown"}});  // O-52
  }
  const ft::RecordedSpan seen = ft::RecordedSpans::drain_one();
  ASSERT_EQ(seen.links.size(), 2U);
  EXPECT_EQ(seen.links[0].trace_id, linked.trace_id);
  EXPECT_EQ(seen.links[0].span_id, linked.span_id);
  EXPECT_EQ(seen.links[0].flags, ft::sampled_flag);
  EXPECT_TRUE(seen.links[0].is_remote);
  EXPECT_EQ(seen.links[0].trace_state, "vendor=1");
  EXPECT_EQ(seen.links[0].attributes, "why=\"batched\"");
  EXPECT_EQ(seen.links[1].attributes, "why=\"unknown\"");
}

// O-58.
TEST_F(SpanTest, records_exceptions_as_events) {
  {
    ft::Span span = tracer.root("request");
    span.record_exception(std::out_of_range{"index 7"});
    span.record_exception("MyError", "it broke", "at main");
  }
  const ft::RecordedSpan seen = ft::RecordedSpans::drain_one();
  ASSERT_EQ(seen.events.size(), 2U);
  EXPECT_EQ(seen.events[0].name, "exception");
  EXPECT_EQ(seen.events[0].attributes, "exception.type=\"std::out_of_range\" exception.message=\"index 7\"");
  EXPECT_EQ(seen.events[1].attributes,
            "exception.type=\"MyError\" exception.message=\"it broke\" exception.stacktrace=\"at main\"");
  EXPECT_EQ(seen.status, ft::SpanStatus::unset);
}

// Mutation to try: a moved span's items stay where they were.
TEST_F(SpanTest, moves_with_all_it_has_and_ends_once) {
  for (const std::size_t length : {3U, 3000U, 30'000U}) {
    const std::string text(length, 'x');
    {
      ft::Span first = tracer.root("request");
      first.set_attribute("text", text);
      ft::Span second = std::move(first);
      EXPECT_FALSE(first.is_recording());  // NOLINT(bugprone-use-after-move): that is what is tested
      first.set_attribute("lost", 1);
      second.set_attribute("number", 1);
      ft::Span third;
      third = std::move(second);
      const auto moved = std::make_unique<ft::Span>(std::move(third));
      moved->set_attribute("last", 2);
    }
    EXPECT_EQ(ft::RecordedSpans::drain_one().attributes, "text=\"" + text + "\" number=1 last=2");
  }
}

TEST_F(SpanTest, that_is_assigned_to_ends_first) {
  ft::Span span = tracer.root("first");
  span = tracer.root("second");
  EXPECT_EQ(ft::RecordedSpans::drain_one().name, "first");
  span = ft::Span{};
  EXPECT_EQ(ft::RecordedSpans::drain_one().name, "second");
}

TEST_F(SpanTest, ends_on_any_thread_also_in_one_that_is_ending) {
  ft::Span span = tracer.root("request");
  std::thread{[moved = std::move(span)]() mutable { moved.end(); }}.join();
  EXPECT_EQ(ft::RecordedSpans::drain_one().name, "request");
  std::thread{[&] {
    thread_local std::optional<ft::Span> last;
    last.emplace(tracer.root("at_thread_exit"));
  }}.join();
  EXPECT_EQ(ft::RecordedSpans::drain_one().name, "at_thread_exit");
}

TEST_F(SpanTest, outlives_its_tracer) {
  std::optional<ft::Tracer> gone{"gone"};
  {
    const ft::Span span = gone->root("request");
    gone.reset();
    const ft::Span child = span.child("child");
  }
  const auto seen = ft::RecordedSpans::drain();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].scope, "gone");
}

TEST_F(SpanTest, gives_exemplars_its_ids_when_it_is_recorded) {
  const ft::Span span = tracer.root("request");
  const ft::TraceRef ref = span.trace_ref();
  EXPECT_EQ(std::memcmp(ref.trace_id, span.context().trace_id.bytes, 16), 0);
  EXPECT_EQ(std::memcmp(ref.span_id, span.context().span_id.bytes, 8), 0);
  const ft::Tracer off{"off", {.sampler = ft::Sampler::always_off()}};
  const ft::TraceRef none = off.root("request").trace_ref();
  for (const std::byte byte : none.trace_id) EXPECT_EQ(byte, std::byte{0});
}

}  // namespace span_test
