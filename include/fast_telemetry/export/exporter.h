// SPDX-License-Identifier: Apache-2.0
//
// Exporter, SpanExporter: what ft::Telemetry drives, on a schedule and at the end. For exporters of one's own.
#pragma once

#include <chrono>

#include "fast_telemetry/export/delivery.h"
#include "fast_telemetry/spans/drain.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Brings metrics or spans to one place. All calls come from one thread at a time, but for end_by(). None may throw: an
/// exporter that is given no memory counts what it drops. None may outlast its `until` by more than the time that
/// collecting takes, whatever the network does.
class Exporter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  virtual ~Exporter() = default;

  /// What reports and the exporter's own metrics call it: "otlp_metrics". Stays the same, and valid.
  [[nodiscard]] virtual Text name() const noexcept = 0;

  /// Collects what there is, and delivers that and what waits from before: by `until`, and while the endpoint does not
  /// want to be left alone.
  virtual DeliveryReport export_once(Time until) noexcept = 0;

  /// Delivers what waits, without collecting: for when DeliveryReport::next_attempt_in is over.
  virtual DeliveryReport deliver(Time until) noexcept = 0;

  /// As export_once, but asks the endpoint once even if it wants to be left alone: for an ordered flush.
  virtual DeliveryReport flush(Time until) noexcept = 0;

  /// As flush, and drops and counts what then still waits. Called once; nothing but info() and the destructor follows.
  virtual DeliveryReport close(Time until) noexcept = 0;

  /// No call lasts longer than this, not even one under way, until another time is given: Time::max() lets calls take
  /// their own time again. Any thread, at any time.
  virtual void end_by(Time deadline) noexcept = 0;

  /// Everything that became of what was collected.
  [[nodiscard]] virtual DeliveryInfo info() const noexcept = 0;
};

/// An exporter of spans. It does not take spans out of their buffers, since a drain gives each span to one place: who
/// drives it drains, once for all exporters of spans there are, gives each of them every span, and then calls
/// export_once, flush or close, for which "collects what there is" means: closes the request that spans are being
/// written to. Calls of `span` come from the thread that the other calls come from, and none after close().
///
/// `taken`: the span is this exporter's, which delivers it, or drops and counts it. `full`: not now; the span is held,
/// is given again before any other, and is not given again to exporters that have it. Meanwhile no exporter gets spans
/// and the buffers fill, so `full` is for what passes soon, such as want of memory; who has a queue drops from that.
class SpanExporter : public Exporter, public SpanSink {
 public:
  [[nodiscard]] SinkAnswer span(const SpanRecord& record) noexcept override = 0;
};

FAST_TELEMETRY_END_NAMESPACE
