// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/exemplars.md.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/encoding/open_metrics.h>
#include <fast_telemetry/histogram.h>
#include <fast_telemetry/labeled.h>
#include <fast_telemetry/snapshot.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <string>

namespace ft = fast_telemetry;

namespace exemplars_page {

enum class Route : std::uint8_t { search, checkout };
constexpr ft::Label label(Route route) { return ft::from_enumerator("route", route); }

struct ShopMetrics {
  explicit ShopMetrics(ft::Registry& registry) : scope{registry, "shop"} {}

  ft::Scope scope;
  ft::Histogram latency{scope, {.name = "latency", .help = "Of requests."}, ft::buckets::latency};
  ft::Labeled<ft::Counter, Route> failures{scope, {.name = "failures", .help = "Failed requests."}};
};

/// What some tracer knows of a request.
struct RequestSpan {
  unsigned char trace_id[16];
  unsigned char span_id[8];
  bool sampled;
};

ft::TraceRef trace_of(const RequestSpan& span) {
  ft::TraceRef trace{};  // zeros: no trace, no exemplar
  if (span.sampled) {
    std::memcpy(trace.trace_id, span.trace_id, sizeof trace.trace_id);
    std::memcpy(trace.span_id, span.span_id, sizeof trace.span_id);
  }
  return trace;
}

void finish(ShopMetrics& metrics, const RequestSpan& span, std::chrono::nanoseconds elapsed, bool failed) {
  const ft::TraceRef trace = trace_of(span);
  metrics.latency.record(elapsed, trace);
  if (failed) metrics.failures.with(Route::checkout).add(1, trace);
}

TEST(Snippet, exemplars) {
  ft::Registry registry;
  ShopMetrics metrics{registry};
  RequestSpan span{{1, 2, 3}, {4, 5}, true};
  finish(metrics, span, std::chrono::milliseconds{70}, true);
  span.sampled = false;
  finish(metrics, span, std::chrono::milliseconds{3}, false);

  ft::Reader reader{registry};
  ft::ByteBuffer text;
  ft::OpenMetricsEncoder encoder{text};
  reader.collect().visit(encoder);
  const std::string_view shown = text.view();
  const std::string ids = R"(# {trace_id="01020300000000000000000000000000",span_id="0405000000000000"})";
  EXPECT_NE(shown.find(R"(shop_latency_seconds_bucket{le="0.1"} 2 )" + ids + " 0.07 "), shown.npos) << shown;
  EXPECT_NE(shown.find(R"(shop_failures_total{route="checkout"} 1 )" + ids + " 1 "), shown.npos) << shown;
  EXPECT_EQ(shown.find(R"(le="0.005"} 1 #)"), shown.npos) << shown;
}

}  // namespace exemplars_page
