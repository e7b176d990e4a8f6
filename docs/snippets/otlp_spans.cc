// SPDX-License-Identifier: Apache-2.0
//
// The sample of docs/guide/spans.md that sends.
#include <fast_telemetry/encoding/otlp_spans.h>
#include <fast_telemetry/spans/tail_sampler.h>
#include <fast_telemetry/spans/tracer.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ft = fast_telemetry;

namespace otlp_spans_page {

std::string sent;
void post(std::string_view body) { sent += body; }

void send_spans(ft::OtlpSpanEncoder& encoder) {
  for (bool is_complete = false; !is_complete;) {
    is_complete = ft::drain_spans(encoder).is_complete;
    const ft::OtlpSpanEncoder::Request request = encoder.finish();
    if (request.count != 0) post(request.bytes);
  }
}

void send_worthwhile(ft::TailSampler& tail, ft::OtlpSpanEncoder& encoder) {
  for (bool is_complete = false; !is_complete;) {
    is_complete = ft::drain_spans(tail).is_complete;
    is_complete = tail.decide() && is_complete;
    const ft::OtlpSpanEncoder::Request request = encoder.finish();
    if (request.count != 0) post(request.bytes);
  }
}

TEST(Snippet, tail_sampling) {
  const ft::Tracer tracer{"shop"};
  ft::OtlpSpanEncoder encoder{{{"service.name", "shop"}}};
  ft::TailSampler tail{{.slower_than_ns = 2'000'000'000, .slow_quantile = 0.99, .ratio = 0.01}, encoder};
  tracer.root("failed request").set_status(ft::SpanStatus::error);
  sent.clear();
  send_worthwhile(tail, encoder);
  EXPECT_EQ(sent, "");
  EXPECT_TRUE(tail.flush());
  send_worthwhile(tail, encoder);
  EXPECT_NE(sent.find("failed request"), std::string::npos);
}

TEST(Snippet, otlp_spans) {
  const ft::Tracer tracer{"shop"};
  tracer.root("request").end();
  const std::string version = "2.1";
  ft::OtlpSpanEncoder encoder{{{"service.name", "shop"}, {"service.version", version}}};
  send_spans(encoder);
  EXPECT_NE(sent.find("request"), std::string::npos);
}

}  // namespace otlp_spans_page
