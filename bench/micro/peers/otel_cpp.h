// SPDX-License-Identifier: Apache-2.0
//
// opentelemetry-cpp's metrics, used as its documentation says for speed: instruments are kept, a context is given, and
// attributes are views that are not copied before the call.
#pragma once

#include <opentelemetry/context/context.h>
#include <opentelemetry/exporters/otlp/otlp_metric_utils.h>
#include <opentelemetry/metrics/meter.h>
#include <opentelemetry/metrics/sync_instruments.h>
#include <opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h>
#include <opentelemetry/sdk/metrics/aggregation/aggregation_config.h>
#include <opentelemetry/sdk/metrics/meter_provider.h>
#include <opentelemetry/sdk/metrics/view/instrument_selector_factory.h>
#include <opentelemetry/sdk/metrics/view/meter_selector_factory.h>
#include <opentelemetry/sdk/metrics/view/view_factory.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/contention/otel_cpp.h"

namespace otel_cpp {

/// The bounds of `buckets::latency`, in nanoseconds.
inline const std::vector<double> latency_ns{1e4, 5e4, 1e5, 5e5, 1e6, 5e6, 1e7, 5e7, 1e8, 5e8, 1e9, 5e9, 1e10};

/// A provider with a meter and what reads it.
class Metrics {
 public:
  Metrics() { provider_.AddMetricReader(reader_); }

  auto counter(const std::string& name) { return meter().CreateUInt64Counter(name); }
  auto level(const std::string& name) { return meter().CreateInt64UpDownCounter(name); }
  auto histogram(const std::string& name) {
    auto config = std::make_shared<sdk::HistogramAggregationConfig>();
    config->boundaries_ = latency_ns;
    config->record_min_max_ = false;  // ours has neither
    provider_.AddView(sdk::InstrumentSelectorFactory::Create(sdk::InstrumentType::kHistogram, name, ""),
                      sdk::MeterSelectorFactory::Create("bench", "", ""),
                      sdk::ViewFactory::Create(name, "", "", sdk::AggregationType::kHistogram, config));
    return meter().CreateUInt64Histogram(name);
  }

  /// Collects and fills OTLP's message, which is all but its bytes.
  template <class Use>
  void build(Use use) {
    reader_->Collect([&use](sdk::ResourceMetrics& data) {
      google::protobuf::Arena arena;  // as its OTLP exporters do
      auto* const request =
          google::protobuf::Arena::CreateMessage<otel::proto::collector::metrics::v1::ExportMetricsServiceRequest>(
              &arena);
      otel::exporter::otlp::OtlpMetricUtils::PopulateRequest(data, request);
      use(*request);
      return true;
    });
  }
  void export_once() {
    build([this](const auto& request) { request.SerializeToString(&bytes_); });
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

  /// What all counters add up to, and how often all histograms were recorded into.
  [[nodiscard]] std::uint64_t total() {
    std::uint64_t sum = 0;
    reader_->Collect([&sum](sdk::ResourceMetrics& data) {
      for (const auto& scope : data.scope_metric_data_) {
        for (const auto& metric : scope.metric_data_) {
          for (const auto& point : metric.point_data_attr_) sum += value(point.point_data);
        }
      }
      return true;
    });
    return sum;
  }

 private:
  static std::uint64_t value(const sdk::PointType& point) {
    if (const auto* const counted = otel::nostd::get_if<sdk::SumPointData>(&point)) {
      return static_cast<std::uint64_t>(otel::nostd::get<std::int64_t>(counted->value_));
    }
    return otel::nostd::get<sdk::HistogramPointData>(point).count_;
  }
  otel::metrics::Meter& meter() { return *provider_.GetMeter("bench"); }

  std::shared_ptr<Reader> reader_ = std::make_shared<Reader>();
  sdk::MeterProvider provider_;
  std::string bytes_;
};

}  // namespace otel_cpp
