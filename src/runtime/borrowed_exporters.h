// SPDX-License-Identifier: Apache-2.0
//
// Exporters around what a program has of its own: a Visitor, a SpanSink. Both are user code: it may throw.
#pragma once

#include <string>

#include "fast_telemetry/export/exporter.h"
#include "fast_telemetry/snapshot.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Shows a visitor the collections of a reader. Its items are collections; one that the visitor threw at waits, and the
/// next is the same window and more.
class VisitorExporter final : public Exporter {
 public:
  VisitorExporter(Registry& registry, Text name, Visitor& visitor, const ReaderOptions& options)
      : name_{name.data(), name.size()}, reader_{registry, options}, visitor_{visitor} {}

  [[nodiscard]] Text name() const noexcept override { return name_; }
  DeliveryReport export_once(Time until) noexcept override;
  DeliveryReport deliver(Time) noexcept override { return report(info_); }
  DeliveryReport flush(Time until) noexcept override { return export_once(until); }
  DeliveryReport close(Time until) noexcept override;
  void end_by(Time) noexcept override {}  // a visitor is not told when to end
  [[nodiscard]] DeliveryInfo info() const noexcept override { return info_; }

 private:
  void show() noexcept;
  [[nodiscard]] DeliveryReport report(const DeliveryInfo& before) const noexcept;

  const std::string name_;
  Reader reader_;
  Visitor& visitor_;
  DeliveryInfo info_;
};

/// Gives a sink the spans.
class SinkExporter final : public SpanExporter {
 public:
  SinkExporter(Text name, SpanSink& sink) : name_{name.data(), name.size()}, sink_{sink} {}

  [[nodiscard]] Text name() const noexcept override { return name_; }
  [[nodiscard]] SinkAnswer span(const SpanRecord& record) noexcept override;
  DeliveryReport export_once(Time) noexcept override { return report(); }
  DeliveryReport deliver(Time) noexcept override { return report(); }
  DeliveryReport flush(Time) noexcept override { return report(); }
  DeliveryReport close(Time) noexcept override { return report(); }
  void end_by(Time) noexcept override {}
  [[nodiscard]] DeliveryInfo info() const noexcept override { return info_; }

 private:
  /// What the sink was given since the report before.
  DeliveryReport report() noexcept;
  SinkAnswer drop(std::uint64_t DeliveryInfo::* reason, const char* what) noexcept;

  const std::string name_;
  SpanSink& sink_;
  DeliveryInfo info_;
  DeliveryInfo reported_;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
