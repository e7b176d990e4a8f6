// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/collecting.md that send OTLP.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/encoding/otlp_metrics.h>
#include <fast_telemetry/snapshot.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace ft = fast_telemetry;

namespace otlp_metrics_page {

bool reachable = true;
std::string sent;
bool post(std::string_view body) {
  if (reachable) sent += body;
  return reachable;
}

void send_metrics(ft::Reader& reader, ft::OtlpMetricEncoder& encoder, std::vector<std::string>& unsent) {
  reader.collect().visit(encoder);
  for (const ft::OtlpMetricEncoder::Request& request : encoder.requests()) {
    if (!post(request.bytes)) unsent.emplace_back(request.bytes);
  }
  reader.accept();
}

TEST(Snippet, otlp_metrics) {
  ft::Registry registry;
  ft::Counter requests{registry, {.name = "requests"}};
  ft::OtlpMetricEncoder encoder{{{"service.name", "shop"}}};
  ft::Reader reader{registry, {.temporality = ft::Temporality::delta, .totals = ft::Totals::up_down_counters}};
  std::vector<std::string> unsent;
  requests.add();
  send_metrics(reader, encoder, unsent);
  EXPECT_NE(sent.find("requests"), std::string::npos);
  reachable = false;
  requests.add();
  send_metrics(reader, encoder, unsent);
  EXPECT_EQ(unsent.size(), 1U);
  send_metrics(reader, encoder, unsent);
  EXPECT_EQ(unsent.size(), 1U);  // a delta of nothing
}

}  // namespace otlp_metrics_page
