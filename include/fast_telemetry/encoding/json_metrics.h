// SPDX-License-Identifier: Apache-2.0
//
// OtlpJsonMetricEncoder: metrics as lines of OTLP/JSON. For programs that export; OtlpJsonMetricExporter
// (export/otlp_json.h) writes them to a file or to standard output.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "fast_telemetry/encoding/otlp_resource.h"
#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Puts each collection it visits into lines, one for each metric that has points:
///
///     reader.collect().visit(encoder);
///     for (const auto& line : encoder.lines()) std::fwrite(line.text.data(), 1, line.text.size(), stdout);
///
/// A line is a whole message of OTLP/JSON: an `opentelemetry.proto.metrics.v1.MetricsData` with one resource, one scope
/// (this library) and one metric, which says what OtlpMetricEncoder's would: same names, units, times, numbers and
/// omissions. Names and values follow OTLP's JSON encoding, as append_json_line (json_spans.h) has it.
///
/// To be read by people and their tools: all of it is rendered in each collection, so it costs several times what
/// OtlpMetricEncoder does. It keeps the memory of its largest collection. Not thread-safe. Throws std::bad_alloc only;
/// the collection under way has then to be visited anew.
class OtlpJsonMetricEncoder final : public Visitor {
 public:
  struct Line {
    std::string_view text;  ///< with the newline at its end, which is its only one
    std::size_t points;     ///< in it; never 0
  };

  /// Copies the attributes. Of those with the same key the last one stays; one with an empty key is left out.
  explicit OtlpJsonMetricEncoder(std::span<const ResourceAttribute> resource = {});
  ~OtlpJsonMetricEncoder();
  OtlpJsonMetricEncoder(OtlpJsonMetricEncoder&&) noexcept;
  OtlpJsonMetricEncoder& operator=(OtlpJsonMetricEncoder&&) noexcept;

  void begin(const Collection& collection) override;
  void family(const Family& family) override;
  void sum(const Series& series, const NumberPoint<std::uint64_t>& point) override;
  void sum(const Series& series, const NumberPoint<std::int64_t>& point) override;
  void sum(const Series& series, const NumberPoint<double>& point) override;
  void gauge(const Series& series, const NumberPoint<std::int64_t>& point) override;
  void gauge(const Series& series, const NumberPoint<double>& point) override;
  void histogram(const Series& series, const HistogramPoint& point) override;
  void histogram(const Series& series, const ExponentialPoint& point) override;
  void info(const Series& series) override;
  void state_set(const Series& series, std::span<const State> states) override;
  void end() override;

  /// Of the last collection, once it has ended. They stay until the next one begins.
  [[nodiscard]] std::span<const Line> lines() const noexcept;

 private:
  struct Encoding;
  std::unique_ptr<Encoding> encoding_;
};

FAST_TELEMETRY_END_NAMESPACE
