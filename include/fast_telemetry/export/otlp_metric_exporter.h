// SPDX-License-Identifier: Apache-2.0
//
// OtlpMetricExporter: a registry's metrics to a collector, by OTLP over HTTP. For programs that export. Built where
// protozero and libcurl are (FAST_TELEMETRY_OTLP).
#pragma once

#include <initializer_list>
#include <memory>
#include <span>

#include "fast_telemetry/encoding/otlp_metrics.h"
#include "fast_telemetry/export/exporter.h"
#include "fast_telemetry/export/otlp_http.h"
#include "fast_telemetry/registry.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// OpenTelemetry's temporality preferences: what a collector is sent.
enum class OtlpTemporality : std::uint8_t {
  cumulative,  ///< totals since each series was born
  delta,       ///< what came since the collection before; totals of up-down counters
  low_memory,  ///< and totals of what callbacks compute
};

struct OtlpMetricExporterOptions {
  OtlpHttpOptions http = {};
  OtlpTemporality temporality = OtlpTemporality::cumulative;
  OtlpMetricOptions encoding = {};
  bool process_metrics = true;  ///< send what the system says about the process: `process.…`, see process_info.h
};

/// Collects with a reader of its own, encodes (OtlpMetricEncoder) and sends (OtlpHttpSender). Collections end with the
/// library's own state (`fast_telemetry.…`) and the process's; these are totals since the process was started.
///
/// Items of the accounting are data points. Every increase is in one request, which waits, is sent again and is dropped
/// as OtlpHttpSender says; deltas are in no second one, so what the receiver has and what was dropped is all there was.
/// Of totals, no collection is made while one waits: the next one will say all that this one would have, and the memory
/// of an outage is one collection. When the endpoint is back it has the one that waited, and then a new one.
///
/// A collection that a receiver refuses as too large (413) is lost, and counted; later requests are at most half as
/// large. For deltas choose OtlpMetricOptions::max_request_bytes rightly instead.
///
/// In the steady state, to collect, encode and queue the registry's metrics allocates nothing (up to four requests);
/// what the system and the library say of themselves costs some allocations, however many series there are.
///
/// Not thread-safe, but for end_by(). A forked child may destroy its copy, and must not use it otherwise.
class OtlpMetricExporter final : public Exporter {
 public:
  /// Copies the attributes, as OtlpMetricEncoder. Throws as OtlpHttpSender.
  OtlpMetricExporter(Registry& registry, std::span<const ResourceAttribute> resource,
                     const OtlpMetricExporterOptions& options = {});
  OtlpMetricExporter(Registry& registry, std::initializer_list<ResourceAttribute> resource,
                     const OtlpMetricExporterOptions& options = {})
      : OtlpMetricExporter{registry, std::span<const ResourceAttribute>{resource.begin(), resource.size()}, options} {}
  ~OtlpMetricExporter() override;
  OtlpMetricExporter(const OtlpMetricExporter&) = delete;
  OtlpMetricExporter& operator=(const OtlpMetricExporter&) = delete;

  [[nodiscard]] Text name() const noexcept override { return "otlp_metrics"; }
  DeliveryReport export_once(Time until) noexcept override;
  DeliveryReport deliver(Time until) noexcept override;
  DeliveryReport flush(Time until) noexcept override;
  DeliveryReport close(Time until) noexcept override;
  void end_by(Time deadline) noexcept override;
  [[nodiscard]] DeliveryInfo info() const noexcept override;

 private:
  struct Exporting;
  std::unique_ptr<Exporting> exporting_;
};

FAST_TELEMETRY_END_NAMESPACE
