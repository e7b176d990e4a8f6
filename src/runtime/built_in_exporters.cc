// SPDX-License-Identifier: Apache-2.0
#include "built_in_exporters.h"

#include <stdexcept>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

#if FAST_TELEMETRY_OTLP
void add_otlp(Driver& driver, const TelemetryOptions& options, Registry& registry) {
  if (!options.otlp_metrics && !options.otlp_spans) return;
  Resource resource = detect_resource();
  resource.merge(options.resource);
  const auto attributes = resource.attributes();
  if (options.otlp_metrics) {
    driver.add(std::make_unique<OtlpMetricExporter>(registry, attributes, *options.otlp_metrics), options.metrics);
  }
  if (options.otlp_spans) {
    driver.add(std::make_unique<OtlpSpanExporter>(attributes, *options.otlp_spans), options.spans);
  }
}
#else
void add_otlp(Driver&, const TelemetryOptions& options, Registry&) {
  if (options.otlp_metrics || options.otlp_spans) {
    throw std::invalid_argument{"OTLP is not built: FAST_TELEMETRY_OTLP is OFF"};
  }
}
#endif

}  // namespace

void add_built_in_exporters(Driver& driver, const TelemetryOptions& options, Registry& registry) {
  add_otlp(driver, options, registry);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
