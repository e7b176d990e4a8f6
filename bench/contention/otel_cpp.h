// SPDX-License-Identifier: Apache-2.0
//
// What every benchmark of opentelemetry-cpp's metrics needs: attributes as views, and a reader that collects when told.
#pragma once

#include <opentelemetry/common/attribute_value.h>
#include <opentelemetry/nostd/string_view.h>
#include <opentelemetry/sdk/metrics/metric_reader.h>

#include <chrono>
#include <string_view>
#include <utility>

namespace otel_cpp {

namespace otel = opentelemetry;
namespace sdk = opentelemetry::sdk::metrics;

using Attribute = std::pair<otel::nostd::string_view, otel::common::AttributeValue>;

inline otel::nostd::string_view text(std::string_view text) { return {text.data(), text.size()}; }

class Reader final : public sdk::MetricReader {
 public:
  sdk::AggregationTemporality GetAggregationTemporality(sdk::InstrumentType) const noexcept override {
    return sdk::AggregationTemporality::kCumulative;  // OTLP's default
  }

 private:
  bool OnForceFlush(std::chrono::microseconds) noexcept override { return true; }
  bool OnShutDown(std::chrono::microseconds) noexcept override { return true; }
};

}  // namespace otel_cpp
