// SPDX-License-Identifier: Apache-2.0
//
// OtlpSpanExporter: finished spans to a collector, by OTLP over HTTP. For programs that export. Built where protozero
// and libcurl are (FAST_TELEMETRY_OTLP).
#pragma once

#include <initializer_list>
#include <memory>
#include <span>

#include "fast_telemetry/encoding/otlp_spans.h"
#include "fast_telemetry/export/exporter.h"
#include "fast_telemetry/export/otlp_http.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct OtlpSpanExporterOptions {
  OtlpHttpOptions http = {};
  OtlpSpanOptions encoding = {};
};

/// A sink that encodes (OtlpSpanEncoder) and, when it is told to, sends (OtlpHttpSender):
///
///     ft::drain_spans(exporter);
///     exporter.export_once(until);
///
/// It takes every span: a request that is full joins those that wait, whose oldest give way when there are too many
/// (DeliveryOptions::max_queue_bytes), so memory is bounded for a drain of any size. Items of the accounting are spans,
/// those in the request under way among those that wait.
///
/// What a receiver refuses as too large (413) is lost, and counted; later requests are at most half as large.
///
/// Not thread-safe, but for end_by(). A forked child may destroy its copy, and must not use it otherwise.
class OtlpSpanExporter final : public SpanExporter {
 public:
  /// Copies the attributes, as OtlpSpanEncoder. Throws as OtlpHttpSender.
  explicit OtlpSpanExporter(std::span<const ResourceAttribute> resource, const OtlpSpanExporterOptions& options = {});
  explicit OtlpSpanExporter(std::initializer_list<ResourceAttribute> resource,
                            const OtlpSpanExporterOptions& options = {})
      : OtlpSpanExporter{std::span<const ResourceAttribute>{resource.begin(), resource.size()}, options} {}
  ~OtlpSpanExporter() override;
  OtlpSpanExporter(const OtlpSpanExporter&) = delete;
  OtlpSpanExporter& operator=(const OtlpSpanExporter&) = delete;

  /// `full` only without memory to encode it.
  [[nodiscard]] SinkAnswer span(const SpanRecord& record) noexcept override;

  [[nodiscard]] Text name() const noexcept override { return "otlp_spans"; }
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
