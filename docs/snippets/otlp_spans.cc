// SPDX-License-Identifier: Apache-2.0
//
// The sample of docs/guide/spans.md that sends.
#include <fast_telemetry/encoding/otlp_spans.h>
#include <fast_telemetry/spans/tracer.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ft = fast_telemetry;

namespace {

std::string sent;
void post(std::string_view body) { sent += body; }

void send_spans(ft::OtlpSpanEncoder& encoder) {
  for (bool is_complete = false; !is_complete;) {
    is_complete = ft::drain_spans(encoder).is_complete;
    const ft::OtlpSpanEncoder::Request request = encoder.finish();
    if (request.count != 0) post(request.bytes);
  }
}

TEST(Snippet, otlp_spans) {
  const ft::Tracer tracer{"shop"};
  tracer.root("request").end();
  const std::string version = "2.1";
  ft::OtlpSpanEncoder encoder{{{"service.name", "shop"}, {"service.version", version}}};
  send_spans(encoder);
  EXPECT_NE(sent.find("request"), std::string::npos);
}

}  // namespace
