// SPDX-License-Identifier: Apache-2.0
//
// Every name, label and help text that the library exports about itself. Dashboards and alerts hang on them: a
// difference is a change of interface.
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "fast_telemetry/encoding/prometheus_text.h"
#include "fast_telemetry/export/delivery.h"
#include "fast_telemetry/export/exposer.h"
#include "fast_telemetry/process_info.h"
#include "fast_telemetry/runtime/telemetry.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/spans/drain.h"
#include "fast_telemetry/testing/ignoring_visitor.h"
#include "tests/golden/golden.h"
#include "tests/support/http_client.h"

namespace ft = fast_telemetry;

namespace exported_names_test {

/// Everything but the values.
std::string names_in(const std::string& exposition) {
  std::istringstream body{exposition};
  std::string names;
  for (std::string line; std::getline(body, line);) {
    if (line[0] != '#') line.erase(line.rfind(' '));
    names += line + "\n";
  }
  return names;
}

TEST(ExportedNames, are_as_reviewed) {
  ft::Registry registry;
  // What is there of a process depends on the machine.
  ft::Exposer exposer{registry, {.port = 0, .process_metrics = false}};
  ASSERT_EQ(exposer.start(), std::error_code{});

  const std::string port = ":" + std::to_string(exposer.port()) + "\"";
  std::string names = names_in(ft::http_get(exposer.port(), "/metrics").body);
  for (std::size_t at = 0; (at = names.find(port, at)) != std::string::npos;) {
    names.replace(at, port.size(), ":PORT\"");
  }
  EXPECT_TRUE(ft::golden_matches("exported_names/exposition.txt", names));
}

TEST(ExportedNames, of_a_process_are_as_reviewed) {
  const ft::ProcessInfo all{1.5, 1, 1, 1, 1, 1, 1.5, 1, 1, 1, 1, 1, 1, 1, 1.5, 1, 1, 1.5};
  ft::ByteBuffer text;
  ft::PrometheusTextEncoder encoder{text};
  encoder.begin({});
  ft::visit_families(all, encoder);
  encoder.end();
  EXPECT_TRUE(ft::golden_matches("exported_names/process.txt", names_in(std::string{text.view()})));
}

TEST(ExportedNames, of_spans_are_as_reviewed) {
  ft::ByteBuffer text;
  ft::PrometheusTextEncoder encoder{text};
  encoder.begin({});
  ft::visit_families(ft::SpanInfo{}, encoder);
  encoder.end();
  EXPECT_TRUE(ft::golden_matches("exported_names/spans.txt", names_in(std::string{text.view()})));
}

TEST(ExportedNames, of_deliveries_are_as_reviewed) {
  const ft::ExporterDelivery exporters[] = {{"otlp_spans", {}}, {"otlp_metrics", {}}};
  ft::ByteBuffer text;
  ft::PrometheusTextEncoder encoder{text};
  encoder.begin({});
  ft::visit_families(exporters, encoder);
  encoder.end();
  EXPECT_TRUE(ft::golden_matches("exported_names/deliveries.txt", names_in(std::string{text.view()})));
}

TEST(ExportedNames, of_a_telemetry_are_as_reviewed) {
  ft::Registry registry;
  class Nothing final : public ft::IgnoringVisitor {
  } visitor;
  ft::Telemetry telemetry{{}, registry};
  telemetry.add_visitor("own", visitor, {.interval = std::chrono::hours{1}, .timeout = std::chrono::seconds{1}});
  ft::Reader reader{registry};
  ft::ByteBuffer text;
  ft::PrometheusTextEncoder encoder{text};
  reader.collect().visit(encoder);
  EXPECT_TRUE(ft::golden_matches("exported_names/telemetry.txt", names_in(std::string{text.view()})));
}

}  // namespace exported_names_test
