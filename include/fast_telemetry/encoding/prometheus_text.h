// SPDX-License-Identifier: Apache-2.0
//
// PrometheusTextEncoder: Prometheus's text exposition format, version 0.0.4. For programs that export.
#pragma once

#include <memory>

#include "fast_telemetry/encoding/buffer.h"
#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
struct TextLines;
}

/// Appends each collection it visits to a buffer, as an exposition of its own.
///
/// For cumulative collections of one registry: the format has no deltas, and rendered labels are kept by series id.
/// An encoder that stays for the next collection only writes numbers: it then allocates nothing, beyond what the buffer
/// needs to grow.
///
/// Counters end in `_total`, info metrics in `_info`; what the format has no word for is a gauge (up-down counters,
/// info, state sets). No timestamps and no exemplars: the format has none to be relied on.
///
/// Exponential histograms become classic ones with a bound at every power of two in the range seen. A bound that a
/// series has shown stays as long as the encoder is shown that series in every collection.
///
/// `le` is spelled as OpenMetrics demands (`le="1.0"`, where other libraries write `1`): Prometheus before 3.0 compares
/// label values as text, and a bucket must not become another series when a scraper begins to ask for OpenMetrics.
///
/// Not thread-safe. Throws std::bad_alloc only.
class PrometheusTextEncoder final : public Visitor {
 public:
  /// What the `Content-Type` of these bytes is.
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

  explicit PrometheusTextEncoder(ByteBuffer& out);
  ~PrometheusTextEncoder();
  PrometheusTextEncoder(const PrometheusTextEncoder&) = delete;
  PrometheusTextEncoder& operator=(const PrometheusTextEncoder&) = delete;

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

 private:
  std::unique_ptr<detail::TextLines> lines_;
};

FAST_TELEMETRY_END_NAMESPACE
