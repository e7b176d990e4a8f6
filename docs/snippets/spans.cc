// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/spans.md.
#include <fast_telemetry/registry.h>
#include <fast_telemetry/spans/b3.h>
#include <fast_telemetry/spans/baggage.h>
#include <fast_telemetry/spans/context.h>
#include <fast_telemetry/spans/drain.h>
#include <fast_telemetry/spans/environment.h>
#include <fast_telemetry/spans/operation.h>
#include <fast_telemetry/spans/propagation.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

namespace ft = fast_telemetry;

namespace spans_page {

using Headers = std::vector<std::pair<std::string, std::string>>;

const ft::Tracer tracer{"shop", {.version = "2.1"}};

int lookup(const ft::Span& parent, const std::string& key) {
  ft::Span span = parent.child("lookup", {.kind = ft::SpanKind::client});
  span.set_attribute("db.system.name", "redis");
  span.set_attribute("db.key", key);
  span.add_event("cache_miss", {{"shard", 3}});
  return 7;
}

std::string send(const ft::Span& span) {
  std::string request;
  ft::inject_context(span.context(), [&](ft::Text name, ft::Text value) {
    request.append(name.data(), name.size()).append(": ").append(value.data(), value.size()).append("\r\n");
  });
  return request;
}

std::string handle(const Headers& headers) {
  const ft::SpanContext caller = ft::extract_context(headers);
  ft::Span span = tracer.child(caller, "request", {.kind = ft::SpanKind::server});
  span.set_attribute("shop.items", lookup(span, "cart-17"));
  span.set_status(ft::SpanStatus::ok);
  return send(span);
}

std::string handle_b3(const Headers& headers) {
  std::string sent;
  const auto set = [&sent](ft::Text, ft::Text value) { sent.assign(value.data(), value.size()); };
  ft::B3Context caller = ft::extract_b3(headers);
  if (caller.sampling == ft::B3Sampling::deferred) caller.context.flags |= ft::sampled_flag;
  ft::Span span = tracer.child(caller.context, "request", {.kind = ft::SpanKind::server});
  ft::inject_b3({span.context(), caller.sampling}, set);  // one header, `b3`; a debug request stays one
  return sent;
}

std::string start_child() {
  ft::Environment environment{environ};
  const ft::Span job = tracer.child(ft::extract_context(environment), "job");
  ft::inject_context(job.context(), environment);  // for execve: environment.data()
  const ft::Text traceparent = environment.get("traceparent");
  return {traceparent.data(), traceparent.size()};
}

void log_line() {
  const ft::CurrentSpan scope{tracer.root("job")};
  // … and anywhere below, on this thread:
  const ft::Span step = tracer.start("step");  // a child of the job
  const ft::SpanContext context = ft::current_context();
  EXPECT_EQ(step.context().trace_id, context.trace_id);
}

struct Shop {
  explicit Shop(const ft::Scope& scope)
      : queries{scope, {.name = "db_query", .help = "Queries of the shop's database."}, tracer} {}

  ft::OperationMetrics<> queries;
};

bool is_connected() { return false; }

bool find_item(Shop& shop, const ft::Span& request, int id) {
  auto query = shop.queries.start(request, "SELECT item", ft::SpanKind::client);
  query.span().set_attribute("db.query.item", id);
  if (is_connected()) return true;
  query.set_outcome(ft::Outcome::error);
  return false;
}

enum class Answer : std::uint8_t { ok, not_found, error, timeout };
constexpr ft::Label label(Answer answer) noexcept { return ft::from_enumerator("answer", answer); }
constexpr bool is_error(Answer answer) noexcept { return answer == Answer::error || answer == Answer::timeout; }

class PrintingSink final : public ft::SpanSink {
 public:
  ft::SinkAnswer span(const ft::SpanRecord& record) override {
    out += std::string{record.name()} + ' ' + std::to_string(record.attribute_count()) + '\n';
    return ft::SinkAnswer::taken;
  }
  std::string out;
};

TEST(Snippet, spans) {
  const std::string sent = handle({{"traceparent", "00-0123456789abcdef0123456789abcdef-00f067aa0ba902b7-01"}});
  EXPECT_TRUE(sent.starts_with("traceparent: 00-0123456789abcdef0123456789abcdef-"));
  PrintingSink sink;
  ft::drain_spans(sink);
  EXPECT_EQ(sink.out, "lookup 2\nrequest 1\n");
  EXPECT_TRUE(handle_b3({{"b3", "0123456789abcdef-00f067aa0ba902b7"}}).ends_with("-1"));
  EXPECT_TRUE(handle_b3({{"b3", "0123456789abcdef-00f067aa0ba902b7-d"}}).ends_with("-d"));
  EXPECT_EQ(start_child().size(), 55U);
  log_line();
  ft::drain_spans(sink);

  const ft::Tracer sampled{"shop", {.sampler = ft::Sampler::parent_based(ft::Sampler::trace_id_ratio(0.01))}};
  EXPECT_TRUE(
      sampled.child(ft::SpanContext{ft::random_trace_id(), ft::random_span_id(), ft::sampled_flag, true, {}}, "x")
          .is_recording());
  ft::drain_spans(sink);
  const ft::SpanInfo info = ft::span_info();
  EXPECT_EQ(info.recorded, info.drained + info.dropped() + info.buffered);
}

TEST(Snippet, operations) {
  ft::Registry registry;
  Shop shop{registry};
  EXPECT_FALSE(find_item(shop, tracer.root("request"), 7));
  EXPECT_EQ(shop.queries.count(ft::Outcome::error), 1U);
  ft::OperationMetrics<Answer> calls{registry, {.name = "calls"}, tracer};
  calls.start("call").set_outcome(Answer::timeout);
  EXPECT_EQ(calls.count(Answer::timeout), 1U);
  PrintingSink sink;
  ft::drain_spans(sink);
}

}  // namespace spans_page
