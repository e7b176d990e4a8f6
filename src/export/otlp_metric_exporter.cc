// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/export/otlp_metric_exporter.h"

#include <exception>

#include "core/diagnose.h"
#include "delivery_queue.h"
#include "fast_telemetry/snapshot.h"
#include "library_families.h"
#include "request_limit.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

ReaderOptions reader_options(OtlpTemporality temporality) noexcept {
  switch (temporality) {
    case OtlpTemporality::cumulative: break;
    case OtlpTemporality::delta: return {.temporality = Temporality::delta, .totals = Totals::up_down_counters};
    case OtlpTemporality::low_memory:
      return {.temporality = Temporality::delta, .totals = Totals::up_down_counters_and_observables};
  }
  return {};
}

}  // namespace

struct OtlpMetricExporter::Exporting {
  using Send = DeliveryReport (OtlpHttpSender::*)(Time);

  Exporting(Registry& registry, std::span<const ResourceAttribute> resource, const OtlpMetricExporterOptions& options)
      : is_cumulative{options.temporality == OtlpTemporality::cumulative},
        own{.process = options.process_metrics},
        reader{registry, reader_options(options.temporality)},
        encoder{resource, options.encoding},
        sender{OtlpSignal::metrics, options.http},
        limit{options.encoding.max_request_bytes} {}

  const bool is_cumulative;
  const detail::LibraryFamilies own;
  Reader reader;
  OtlpMetricEncoder encoder;
  OtlpHttpSender sender;
  detail::RequestLimit limit;

  [[nodiscard]] DeliveryInfo info() const noexcept {
    DeliveryInfo info = sender.info();
    info.items += encoder.dropped_too_large();
    info.dropped_too_large += encoder.dropped_too_large();
    return info;
  }

  /// Totals that wait are said by the next collection, too.
  [[nodiscard]] bool holds_totals() const noexcept { return is_cumulative && sender.info().queued != 0; }

  void collect() noexcept {
    try {
      encoder.limit_requests(limit.bytes());
      reader.collect().visit(encoder, own);
      // Before the requests are given away, since it may throw and they cannot be taken back. They are the window.
      reader.accept();
    } catch (const std::exception& error) {
      // Nothing is lost: the next collection has it.
      return detail::diagnose("otlp", std::string_view{error.what()});
    }
    for (const OtlpMetricEncoder::Request& request : encoder.requests()) {
      limit.made(request.bytes.size());
      sender.send(request.bytes, request.points);
    }
  }

  DeliveryReport export_by(Time until, Send send) noexcept {
    const DeliveryInfo before = info();
    DeliveryReport report;
    if (holds_totals()) report = (sender.*send)(until);
    if (!holds_totals()) {
      collect();
      report = (sender.*send)(until);
    }
    return finished(report, before);
  }

  DeliveryReport finished(DeliveryReport report, const DeliveryInfo& before) noexcept {
    report.counts = detail::difference(before, info());
    limit.learn(report.counts);
    return report;
  }
};

OtlpMetricExporter::OtlpMetricExporter(Registry& registry, std::span<const ResourceAttribute> resource,
                                       const OtlpMetricExporterOptions& options)
    : exporting_{std::make_unique<Exporting>(registry, resource, options)} {}

OtlpMetricExporter::~OtlpMetricExporter() = default;

DeliveryReport OtlpMetricExporter::export_once(Time until) noexcept {
  return exporting_->export_by(until, &OtlpHttpSender::deliver);
}

DeliveryReport OtlpMetricExporter::deliver(Time until) noexcept {
  const DeliveryInfo before = info();
  return exporting_->finished(exporting_->sender.deliver(until), before);
}

DeliveryReport OtlpMetricExporter::flush(Time until) noexcept {
  return exporting_->export_by(until, &OtlpHttpSender::flush);
}

DeliveryReport OtlpMetricExporter::close(Time until) noexcept {
  const DeliveryInfo before = info();
  static_cast<void>(flush(until));
  return exporting_->finished(exporting_->sender.close(Time::min()), before);
}

void OtlpMetricExporter::end_by(Time deadline) noexcept { exporting_->sender.end_by(deadline); }
DeliveryInfo OtlpMetricExporter::info() const noexcept { return exporting_->info(); }

FAST_TELEMETRY_END_NAMESPACE
