// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/export/otlp_json.h"

#include <algorithm>
#include <atomic>
#include <exception>

#include "core/diagnose.h"
#include "fast_telemetry/clock.h"
#include "fast_telemetry/encoding/json_metrics.h"
#include "fast_telemetry/encoding/json_spans.h"
#include "fast_telemetry/snapshot.h"
#include "library_families.h"
#include "line_output.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
namespace {

using Time = Exporter::Time;

/// Lines that wait, and where they go.
class LineDelivery {
 public:
  explicit LineDelivery(const OtlpJsonOptions& options)
      : attempt_timeout_{std::min(options.delivery.attempt_timeout, std::chrono::milliseconds{std::chrono::hours{24}})},
        queue_{options.delivery, random_seed()},
        output_{options.path, options.max_file_bytes} {}

  void send(std::string_view line, std::uint64_t items) noexcept { queue_.push(line, items, now_ns()); }

  /// For want of memory.
  void refuse(std::uint64_t items) noexcept { queue_.refuse(items, &DeliveryInfo::dropped_no_memory); }

  DeliveryReport deliver(Time until) noexcept {
    const DeliveryInfo before = queue_.info();
    attempt_all(until);
    DeliveryReport report{.counts = difference(before, queue_.info())};
    if (!queue_.empty()) report.next_attempt_in = queue_.policy().wait(now_ns());
    return report;
  }

  DeliveryReport flush(Time until) noexcept {
    queue_.skip_wait();
    return deliver(until);
  }

  DeliveryReport close(Time until) noexcept {
    const DeliveryInfo before = queue_.info();
    static_cast<void>(flush(until));
    queue_.close();
    output_.abandon();
    return {.counts = difference(before, queue_.info())};
  }

  void end_by(Time deadline) noexcept {
    ends_by_.store(deadline.time_since_epoch().count(), std::memory_order_relaxed);  // nothing else depends on it
  }

  [[nodiscard]] const DeliveryInfo& info() const noexcept { return queue_.info(); }

 private:
  void attempt_all(Time until) noexcept {
    while (const DeliveryQueue::Payload* const payload = output_.is_ours() ? queue_.next(now_ns()) : nullptr) {
      const Time now = std::chrono::steady_clock::now();
      if (now >= OutputFile::Limit{until, ends_by_}.time()) return;
      const OutputFile::Limit limit{std::min(until, now + attempt_timeout_), ends_by_};
      const std::int64_t begin_ns = now_ns();
      const AttemptResult result =
          payload->is_tried ? output_.resume(payload->bytes, limit) : output_.begin(payload->bytes, limit);
      if (result.verdict != AttemptVerdict::delivered) tell(result);
      queue_.settle(result, begin_ns, now_ns());
    }
  }

  void tell(const AttemptResult& result) const noexcept {
    if (result.verdict == AttemptVerdict::retry && queue_.policy().failures() != 0)
      return;  // not the first of an outage
    try {
      diagnose("otlp_json",
               (result.verdict == AttemptVerdict::retry ? "lines wait to be written: " : "a line was dropped: ") +
                   output_.error().message());
    } catch (const std::bad_alloc&) {
      diagnose("otlp_json", "a line could not be written");
    }
  }

  const std::chrono::milliseconds attempt_timeout_;
  std::atomic<Time::rep> ends_by_{Time::max().time_since_epoch().count()};
  DeliveryQueue queue_;
  LineOutput output_;
};

}  // namespace
}  // namespace detail

struct OtlpJsonMetricExporter::Exporting {
  using Send = DeliveryReport (detail::LineDelivery::*)(Time);

  Exporting(Registry& registry, std::span<const ResourceAttribute> resource, const OtlpJsonOptions& options)
      : delivery{options}, reader{registry}, encoder{resource} {}

  detail::LineDelivery delivery;
  Reader reader;
  OtlpJsonMetricEncoder encoder;

  /// Where something failed, the next collection, which is cumulative, has it all.
  void collect() noexcept try {
    reader.collect().visit(encoder, detail::LibraryFamilies{});
    reader.accept();
    for (const OtlpJsonMetricEncoder::Line& line : encoder.lines()) delivery.send(line.text, line.points);
  } catch (const std::exception& error) {
    detail::diagnose("otlp_json", error.what());
  }

  /// Totals that still wait are said by the next collection, too.
  DeliveryReport export_by(Time until, Send send) noexcept {
    const DeliveryInfo before = delivery.info();
    DeliveryReport report = (delivery.*send)(until);
    if (report.is_complete()) {
      collect();
      report = (delivery.*send)(until);
    }
    report.counts = detail::difference(before, delivery.info());
    return report;
  }
};

OtlpJsonMetricExporter::OtlpJsonMetricExporter(Registry& registry, std::span<const ResourceAttribute> resource,
                                               const OtlpJsonOptions& options)
    : exporting_{std::make_unique<Exporting>(registry, resource, options)} {}

OtlpJsonMetricExporter::~OtlpJsonMetricExporter() = default;

DeliveryReport OtlpJsonMetricExporter::export_once(Time until) noexcept {
  return exporting_->export_by(until, &detail::LineDelivery::deliver);
}

DeliveryReport OtlpJsonMetricExporter::deliver(Time until) noexcept { return exporting_->delivery.deliver(until); }

DeliveryReport OtlpJsonMetricExporter::flush(Time until) noexcept {
  return exporting_->export_by(until, &detail::LineDelivery::flush);
}

DeliveryReport OtlpJsonMetricExporter::close(Time until) noexcept {
  const DeliveryInfo before = info();
  static_cast<void>(flush(until));
  static_cast<void>(exporting_->delivery.close(until));
  return {.counts = detail::difference(before, info())};
}

void OtlpJsonMetricExporter::end_by(Time deadline) noexcept { exporting_->delivery.end_by(deadline); }

DeliveryInfo OtlpJsonMetricExporter::info() const noexcept { return exporting_->delivery.info(); }

struct OtlpJsonSpanExporter::Exporting {
  Exporting(std::span<const ResourceAttribute> attributes, const OtlpJsonOptions& options)
      : delivery{options}, resource{attributes} {}

  detail::LineDelivery delivery;
  JsonResource resource;
  ByteBuffer line;
};

OtlpJsonSpanExporter::OtlpJsonSpanExporter(std::span<const ResourceAttribute> resource, const OtlpJsonOptions& options)
    : exporting_{std::make_unique<Exporting>(resource, options)} {}

OtlpJsonSpanExporter::~OtlpJsonSpanExporter() = default;

SinkAnswer OtlpJsonSpanExporter::span(const SpanRecord& record) noexcept {
  exporting_->line.clear();
  try {
    append_json_line(exporting_->line, record, exporting_->resource);
    exporting_->delivery.send(exporting_->line.view(), 1);
  } catch (const std::bad_alloc&) {
    exporting_->delivery.refuse(1);
  }
  return SinkAnswer::taken;
}

DeliveryReport OtlpJsonSpanExporter::deliver(Time until) noexcept { return exporting_->delivery.deliver(until); }

DeliveryReport OtlpJsonSpanExporter::flush(Time until) noexcept { return exporting_->delivery.flush(until); }

DeliveryReport OtlpJsonSpanExporter::close(Time until) noexcept { return exporting_->delivery.close(until); }

void OtlpJsonSpanExporter::end_by(Time deadline) noexcept { exporting_->delivery.end_by(deadline); }

DeliveryInfo OtlpJsonSpanExporter::info() const noexcept { return exporting_->delivery.info(); }

FAST_TELEMETRY_END_NAMESPACE
