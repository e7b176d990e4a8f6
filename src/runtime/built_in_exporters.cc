// SPDX-License-Identifier: Apache-2.0
#include "built_in_exporters.h"

#include <span>
#include <stdexcept>

#include "fast_telemetry/export/otlp_json.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

using Attributes = std::span<const ResourceAttribute>;

#if FAST_TELEMETRY_OTLP
void add_otlp(Driver& driver, const TelemetryOptions& options, Registry& registry, Attributes resource) {
  if (options.otlp_metrics) {
    driver.add(std::make_unique<OtlpMetricExporter>(registry, resource, *options.otlp_metrics), options.metrics);
  }
  if (options.otlp_spans) {
    driver.add(std::make_unique<OtlpSpanExporter>(resource, *options.otlp_spans), options.spans);
  }
}
#else
void add_otlp(Driver&, const TelemetryOptions& options, Registry&, Attributes) {
  if (options.otlp_metrics || options.otlp_spans) {
    throw std::invalid_argument{"OTLP is not built: FAST_TELEMETRY_OTLP is OFF"};
  }
}
#endif

void add_console(Driver& driver, const TelemetryOptions& options, Registry& registry, Attributes resource) {
  if (options.console_metrics) {
    driver.add(std::make_unique<OtlpJsonMetricExporter>(registry, resource), options.metrics);
  }
  if (options.console_spans) driver.add(std::make_unique<OtlpJsonSpanExporter>(resource), options.spans);
}

}  // namespace

void add_built_in_exporters(Driver& driver, const TelemetryOptions& options, Registry& registry) {
  if (options.otlp_metrics || options.otlp_spans || options.console_metrics || options.console_spans) {
    Resource resource = detect_resource();
    resource.merge(options.resource);
    add_otlp(driver, options, registry, resource.attributes());
    add_console(driver, options, registry, resource.attributes());
  }
  if (options.dogstatsd) {
    driver.add(std::make_unique<DogStatsdExporter>(registry, *options.dogstatsd), options.dogstatsd_schedule);
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
