// SPDX-License-Identifier: Apache-2.0
//
// Buffers and their drain: everything that has ended arrives once, or is counted.
//
// Parity: SPN-15, SPN-16, SPN-17, SPN-19, SPN-20, SPN-21, SPN-22, W-40, W-41, W-42 (each differs: docs/parity.md).
#include "fast_telemetry/spans/drain.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/support/recorded_spans.h"

namespace ft = fast_telemetry;

namespace drain_test {

class DrainTest : public testing::Test {
 protected:
  DrainTest() {
    ft::forget_spans();
    before = ft::span_info();
  }
  ~DrainTest() override {
    ft::set_span_budget(std::size_t{64} << 20U);
    ft::forget_spans();
  }

  void expect_sum() const {
    const ft::SpanInfo now = ft::span_info();
    EXPECT_EQ(now.recorded, now.drained + now.dropped() + now.buffered);
  }
  void record(int count) const {
    for (int i = 0; i < count; ++i) {
      ft::Span span = tracer.root("span");
      span.set_attribute("number", i);
    }
  }

  /// That these are the first so many of record(), each once.
  static void expect_first(const std::vector<ft::RecordedSpan>& seen, std::size_t count) {
    std::set<std::string> numbers;
    for (const ft::RecordedSpan& span : seen) numbers.insert(span.attributes);
    EXPECT_EQ(seen.size(), count);
    EXPECT_EQ(numbers.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(numbers.contains("number=" + std::to_string(i))) << i;
    }
  }

  ft::Tracer tracer{"test"};
  ft::SpanInfo before{};
};

// W-41. Mutation: only closed chunks are drained.
TEST_F(DrainTest, shows_the_single_span_of_a_thread_that_sleeps) {
  std::atomic<int> step{0};
  std::jthread sleeper{[&] {
    record(1);
    step = 1;
    step.notify_all();
    step.wait(1);
    record(1);
  }};
  step.wait(0);
  EXPECT_EQ(ft::RecordedSpans::drain().size(), 1U);
  EXPECT_EQ(ft::RecordedSpans::drain().size(), 0U);
  expect_sum();
  step = 2;
  step.notify_all();
  sleeper.join();
  EXPECT_EQ(ft::RecordedSpans::drain().size(), 1U);
}

TEST_F(DrainTest, gives_each_span_once_over_many_chunks) {
  record(5000);
  EXPECT_EQ(ft::span_info().buffered, 5000U);
  expect_sum();
  const auto seen = ft::RecordedSpans::drain();
  expect_first(seen, 5000);
  EXPECT_EQ(ft::span_info().buffered, 0U);
  EXPECT_EQ(ft::span_info().drained, before.drained + 5000);
  EXPECT_GE(ft::span_info().most_buffered, 5000U);
  expect_sum();
}

/// Takes so many, and is full then.
class BoundedSink final : public ft::SpanSink {
 public:
  explicit BoundedSink(std::size_t room) : room_{room} {}
  ft::SinkAnswer span(const ft::SpanRecord& record) override {
    if (ids.size() == room_) return ft::SinkAnswer::full;
    ids.emplace_back(record.span_id());
    return ft::SinkAnswer::taken;
  }
  std::vector<ft::SpanId> ids;

 private:
  std::size_t room_;
};

// Mutation: the span that was refused is taken for drained.
TEST_F(DrainTest, ends_at_a_full_sink_and_goes_on_there) {
  record(2000);
  std::set<std::string> ids;
  for (const std::size_t room : {1U, 700U, 0U, 1000U}) {
    BoundedSink sink{room};
    const ft::DrainResult result = ft::drain_spans(sink);
    EXPECT_EQ(result.spans, room);
    EXPECT_FALSE(result.is_complete);
    for (const ft::SpanId& id : sink.ids) ids.insert(std::string{id.hex().chars, 16});
    expect_sum();
  }
  BoundedSink rest{2000};
  const ft::DrainResult result = ft::drain_spans(rest);
  EXPECT_EQ(result.spans, 299U);
  EXPECT_TRUE(result.is_complete);
  for (const ft::SpanId& id : rest.ids) ids.insert(std::string{id.hex().chars, 16});
  EXPECT_EQ(ids.size(), 2000U);
}

TEST_F(DrainTest, keeps_the_span_that_a_sink_threw_at) {
  class Thrower final : public ft::SpanSink {
   public:
    ft::SinkAnswer span(const ft::SpanRecord&) override {
      if (++calls == 3) throw std::runtime_error{"disk full"};
      return ft::SinkAnswer::taken;
    }
    int calls = 0;
  } thrower;
  record(5);
  EXPECT_THROW(ft::drain_spans(thrower), std::runtime_error);
  expect_sum();
  EXPECT_EQ(ft::RecordedSpans::drain().size(), 3U);
}

TEST_F(DrainTest, may_record_in_its_sink_and_not_drain_there) {
  class Busy final : public ft::SpanSink {
   public:
    explicit Busy(const ft::Tracer& tracer) : tracer_{tracer} {}
    ft::SinkAnswer span(const ft::SpanRecord&) override {
      if (++calls < 10) const ft::Span mine = tracer_.root("export");
      EXPECT_FALSE(ft::drain_spans(*this).is_complete);
      EXPECT_GE(ft::span_info().buffered, 1U);
      return ft::SinkAnswer::taken;
    }
    int calls = 0;

   private:
    const ft::Tracer& tracer_;
  } busy{tracer};
  record(3);
  EXPECT_TRUE(ft::drain_spans(busy).is_complete);
  EXPECT_GE(busy.calls, 3);
  expect_sum();
}

// S-30, W-40. Mutation: drops not counted.
TEST_F(DrainTest, beyond_the_budget_spans_are_dropped_and_counted_and_what_is_buffered_arrives) {
  constexpr std::uint64_t budget = 1U << 20U;
  ft::set_span_budget(budget);
  record(20'000);
  const ft::SpanInfo full = ft::span_info();
  EXPECT_EQ(full.recorded, before.recorded + 20'000);
  EXPECT_GT(full.dropped_budget, before.dropped_budget);
  EXPECT_LE(full.used_bytes, budget);
  EXPECT_EQ(full.buffered + full.dropped_budget - before.dropped_budget, 20'000U);
  expect_sum();
  const auto seen = ft::RecordedSpans::drain();
  expect_first(seen, full.buffered);
  record(100);
  EXPECT_EQ(ft::RecordedSpans::drain().size(), 100U);
  EXPECT_EQ(ft::span_info().dropped_budget, full.dropped_budget);
  expect_sum();
}

// W-42. Mutation: a chunk of each thread that is gone stays as it is.
TEST_F(DrainTest, needs_no_memory_for_threads_that_are_gone) {
  for (int i = 0; i < 3000; ++i) std::thread{[this] { record(1); }}.join();
  // 3 000 spans of 112 bytes are six chunks; each thread's own would be 3 000.
  EXPECT_LE(ft::span_info().used_bytes, before.used_bytes + 7 * 65536);
  EXPECT_EQ(ft::RecordedSpans::drain().size(), 3000U);
  EXPECT_LE(ft::span_info().used_bytes, before.used_bytes + 2 * 65536);
  expect_sum();
}

// A scrape shows the accounting, and a sink may wait for a disk. Mutation, hangs: span_info() takes the drain's lock.
TEST_F(DrainTest, shows_its_accounting_while_a_sink_takes_its_time) {
  tracer.root("span").end();
  class SlowSink final : public ft::SpanSink {
   public:
    ft::SinkAnswer span(const ft::SpanRecord&) override {
      std::thread{[this] { seen = ft::span_info(); }}.join();
      return ft::SinkAnswer::taken;
    }
    ft::SpanInfo seen{};
  } sink;
  EXPECT_EQ(ft::drain_spans(sink).spans, 1U);
  EXPECT_EQ(sink.seen.buffered, 1U);
  EXPECT_EQ(sink.seen.drained, before.drained);
}

TEST_F(DrainTest, tells_its_accounting_to_visitors) {
  record(3);
  BoundedSink sink{2};
  ft::drain_spans(sink);
  const ft::SpanInfo info = ft::span_info();
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::RecordingVisitor seen;
  reader.collect().visit(seen, info);
  EXPECT_EQ(seen.counter("fast_telemetry_spans_recorded"), info.recorded);
  EXPECT_EQ(seen.counter("fast_telemetry_spans_drained"), info.drained);
  EXPECT_EQ(seen.gauge("fast_telemetry_spans_buffered"), 1);
  EXPECT_EQ(seen.counter("fast_telemetry_spans_dropped", {{"reason", "budget"}}), info.dropped_budget);
  EXPECT_EQ(seen.gauge("fast_telemetry_span_budget_bytes"), static_cast<std::int64_t>(info.budget_bytes));
  EXPECT_THROW((ft::Counter{registry, {.name = "fast_telemetry_spans_recorded"}}), std::invalid_argument);
}

}  // namespace drain_test
