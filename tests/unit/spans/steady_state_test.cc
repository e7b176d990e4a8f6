// SPDX-License-Identifier: Apache-2.0
//
// Spans allocate nothing on the heap, whatever they carry; nor does draining them. Parity: W-45.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fast_telemetry/spans/context.h"
#include "fast_telemetry/spans/drain.h"
#include "fast_telemetry/spans/propagation.h"
#include "fast_telemetry/spans/tail_sampler.h"
#include "tests/support/allocation_counter.h"

namespace ft = fast_telemetry;

namespace steady_state_test {

/// Looks at everything it is shown.
class Looker final : public ft::SpanSink {
 public:
  ft::SinkAnswer span(const ft::SpanRecord& record) override {
    seen += record.name().size() + record.trace_state().size() + record.status_description().size();
    look(record.attributes());
    for (const ft::RecordedEvent& event : record.events()) look(event.attributes);
    for (const ft::RecordedLink& link : record.links()) look(link.attributes);
    return ft::SinkAnswer::taken;
  }
  std::size_t seen = 0;

 private:
  void look(const ft::RecordedAttributes& attributes) {
    for (const ft::RecordedAttribute& attribute : attributes) {
      seen += attribute.key.size();
      if (attribute.value.type() == ft::AttributeType::string_array) seen += attribute.value.string_at(1).size();
    }
  }
};

struct Carried {
  std::string small = "10.20.30.40";
  std::string large = std::string(3000, 'x');
  std::string largest = std::string(20'000, 'x');
  std::vector<std::int64_t> integers{1, 2, 3};
  std::array<ft::Text, 2> texts{"one", "two"};
};

void trace_request(const ft::Tracer& tracer, const Carried& carried) {
  const std::pair<std::string_view, std::string_view> headers[] = {
      {"traceparent", "00-0123456789abcdef0123456789abcdef-00f067aa0ba902b7-01"}, {"tracestate", "a=1,b=2"}};
  const ft::SpanContext remote = ft::extract_context(headers);
  ft::Span server = tracer.child(remote, "request", {.kind = ft::SpanKind::server});
  const ft::CurrentSpan scope{server};
  server.set_attribute("peer", carried.small);
  server.set_attribute("integers", carried.integers);
  server.set_attribute("texts", carried.texts);
  server.set_attribute("peer", "changed");
  server.rename_to(carried.small);
  server.add_event("retry", {{"host", carried.small}, {"attempt", 2}});
  server.add_link(remote, {{"why", "batched"}});
  server.record_exception("Error", carried.small);
  ft::Span client = tracer.start("query");
  client.set_attribute("large", carried.large);
  ft::inject_context(client.context(), [](ft::Text, ft::Text) {});
  ft::Span moved = std::move(client);
  moved.set_attribute("largest", carried.largest);
  moved.set_status(ft::SpanStatus::error, carried.small);
}

// Mutations to try: items that outgrow the span in a std::vector; a trace state in a std::string.
TEST(SteadyState, of_spans_allocates_nothing) {
  const ft::Tracer tracer{"test"};
  const Carried carried;
  Looker looker;
  trace_request(tracer, carried);
  ft::drain_spans(looker);
  const std::size_t seen = looker.seen;
  const std::uint64_t before = ft::allocations();
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 20; ++i) trace_request(tracer, carried);
    EXPECT_EQ(ft::drain_spans(looker).spans, 40U);
  }
  EXPECT_EQ(ft::allocations(), before);
  EXPECT_GT(looker.seen, seen);
  EXPECT_EQ(ft::span_info().dropped(), 0U);
}

// Half of the traces are kept; decisions are forgotten, and gaps closed. Mutation: a std::vector per trace.
TEST(SteadyState, of_a_tail_sampler_allocates_nothing) {
  const ft::Tracer tracer{"test"};
  const Carried carried;
  Looker looker;
  ft::drain_spans(looker);
  ft::TailSampler tail{{.slow_quantile = 0.99, .ratio = 0.5, .max_bytes = 1U << 20U, .max_decisions = 10}, looker};
  const std::uint64_t before = ft::allocations();
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 20; ++i) {
      const ft::Span root = tracer.root("root");
      ft::Span child = root.child("child");
      child.set_attribute("text", carried.large);
    }
    EXPECT_TRUE(ft::drain_spans(tail).is_complete);
    if (round % 3 == 0) {
      EXPECT_TRUE(tail.flush());
    }
  }
  EXPECT_EQ(ft::allocations(), before);
  EXPECT_GT(tail.info().traces_ratio, 100U);
  EXPECT_GT(tail.info().traces_sampled_out, 100U);
}

TEST(SteadyState, of_unsampled_spans_allocates_nothing) {
  const ft::Tracer tracer{"test", {.sampler = ft::Sampler::always_off()}};
  const Carried carried;
  trace_request(tracer, carried);
  const std::uint64_t before = ft::allocations();
  for (int i = 0; i < 100; ++i) trace_request(tracer, carried);
  EXPECT_EQ(ft::allocations(), before);
}

}  // namespace steady_state_test
