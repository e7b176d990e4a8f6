// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/json.md.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/export/otlp_json.h>
#include <gtest/gtest.h>

#include <string>

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace json_page {

bool print_everything(ft::Registry& registry, const std::string& spans_path) {
  const ft::ResourceAttribute resource[] = {{"service.name", "shop"}};
  ft::OtlpJsonMetricExporter metrics{registry, resource};
  ft::OtlpJsonSpanExporter spans{resource, {.path = spans_path}};
  const auto until = std::chrono::steady_clock::now() + 2s;
  ft::drain_spans(spans);
  return metrics.export_once(until).is_complete() && spans.export_once(until).is_complete();
}

TEST(Snippet, json) {
  ft::Registry registry;
  ft::Counter requests{registry, {.name = "requests"}};
  requests.add(1);
  testing::internal::CaptureStdout();
  EXPECT_TRUE(print_everything(registry, "/dev/null"));
  EXPECT_NE(testing::internal::GetCapturedStdout().find("\"name\":\"requests\",\"sum\""), std::string::npos);
}

}  // namespace json_page
