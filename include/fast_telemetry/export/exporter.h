// SPDX-License-Identifier: Apache-2.0
//
// Exporter: what ft::Telemetry drives, on a schedule and at the end. For exporters of one's own.
#pragma once

#include <chrono>

#include "fast_telemetry/export/delivery.h"

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

  /// From now on no call lasts longer than this, not even one under way. Any thread, at any time.
  virtual void end_by(Time deadline) noexcept = 0;

  /// Everything that became of what was collected.
  [[nodiscard]] virtual DeliveryInfo info() const noexcept = 0;
};

FAST_TELEMETRY_END_NAMESPACE
