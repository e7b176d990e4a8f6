// SPDX-License-Identifier: Apache-2.0
//
// Operation: one site, three metrics and a span, which agree.
#include "fast_telemetry/spans/operation.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fast_telemetry/clock.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/spans/context.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "fast_telemetry/testing/virtual_clock.h"
#include "tests/support/kept_exemplars.h"
#include "tests/support/recorded_spans.h"

namespace ft = fast_telemetry;

namespace upstream {

enum class Answer : std::uint8_t { ok, missing, error, timeout };
constexpr ft::Label label(Answer answer) noexcept { return ft::from_enumerator("answer", answer); }
constexpr bool is_error(Answer answer) noexcept { return answer == Answer::error || answer == Answer::timeout; }

}  // namespace upstream

namespace operation_test {

using namespace std::chrono_literals;
using ft::Outcome;
using upstream::Answer;

class OperationTest : public testing::Test {
 protected:
  OperationTest() { ft::forget_spans(); }

  [[nodiscard]] ft::RecordingVisitor collect() {
    ft::RecordingVisitor seen;
    reader.collect().visit(seen);
    return seen;
  }

  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Tracer tracer{"test"};
  ft::OperationMetrics<> queries{registry, {.name = "db_query", .help = "Queries."}, tracer};
};

TEST_F(OperationTest, is_exported_under_three_names) {
  auto running = queries.start("SELECT");
  queries.start("INSERT").end();
  auto failed = queries.start("UPDATE");
  failed.set_outcome(Outcome::error);
  failed.end();
  const ft::RecordingVisitor seen = collect();
  EXPECT_EQ(seen.counter("db_query", {{"outcome", "ok"}}), 1U);
  EXPECT_EQ(seen.counter("db_query", {{"outcome", "error"}}), 1U);
  EXPECT_EQ(seen.counter("db_query", {{"outcome", "cancelled"}}), 0U);
  EXPECT_EQ(seen.up_down_counter("db_query_in_flight"), 1);
  EXPECT_EQ(seen.exponential("db_query_duration_seconds").count(), 2U);
}

// In real time. Mutation: the span is ended by a clock read of its own.
TEST_F(OperationTest, gives_span_and_distribution_one_duration) {
  double sum = 0;
  for (int i = 0; i < 100; ++i) {
    queries.start("SELECT").end();
    const ft::RecordedSpan span = ft::RecordedSpans::drain_one();
    sum += static_cast<double>(span.end_unix_ns - span.start_unix_ns);
  }
  EXPECT_DOUBLE_EQ(queries.duration().sum(), sum / 1e9);
}

// In real time: what is read of the coarse clock lies before what was read of the other. Mutation: the start is what
// the tracer's clock says.
TEST_F(OperationTest, is_timed_precisely_also_below_a_coarse_tracer) {
  const ft::Tracer coarse{"coarse", {.clock = ft::SpanClock::coarse}};
  ft::OperationMetrics<> timed{registry, {.name = "timed"}, coarse};
  for (int i = 0; i < 100; ++i) {
    const double before = timed.duration().sum();
    const std::int64_t begin = ft::now_ns();
    timed.start("step").end();
    const std::int64_t most = ft::now_ns() - begin;
    const ft::RecordedSpan span = ft::RecordedSpans::drain_one();
    EXPECT_LE(span.end_unix_ns - span.start_unix_ns, most);
    EXPECT_NEAR((timed.duration().sum() - before) * 1e9, static_cast<double>(span.end_unix_ns - span.start_unix_ns),
                0.01);
  }
}

TEST_F(OperationTest, lasts_from_its_start_to_its_end) {
  ft::VirtualClock clock;
  {
    const auto operation = queries.start("SELECT");
    clock.advance(1500ms);
  }
  EXPECT_DOUBLE_EQ(queries.duration().sum(), 1.5);
  const ft::RecordedSpan span = ft::RecordedSpans::drain_one();
  EXPECT_EQ(span.end_unix_ns - span.start_unix_ns, 1'500'000'000);
}

// Mutation: exceptions are not looked for; one that was there before counts.
TEST_F(OperationTest, is_an_error_when_an_exception_leaves_it) {
  const auto left_by_an_exception = [&](const std::optional<Outcome>& set) {
    try {
      auto operation = queries.start("SELECT");
      if (set) operation.set_outcome(*set);
      throw std::runtime_error{"lost connection"};
    } catch (const std::runtime_error&) {
    }
    return ft::RecordedSpans::drain_one().status;
  };
  EXPECT_EQ(left_by_an_exception({}), ft::SpanStatus::error);
  EXPECT_EQ(left_by_an_exception(Outcome::ok), ft::SpanStatus::error);
  EXPECT_EQ(queries.count(Outcome::error), 2U);
  EXPECT_EQ(left_by_an_exception(Outcome::cancelled), ft::SpanStatus::unset);
  EXPECT_EQ(queries.count(Outcome::cancelled), 1U);
  EXPECT_EQ(queries.in_flight(), 0);

  struct Cleanup {
    ft::OperationMetrics<>& queries;
    ~Cleanup() { queries.start("ROLLBACK").end(); }
  };
  struct CleanupByScope {
    ft::OperationMetrics<>& queries;
    ~CleanupByScope() { const auto operation = queries.start("ROLLBACK"); }
  };
  try {
    const Cleanup cleanup{queries};
    const CleanupByScope by_scope{queries};
    throw std::runtime_error{"lost connection"};
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(queries.count(Outcome::ok), 2U);
}

// Mutation: both objects end it.
TEST_F(OperationTest, moves_and_ends_once_on_any_thread) {
  auto operation = queries.start("SELECT");
  std::thread{[moved = std::move(operation)] { EXPECT_TRUE(moved.span().is_recording()); }}.join();
  EXPECT_EQ(queries.count(Outcome::ok), 1U);
  EXPECT_EQ(queries.in_flight(), 0);
  auto again = queries.start("SELECT");
  again.end();
  again.end();
  EXPECT_EQ(queries.count(Outcome::ok), 2U);
  EXPECT_EQ(queries.duration().count(), 2U);
  EXPECT_EQ(ft::RecordedSpans::drain().size(), 2U);
}

TEST_F(OperationTest, has_a_span_to_carry_what_is_known_of_it) {
  {
    auto operation = queries.start("SELECT", ft::SpanKind::client);
    operation.span().set_attribute("rows", 3);
    operation.span().set_status(ft::SpanStatus::error, "deadlock");
    operation.set_outcome(Outcome::error);
    operation.span().child("retry").end();
  }
  const std::vector<ft::RecordedSpan> spans = ft::RecordedSpans::drain();
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[1].name, "SELECT");
  EXPECT_EQ(spans[1].kind, ft::SpanKind::client);
  EXPECT_EQ(spans[1].attributes, "rows=3");
  EXPECT_EQ(spans[1].description, "deadlock");  // Mutation: the status is set all the same
  EXPECT_EQ(spans[0].parent_id, spans[1].span_id);
}

TEST_F(OperationTest, starts_below_the_current_span_a_given_one_or_a_remote_one) {
  const ft::Span root = tracer.root("root");
  {
    const ft::CurrentSpan scope{root};
    queries.start("current").end();
  }
  queries.start(root, "given").end();
  const ft::SpanContext remote{ft::random_trace_id(), ft::random_span_id(), ft::sampled_flag, true, {}};
  queries.start(remote, "remote").end();
  queries.start(ft::SpanContext{}, "nobody").end();
  const std::vector<ft::RecordedSpan> spans = ft::RecordedSpans::drain();
  ASSERT_EQ(spans.size(), 4U);
  EXPECT_EQ(spans[0].parent_id, root.context().span_id);
  EXPECT_EQ(spans[1].parent_id, root.context().span_id);
  EXPECT_EQ(spans[2].parent_id, remote.span_id);
  EXPECT_TRUE(spans[2].parent_is_remote);
  EXPECT_FALSE(spans[3].parent_id.is_valid());
}

TEST_F(OperationTest, is_counted_and_timed_without_a_tracer_and_when_it_is_not_sampled) {
  ft::OperationMetrics<> untraced{registry, {.name = "untraced"}};
  tracer.set_sampler(ft::Sampler::always_off());
  ft::VirtualClock clock;
  for (ft::OperationMetrics<>* metrics : {&untraced, &queries}) {
    auto operation = metrics->start("step");
    operation.span().set_attribute("key", 1);
    EXPECT_FALSE(operation.span().is_recording());
    clock.advance(2s);
    operation.set_outcome(Outcome::cancelled);
    operation.end();
    EXPECT_EQ(metrics->count(Outcome::cancelled), 1U);
    EXPECT_DOUBLE_EQ(metrics->duration().sum(), 2);
    EXPECT_EQ(metrics->in_flight(), 0);
  }
  EXPECT_TRUE(ft::RecordedSpans::drain().empty());
}

// Mutation: the exemplar has no trace; it is that of a span that is not recorded.
TEST_F(OperationTest, gives_the_distribution_its_trace_as_an_exemplar_when_it_is_recorded) {
  std::string seen;
  ft::ExemplarVisitor visitor{[&](const std::string& place, const ft::Exemplar& exemplar) {
    seen += place;
    for (const std::byte byte : exemplar.trace_id) seen += static_cast<char>(byte);
    for (const std::byte byte : exemplar.span_id) seen += static_cast<char>(byte);
  }};
  tracer.set_sampler(ft::Sampler::always_off());
  queries.start("unsampled").end();
  reader.collect().visit(visitor);
  EXPECT_EQ(seen, "");
  tracer.set_sampler(ft::Sampler::always_on());
  queries.start("sampled").end();
  reader.collect().visit(visitor);
  const ft::RecordedSpan span = ft::RecordedSpans::drain_one();
  std::string ids;
  for (const std::byte byte : span.trace_id.bytes) ids += static_cast<char>(byte);
  for (const std::byte byte : span.span_id.bytes) ids += static_cast<char>(byte);
  EXPECT_EQ(seen, "db_query_duration_seconds 0" + ids);
}

TEST_F(OperationTest, goes_on_when_its_span_was_ended_or_moved_away) {
  ft::VirtualClock clock;
  auto ended = queries.start("ended");
  auto moved = queries.start("moved");
  ended.span().end();
  ft::Span away = std::move(moved.span());
  clock.advance(1s);
  ended.end();
  moved.end();
  EXPECT_TRUE(away.is_recording());
  EXPECT_DOUBLE_EQ(queries.duration().sum(), 2);
  EXPECT_EQ(queries.in_flight(), 0);
  away.end();
  ft::forget_spans();
}

// Mutation: is_error is not asked.
TEST_F(OperationTest, has_outcomes_of_ones_own_of_which_several_may_be_errors) {
  ft::OperationMetrics<Answer> calls{registry, {.name = "calls"}, tracer};
  const auto status_of = [&](Answer answer) {
    auto call = calls.start("call");
    call.set_outcome(answer);
    call.end();
    return ft::RecordedSpans::drain_one().status;
  };
  EXPECT_EQ(status_of(Answer::ok), ft::SpanStatus::unset);
  EXPECT_EQ(status_of(Answer::missing), ft::SpanStatus::unset);
  EXPECT_EQ(status_of(Answer::error), ft::SpanStatus::error);
  EXPECT_EQ(status_of(Answer::timeout), ft::SpanStatus::error);
  EXPECT_EQ(collect().counter("calls", {{"answer", "timeout"}}), 1U);
  status_of(static_cast<Answer>(77));
  EXPECT_EQ(collect().counter("calls", {{"answer", "invalid"}}), 1U);
}

// Mutation: the child lowers what the parent raised.
TEST_F(OperationTest, that_is_open_over_a_fork_is_the_parents) {
  auto operation = queries.start("SELECT");
  const pid_t child = fork();
  if (child == 0) {
    operation.end();
    bool is_right = queries.in_flight() == 0 && queries.duration().count() == 0;
    queries.start("SELECT").end();
    is_right = is_right && queries.in_flight() == 0 && queries.duration().count() == 1;
    _exit(is_right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  operation.end();
  EXPECT_EQ(queries.in_flight(), 0);
  EXPECT_EQ(queries.count(Outcome::ok), 1U);
  ft::forget_spans();
}

TEST_F(OperationTest, refuses_a_name_that_is_taken) {
  EXPECT_THROW((ft::OperationMetrics<>{registry, {.name = "db_query"}}), std::invalid_argument);
  EXPECT_THROW((ft::OperationMetrics<>{registry, {.name = "other"}, ft::Range{0, 0}}), std::invalid_argument);
}

}  // namespace operation_test
