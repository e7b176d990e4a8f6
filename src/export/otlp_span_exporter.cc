// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/export/otlp_span_exporter.h"

#include <new>

#include "delivery_queue.h"
#include "request_limit.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct OtlpSpanExporter::Exporting {
  Exporting(std::span<const ResourceAttribute> resource, const OtlpSpanExporterOptions& options)
      : encoder{resource, options.encoding},
        sender{OtlpSignal::traces, options.http},
        limit{options.encoding.max_request_bytes} {}

  OtlpSpanEncoder encoder;
  OtlpHttpSender sender;
  detail::RequestLimit limit;
  std::uint64_t taken = 0;

  [[nodiscard]] DeliveryInfo info() const noexcept {
    DeliveryInfo info = sender.info();
    info.dropped_too_large += encoder.dropped_too_large();
    info.queued += taken - info.items - encoder.dropped_too_large();
    info.items = taken;
    return info;
  }

  /// Throws std::bad_alloc, and is then as it was.
  SinkAnswer add(const SpanRecord& record) {
    SinkAnswer answer = encoder.span(record);
    if (answer == SinkAnswer::full) {
      end_request();
      answer = encoder.span(record);
    }
    if (answer == SinkAnswer::taken) ++taken;
    return answer;
  }

  void end_request() {
    const OtlpSpanEncoder::Request request = encoder.finish();
    limit.made(request.bytes.size());
    sender.send(request.bytes, request.count);
  }

  /// Without memory for it, the request stays open.
  void try_to_end_request() noexcept {
    try {
      end_request();
    } catch (const std::bad_alloc&) {
    }
  }

  DeliveryReport finished(DeliveryReport report, const DeliveryInfo& before) noexcept {
    const DeliveryInfo now = info();
    report.counts = detail::difference(before, now);
    if (now.queued != 0 && !report.next_attempt_in) report.next_attempt_in = std::chrono::nanoseconds{0};
    limit.learn(report.counts);
    encoder.limit_requests(limit.bytes());
    return report;
  }
};

OtlpSpanExporter::OtlpSpanExporter(std::span<const ResourceAttribute> resource, const OtlpSpanExporterOptions& options)
    : exporting_{std::make_unique<Exporting>(resource, options)} {}

OtlpSpanExporter::~OtlpSpanExporter() = default;

SinkAnswer OtlpSpanExporter::span(const SpanRecord& record) noexcept {
  try {
    return exporting_->add(record);
  } catch (const std::bad_alloc&) {
    return SinkAnswer::full;
  }
}

DeliveryReport OtlpSpanExporter::export_once(Time until) noexcept {
  const DeliveryInfo before = info();
  exporting_->try_to_end_request();
  return exporting_->finished(exporting_->sender.deliver(until), before);
}

DeliveryReport OtlpSpanExporter::deliver(Time until) noexcept {
  const DeliveryInfo before = info();
  return exporting_->finished(exporting_->sender.deliver(until), before);
}

DeliveryReport OtlpSpanExporter::flush(Time until) noexcept {
  const DeliveryInfo before = info();
  exporting_->try_to_end_request();
  return exporting_->finished(exporting_->sender.flush(until), before);
}

DeliveryReport OtlpSpanExporter::close(Time until) noexcept {
  const DeliveryInfo before = info();
  exporting_->try_to_end_request();
  return exporting_->finished(exporting_->sender.close(until), before);
}

void OtlpSpanExporter::end_by(Time deadline) noexcept { exporting_->sender.end_by(deadline); }
DeliveryInfo OtlpSpanExporter::info() const noexcept { return exporting_->info(); }

FAST_TELEMETRY_END_NAMESPACE
