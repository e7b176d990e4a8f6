// SPDX-License-Identifier: Apache-2.0
//
// Parity: RT-1, RT-2, RT-6, RT-7, EXP-1, EXP-2, EXP-3, SWP-1, SWP-3, W-59 (each differs: docs/parity.md).
#include "fast_telemetry/runtime/telemetry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <stdexcept>
#include <thread>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/diagnostics.h"
#include "fast_telemetry/spans/span.h"
#include "fast_telemetry/testing/ignoring_visitor.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/support/http_client.h"
#include "tests/support/sink_with_room.h"
#include "tests/unit/runtime/scripted_exporter.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace telemetry_test {

constexpr ft::ExportSchedule never{.interval = 24h, .timeout = 30s};
constexpr ft::ExportSchedule at_once{.interval = 24h, .timeout = 30s, .at_start = true};
constexpr auto long_enough = 60s;  // a test that needs so long has failed

ft::TelemetryOptions by_hand() {
  ft::TelemetryOptions options;
  options.background_thread = false;
  options.sweep_interval = 0ms;
  return options;
}

ft::TelemetryOptions in_background() {
  ft::TelemetryOptions options;
  options.sweep_interval = 0ms;
  return options;
}

/// Adds up what a counter's deltas say.
class SummingVisitor final : public ft::IgnoringVisitor {
 public:
  void begin(const ft::Collection&) override {
    ++collections;
    if (throws) throw std::runtime_error{"no room"};
  }
  void family(const ft::Family& family) override { is_it_ = family.full_name == "requests"; }
  void sum(const ft::Series&, const ft::NumberPoint<std::uint64_t>& point) override {
    if (is_it_) total += point.value;
  }

  std::uint64_t total = 0;
  int collections = 0;
  bool throws = false;

 private:
  bool is_it_ = false;
};

/// Does not return before it is let go.
class StuckVisitor final : public ft::IgnoringVisitor {
 public:
  void begin(const ft::Collection&) override {
    is_in.count_down();
    may_go.wait();
    has_left.count_down();
    throw std::runtime_error{"too late"};  // so that nothing of this is called any more
  }
  std::latch is_in{1};
  std::latch may_go{1};
  std::latch has_left{1};
};

class TelemetryTest : public testing::Test {
 protected:
  ft::Registry registry;
  ft::Counter requests{registry, {.name = "requests"}};
  SummingVisitor sums;
  static constexpr ft::ReaderOptions deltas{.temporality = ft::Temporality::delta};
};

TEST_F(TelemetryTest, what_was_recorded_before_a_flush_is_exported_by_it) {
  ft::Telemetry telemetry{in_background(), registry};
  telemetry.add_visitor("sums", sums, never, deltas);
  ASSERT_EQ(telemetry.start(), std::error_code{});
  requests.add(3);
  const ft::TelemetryReport report = telemetry.force_flush(long_enough);
  EXPECT_TRUE(report.is_complete());
  EXPECT_EQ(sums.total, 3u);
  ASSERT_EQ(report.exporters.size(), 1u);
  EXPECT_EQ(report.exporters[0].name, "sums");
  EXPECT_EQ(report.exporters[0].delivery.delivered, 1u);
}

TEST_F(TelemetryTest, the_destructor_exports_what_is_left) {
  {
    ft::Telemetry telemetry{in_background(), registry};
    telemetry.add_visitor("sums", sums, never, deltas);
    ASSERT_EQ(telemetry.start(), std::error_code{});
    requests.add(3);
  }
  EXPECT_EQ(sums.total, 3u);
}

TEST_F(TelemetryTest, the_background_thread_exports_by_itself) {
  struct : ft::IgnoringVisitor {
    void end() override { seen.count_down(); }
    std::latch seen{1};
  } visitor;
  ft::Telemetry telemetry{in_background(), registry};
  telemetry.add_visitor("sums", visitor, at_once);
  ASSERT_EQ(telemetry.start(), std::error_code{});
  visitor.seen.wait();
}

TEST_F(TelemetryTest, flushes_from_many_threads_each_export_what_their_thread_recorded) {
  ft::Telemetry telemetry{in_background(), registry};
  telemetry.add_visitor("sums", sums, never, deltas);
  ASSERT_EQ(telemetry.start(), std::error_code{});
  std::atomic<int> complete{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 50; ++n) {
          requests.add();
          complete += telemetry.force_flush(long_enough).is_complete() ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(complete, 200);
  EXPECT_EQ(sums.total, 200u);
}

TEST_F(TelemetryTest, after_shutdown_nothing_is_exported_and_a_second_one_reports_the_same) {
  ft::Telemetry telemetry{in_background(), registry};
  telemetry.add_visitor("sums", sums, never, deltas);
  ASSERT_EQ(telemetry.start(), std::error_code{});
  requests.add(3);
  EXPECT_TRUE(telemetry.shutdown(long_enough).is_complete());
  requests.add(4);
  EXPECT_TRUE(telemetry.shutdown(long_enough).is_complete());
  const ft::TelemetryReport report = telemetry.force_flush(long_enough);
  EXPECT_EQ(telemetry.start(), std::error_code{}) << "and starts nothing";
  EXPECT_EQ(report.exporters.at(0).delivery.items, 1u);
  EXPECT_EQ(sums.total, 3u);
}

TEST_F(TelemetryTest, without_start_flush_and_shutdown_work_on_the_callers_thread) {
  ft::Telemetry telemetry{in_background(), registry};
  telemetry.add_visitor("sums", sums, never, deltas);
  requests.add(3);
  EXPECT_TRUE(telemetry.force_flush(long_enough).is_complete());
  EXPECT_EQ(sums.total, 3u);
  requests.add(4);
  EXPECT_TRUE(telemetry.shutdown(long_enough).is_complete());
  EXPECT_EQ(sums.total, 7u);
}

TEST_F(TelemetryTest, by_hand_what_is_due_is_exported_and_the_next_time_is_said) {
  ft::Telemetry telemetry{by_hand(), registry};
  telemetry.add_visitor("now", sums, at_once, deltas);
  ASSERT_EQ(telemetry.start(), std::error_code{});
  EXPECT_LE(telemetry.next_due(), std::chrono::steady_clock::now());
  requests.add(3);
  const auto next = telemetry.collect_once(long_enough);
  EXPECT_EQ(sums.total, 3u);
  EXPECT_GT(next, std::chrono::steady_clock::now() + 1h);
  EXPECT_EQ(telemetry.collect_once(long_enough), next);
  EXPECT_EQ(sums.collections, 1) << "nothing was due";
}

TEST_F(TelemetryTest, with_a_thread_there_is_nothing_to_do_by_hand) {
  ft::Telemetry telemetry{in_background(), registry};
  telemetry.add_visitor("sums", sums, never);
  ASSERT_EQ(telemetry.start(), std::error_code{});
  EXPECT_EQ(telemetry.collect_once(long_enough), std::chrono::steady_clock::time_point::max());
  EXPECT_EQ(telemetry.next_due(), std::chrono::steady_clock::time_point::max());
  EXPECT_EQ(sums.collections, 0);
}

TEST_F(TelemetryTest, a_visitor_that_throws_is_diagnosed_and_shown_the_same_window_again) {
  std::string told;
  ft::set_diagnostics(
      [](const ft::Diagnostic& diagnostic, void* context) noexcept {
        if (diagnostic.component == "runtime") *static_cast<std::string*>(context) += diagnostic.message;
      },
      &told);
  ft::Telemetry telemetry{by_hand(), registry};
  telemetry.add_visitor("sums", sums, never, deltas);
  requests.add(3);
  sums.throws = true;
  const ft::TelemetryReport failed = telemetry.force_flush(long_enough);
  ft::set_diagnostics(nullptr);
  EXPECT_THAT(told, HasSubstr("\"sums\" threw: no room"));
  EXPECT_FALSE(failed.is_complete());
  EXPECT_EQ(failed.exporters.at(0).delivery.queued, 1u);
  EXPECT_EQ(failed.exporters.at(0).delivery.unanswered, 1u);
  sums.throws = false;
  requests.add(4);
  EXPECT_TRUE(telemetry.force_flush(long_enough).is_complete());
  EXPECT_EQ(sums.total, 7u);
  sums.throws = true;
  const ft::TelemetryReport last = telemetry.shutdown(long_enough);
  EXPECT_FALSE(last.is_complete());
  EXPECT_EQ(last.exporters.at(0).delivery.dropped_shutdown, 1u);
}

// Mutation: take_over is not tried.
TEST_F(TelemetryTest, a_visitor_that_does_not_return_hangs_no_shutdown_and_the_others_are_closed) {
  StuckVisitor stuck;
  {
    ft::Telemetry telemetry{in_background(), registry};
    telemetry.add_visitor("stuck", stuck, at_once);
    telemetry.add_visitor("sums", sums, never, deltas);
    ASSERT_EQ(telemetry.start(), std::error_code{});
    stuck.is_in.wait();
    requests.add(3);
    EXPECT_FALSE(telemetry.force_flush(1ms).is_complete());
    const ft::TelemetryReport report = telemetry.shutdown(1s);
    EXPECT_TRUE(report.is_left_behind);
    EXPECT_FALSE(report.exporters.at(0).is_complete);
    EXPECT_TRUE(report.exporters.at(1).is_complete);
    EXPECT_EQ(sums.total, 3u);
  }
  stuck.may_go.count_down();  // it comes back to a Telemetry that is gone
  stuck.has_left.wait();
}

TEST_F(TelemetryTest, two_visitors_that_do_not_return_hang_no_shutdown_either) {
  StuckVisitor first;
  StuckVisitor second;
  {
    ft::Telemetry telemetry{in_background(), registry};
    telemetry.add_visitor("first", first, never);
    telemetry.add_visitor("second", second, never);
    telemetry.add_visitor("sums", sums, never, deltas);
    ASSERT_EQ(telemetry.start(), std::error_code{});
    requests.add(3);
    EXPECT_TRUE(telemetry.shutdown(1s).is_left_behind);
    EXPECT_EQ(sums.total, 3u);
  }
  for (StuckVisitor* const stuck : {&first, &second}) {
    stuck->may_go.count_down();
    stuck->has_left.wait();
  }
}

TEST_F(TelemetryTest, a_visitor_that_flushes_or_shuts_down_waits_for_nothing) {
  struct : ft::IgnoringVisitor {
    void end() override {
      EXPECT_FALSE(telemetry->force_flush(long_enough).is_complete());
      EXPECT_FALSE(telemetry->shutdown(long_enough).is_complete());
      EXPECT_EQ(telemetry->start(), std::error_code{});
      ++calls;
    }
    ft::Telemetry* telemetry = nullptr;
    int calls = 0;
  } visitor;
  ft::Telemetry telemetry{in_background(), registry};
  visitor.telemetry = &telemetry;
  telemetry.add_visitor("visitor", visitor, never);
  ASSERT_EQ(telemetry.start(), std::error_code{});
  EXPECT_TRUE(telemetry.force_flush(long_enough).is_complete());
  EXPECT_EQ(visitor.calls, 1);
}

TEST_F(TelemetryTest, exporters_are_added_before_the_start_only) {
  ft::Telemetry telemetry{in_background(), registry};
  ASSERT_EQ(telemetry.start(), std::error_code{});
  EXPECT_THROW(telemetry.add_visitor("sums", sums, never), std::logic_error);
}

TEST_F(TelemetryTest, disabled_it_exports_nothing) {
  ft::TelemetryOptions options = in_background();
  options.is_disabled = true;
  options.prometheus = {{.port = 0}};
  ft::Telemetry telemetry{options, registry};
  telemetry.add_visitor("sums", sums, at_once);
  EXPECT_EQ(telemetry.start(), std::error_code{});
  EXPECT_TRUE(telemetry.shutdown(long_enough).is_complete());
  EXPECT_EQ(sums.collections, 0);
  EXPECT_EQ(telemetry.prometheus_port(), 0);
}

TEST_F(TelemetryTest, the_metrics_server_shows_the_exporters_accounting) {
  ft::TelemetryOptions options = in_background();
  options.prometheus = {{.port = 0}};
  ft::Telemetry telemetry{options, registry};
  telemetry.add_visitor("sums", sums, never);
  ASSERT_EQ(telemetry.start(), std::error_code{});
  ASSERT_TRUE(telemetry.force_flush(long_enough).is_complete());
  const std::uint16_t port = telemetry.prometheus_port();
  EXPECT_THAT(ft::http_get(port, "/metrics").body,
              HasSubstr("fast_telemetry_delivery_items_total{exporter=\"sums\",outcome=\"delivered\"} 1"));
  telemetry.shutdown(long_enough);
  EXPECT_EQ(telemetry.prometheus_port(), 0);
}

TEST_F(TelemetryTest, a_port_in_use_is_an_error_that_stops_nothing_else_and_may_be_tried_again) {
  ft::Registry other;
  auto occupant = std::make_unique<ft::Exposer>(other, ft::ExposerOptions{.port = 0});
  ASSERT_EQ(occupant->start(), std::error_code{});
  ft::TelemetryOptions options = in_background();
  options.prometheus = {{.port = occupant->port()}};
  ft::Telemetry telemetry{options, registry};
  telemetry.add_visitor("sums", sums, never, deltas);
  EXPECT_EQ(telemetry.start(), std::errc::address_in_use);
  requests.add(3);
  EXPECT_TRUE(telemetry.force_flush(long_enough).is_complete());
  EXPECT_EQ(sums.total, 3u);
  occupant.reset();
  EXPECT_EQ(telemetry.start(), std::error_code{});
  EXPECT_NE(telemetry.prometheus_port(), 0);
}

TEST_F(TelemetryTest, several_instances_share_a_registry) {
  SummingVisitor others;
  ft::Telemetry first{in_background(), registry};
  ft::Telemetry second{in_background(), registry};
  first.add_visitor("sums", sums, never, deltas);
  second.add_visitor("sums", others, never, deltas);
  ASSERT_EQ(first.start(), std::error_code{});
  ASSERT_EQ(second.start(), std::error_code{});
  requests.add(3);
  EXPECT_TRUE(first.shutdown(long_enough).is_complete());
  requests.add(4);
  EXPECT_TRUE(second.shutdown(long_enough).is_complete());
  EXPECT_EQ(sums.total, 3u);
  EXPECT_EQ(others.total, 7u);
}

class TelemetrySpans : public TelemetryTest {
 protected:
  TelemetrySpans() { ft::forget_spans(); }
  ~TelemetrySpans() override {
    ft::set_span_budget(std::size_t{64} << 20U);
    ft::forget_spans();
  }
  ft::Tracer tracer{"test"};
};

TEST_F(TelemetrySpans, every_sink_gets_every_span) {
  ft::SinkWithRoom first;
  ft::SinkWithRoom second;
  ft::Telemetry telemetry{in_background(), registry};
  telemetry.add_span_sink("first", first, never);
  telemetry.add_span_sink("second", second, never);
  ASSERT_EQ(telemetry.start(), std::error_code{});
  static_cast<void>(tracer.root("a"));
  const ft::TelemetryReport report = telemetry.force_flush(long_enough);
  EXPECT_TRUE(report.is_complete());
  EXPECT_THAT(first.names(), ElementsAre("a"));
  EXPECT_THAT(second.names(), ElementsAre("a"));
  static_cast<void>(tracer.root("b"));
  EXPECT_TRUE(telemetry.shutdown(long_enough).is_complete());
  EXPECT_THAT(second.names(), ElementsAre("a", "b"));
}

TEST_F(TelemetrySpans, what_a_full_sink_has_yet_to_get_is_in_the_report) {
  ft::SinkWithRoom sink;
  sink.room = 1;
  ft::Telemetry telemetry{by_hand(), registry};
  telemetry.add_span_sink("sink", sink, never);
  for (int i = 0; i < 3; ++i) static_cast<void>(tracer.root("a"));
  EXPECT_EQ(telemetry.force_flush(long_enough).spans_waiting, 2u);
  sink.room = 9;
  EXPECT_EQ(telemetry.force_flush(long_enough).spans_waiting, 0u);
  EXPECT_EQ(sink.spans.size(), 3u);
}

TEST_F(TelemetrySpans, a_tail_sampler_decides_between_the_spans_and_all_sinks) {
  ft::SinkWithRoom first;
  ft::SinkWithRoom second;
  ft::TelemetryOptions options = by_hand();
  options.tail_sampler.emplace();  // errors only
  ft::Telemetry telemetry{options, registry};
  telemetry.add_span_sink("first", first, never);
  telemetry.add_span_sink("second", second, never);
  static_cast<void>(tracer.root("fine"));
  {
    tracer.root("failed").set_status(ft::SpanStatus::error);
  }
  EXPECT_EQ(telemetry.force_flush(long_enough).spans_waiting, 2u) << "no trace is decided early";
  EXPECT_TRUE(telemetry.shutdown(long_enough).is_complete());
  EXPECT_THAT(first.names(), ElementsAre("failed"));
  EXPECT_THAT(second.names(), ElementsAre("failed"));
}

// Nobody flushes, and no interval ends. Mutations seen red, since the writer waits for ever: call_for_drain does not
// notify; is_half_used is never true.
TEST_F(TelemetrySpans, a_burst_of_many_times_the_budget_that_drains_can_follow_loses_nothing) {
  struct : ft::SpanSink {
    ft::SinkAnswer span(const ft::SpanRecord&) override {
      spans.fetch_add(1);
      spans.notify_all();
      return ft::SinkAnswer::taken;
    }
    std::atomic<std::uint64_t> spans{0};
  } sink;
  ft::set_span_budget(std::size_t{2} << 20U);
  ft::Telemetry telemetry{in_background(), registry};
  telemetry.add_span_sink("sink", sink, never);
  ASSERT_EQ(telemetry.start(), std::error_code{});
  const std::uint64_t dropped_before = ft::span_info().dropped();
  const std::string text(900, 'x');
  std::uint64_t recorded = 0;
  for (; recorded < 20'000; ++recorded) {  // ten times the budget
    // Three quarters of the budget: by then a drain was called for.
    for (std::uint64_t seen = sink.spans; seen + 1'500 < recorded; seen = sink.spans) sink.spans.wait(seen);
    ft::Span span = tracer.root("work");
    span.set_attribute("text", text);
  }
  EXPECT_TRUE(telemetry.shutdown(long_enough).is_complete());
  EXPECT_EQ(sink.spans, recorded);
  EXPECT_EQ(ft::span_info().dropped(), dropped_before);
}

TEST_F(TelemetrySpans, a_sink_that_does_not_return_hangs_no_shutdown) {
  struct : ft::SpanSink {
    ft::SinkAnswer span(const ft::SpanRecord&) override {
      is_in.count_down();
      may_go.wait();
      return ft::SinkAnswer::taken;
    }
    std::latch is_in{1};
    std::latch may_go{1};
  } stuck;
  ft::SinkWithRoom other;
  {
    ft::Telemetry telemetry{in_background(), registry};
    telemetry.add_span_sink("stuck", stuck, at_once);
    telemetry.add_span_sink("other", other, never);
    telemetry.add_visitor("sums", sums, never, deltas);
    static_cast<void>(tracer.root("a"));
    ASSERT_EQ(telemetry.start(), std::error_code{});
    stuck.is_in.wait();
    requests.add(3);
    const ft::TelemetryReport report = telemetry.shutdown(1s);
    EXPECT_TRUE(report.is_left_behind);
    EXPECT_TRUE(report.exporters.at(2).is_complete);
    EXPECT_EQ(sums.total, 3u);
    EXPECT_THAT(other.names(), IsEmpty());
  }
  stuck.may_go.count_down();
  // The drain that was left behind ends, and only then can another begin.
  EXPECT_EQ(ft::RecordedSpans::drain().size(), 0u);
  EXPECT_THAT(other.names(), IsEmpty()) << "it was closed";
}

}  // namespace telemetry_test
