// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/delivering.md.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/encoding/otlp_spans.h>
#include <fast_telemetry/export/otlp_http.h>
#include <fast_telemetry/export/otlp_metric_exporter.h>
#include <fast_telemetry/export/otlp_span_exporter.h>
#include <fast_telemetry/spans/tracer.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <system_error>

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace {

class Exporters {
 public:
  explicit Exporters(ft::Registry& registry)
      : metrics_{registry, {{"service.name", "shop"}}, {.temporality = ft::OtlpTemporality::delta}},
        spans_{{{"service.name", "shop"}}, {.http = {.compression = ft::OtlpCompression::gzip}}} {}

  void export_once() {
    metrics_.export_once(std::chrono::steady_clock::now() + 10s);
    ft::drain_spans(spans_);
    spans_.export_once(std::chrono::steady_clock::now() + 10s);
  }

  std::uint64_t close() {
    const auto deadline = std::chrono::steady_clock::now() + 1s;
    ft::drain_spans(spans_);
    return metrics_.close(deadline).counts.dropped_shutdown + spans_.close(deadline).counts.dropped_shutdown;
  }

 private:
  ft::OtlpMetricExporter metrics_;
  ft::OtlpSpanExporter spans_;
};

ft::OtlpHttpSender make_sender(const std::string& token) {
  return ft::OtlpHttpSender{ft::OtlpSignal::traces,
                            {.endpoint = "https://collector.example.com:4318",
                             .headers = {{"Authorization", "Bearer " + token}},
                             .compression = ft::OtlpCompression::gzip,
                             .tls = {.ca_file = "/etc/shop/collector-ca.pem"}}};
}

ft::DeliveryReport export_spans(ft::OtlpSpanEncoder& encoder, ft::OtlpHttpSender& sender) {
  for (bool is_complete = false; !is_complete;) {
    is_complete = ft::drain_spans(encoder).is_complete;
    const ft::OtlpSpanEncoder::Request request = encoder.finish();
    sender.send(request.bytes, request.count);
  }
  return sender.deliver(std::chrono::steady_clock::now() + 10s);
}

void shut_down(ft::OtlpSpanEncoder& encoder, ft::OtlpHttpSender& sender, std::ostream& log) {
  const auto deadline = std::chrono::steady_clock::now() + 1s;
  sender.end_by(deadline);
  export_spans(encoder, sender);
  const ft::DeliveryReport report = sender.close(deadline);
  if (report.counts.dropped_shutdown != 0) log << report.counts.dropped_shutdown << " spans were not delivered\n";
}

// Somebody may listen at OTLP's own port, or not.
TEST(Snippet, exporters) {
  ft::Registry registry;
  const ft::Counter requests{registry, {.name = "requests"}};
  Exporters exporters{registry};
  exporters.export_once();
  static_cast<void>(exporters.close());
}

// Nobody listens at the discard port.
TEST(Snippet, delivering) {
  EXPECT_THROW(static_cast<void>(make_sender("abc")), std::system_error) << "there is no such file";
  const ft::Tracer tracer{"shop"};
  ft::OtlpSpanEncoder encoder{{{"service.name", "shop"}}};
  ft::OtlpHttpSender sender{ft::OtlpSignal::traces, {.endpoint = "http://127.0.0.1:9"}};
  tracer.root("request").end();
  EXPECT_FALSE(export_spans(encoder, sender).is_complete());
  std::ostringstream log;
  shut_down(encoder, sender, log);
  EXPECT_NE(log.str().find(" spans were not delivered"), std::string::npos);
}

}  // namespace
