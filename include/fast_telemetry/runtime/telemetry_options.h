// SPDX-License-Identifier: Apache-2.0
//
// TelemetryOptions: what ft::Telemetry exports, where to and when. For programs that export.
#pragma once

#include <chrono>
#include <optional>

#include "fast_telemetry/export/dogstatsd.h"
#include "fast_telemetry/export/exposer.h"
#include "fast_telemetry/export/otlp_metric_exporter.h"
#include "fast_telemetry/export/otlp_span_exporter.h"
#include "fast_telemetry/runtime/resource.h"
#include "fast_telemetry/spans/tail_sampler.h"
#include "fast_telemetry/spans/tracer.h"
#include "fast_telemetry/sweeper.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// When an exporter's turn is.
struct ExportSchedule {
  std::chrono::milliseconds interval;  ///< from the start of one export to the start of the next
  std::chrono::milliseconds timeout;   ///< of one export
  bool at_start = false;               ///< the first one at once, not after an interval
};

/// Nothing is exported that is not named here: what is not set is off. environment.h reads this from OpenTelemetry's
/// and Datadog's variables.
struct TelemetryOptions {
  bool is_disabled = false;  ///< nothing is exported, whatever the rest says (OTEL_SDK_DISABLED)
  Resource resource = {};    ///< over what detect_resource() finds

  std::optional<OtlpMetricExporterOptions> otlp_metrics = {};
  std::optional<OtlpSpanExporterOptions> otlp_spans = {};
  std::optional<DogStatsdExporterOptions> dogstatsd = {};
  std::optional<ExposerOptions> prometheus = {};
  bool console_metrics = false;  ///< OTLP/JSON to stdout
  bool console_spans = false;
  std::optional<TailSamplerOptions> tail_sampler = {};  ///< between the spans and all their exporters

  ExportSchedule metrics{std::chrono::milliseconds{60'000}, std::chrono::milliseconds{30'000}};  ///< OTLP and console
  ExportSchedule spans{std::chrono::milliseconds{5'000}, std::chrono::milliseconds{30'000}};
  ExportSchedule dogstatsd_schedule{std::chrono::milliseconds{10'000}, std::chrono::milliseconds{1'000}};

  std::chrono::milliseconds sweep_interval{60'000};  ///< 0: no sweeper
  SweeperOptions sweeper = {};

  /// Those of tracers that have none of their own (set_default_sampler, set_default_span_limits): set by the
  /// constructor, and not taken back.
  std::optional<Sampler> sampler = {};
  std::optional<SpanLimits> span_limits = {};

  bool background_thread = true;                      ///< false: driven by hand
  std::chrono::milliseconds shutdown_timeout{5'000};  ///< of the destructor
};

FAST_TELEMETRY_END_NAMESPACE
