// SPDX-License-Identifier: Apache-2.0
//
// OtlpJsonMetricExporter and OtlpJsonSpanExporter: metrics and spans as lines of OTLP/JSON, to standard output or into
// a file. For looking at what a program would send, and for collectors that read files.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "fast_telemetry/encoding/otlp_resource.h"
#include "fast_telemetry/export/exporter.h"
#include "fast_telemetry/registry.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct OtlpJsonOptions {
  /// Empty: standard output. A file is created with permissions 0600, or emptied if it is there. Regular files and
  /// character devices only.
  std::string path = {};
  /// The file never has more; what it has no room for is dropped_too_large. Standard output has no limit.
  std::uint64_t max_file_bytes = std::uint64_t{1} << 30U;
  DeliveryOptions delivery = {};
};

/// A line per metric, as OtlpJsonMetricEncoder writes it: cumulative, the library's and the process's own metrics
/// included. What still waits is told first: the next collection says it all again.
///
/// What both exporters promise: lines are whole, also when several exporters of one process write to standard output.
/// Nobody is waited for beyond a deadline, whether standard output is a pipe that nobody reads, a terminal that was
/// stopped or a socket; no SIGPIPE is raised, and the mode of standard output, which is not ours alone, stays as it is.
/// What finds no room, or a full disk, waits in a queue and is tried again, as DeliveryOptions say; what is written to
/// a pipe without a reader, or when standard output is closed, is dropped_refused. Standard output is what it was when
/// the first of them was made. A line that was dropped when a part of it was out is taken off the file again; behind
/// one on a pipe comes a newline. Diagnostics are of component "otlp_json".
///
/// A forked child may destroy its copy, which writes nothing; its other calls return at once.
class OtlpJsonMetricExporter final : public Exporter {
 public:
  /// Copies the attributes. Throws std::system_error (a file that cannot be opened), std::invalid_argument (options of
  /// delivery without sense) and std::bad_alloc.
  explicit OtlpJsonMetricExporter(Registry& registry, std::span<const ResourceAttribute> resource = {},
                                  const OtlpJsonOptions& options = {});
  ~OtlpJsonMetricExporter() override;

  [[nodiscard]] Text name() const noexcept override { return "otlp_json_metrics"; }
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

/// A line per span, as append_json_line (json_spans.h) writes it.
class OtlpJsonSpanExporter final : public SpanExporter {
 public:
  /// As OtlpJsonMetricExporter.
  explicit OtlpJsonSpanExporter(std::span<const ResourceAttribute> resource = {}, const OtlpJsonOptions& options = {});
  ~OtlpJsonSpanExporter() override;

  /// Always taken; without memory, or room in the queue, it is counted as dropped.
  [[nodiscard]] SinkAnswer span(const SpanRecord& record) noexcept override;

  [[nodiscard]] Text name() const noexcept override { return "otlp_json_spans"; }
  DeliveryReport export_once(Time until) noexcept override { return deliver(until); }
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
