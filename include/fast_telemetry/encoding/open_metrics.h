// SPDX-License-Identifier: Apache-2.0
//
// OpenMetricsEncoder: the text format of OpenMetrics 1.0. For programs that export.
#pragma once

#include <memory>

#include "fast_telemetry/encoding/buffer.h"
#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct OpenMetricsOptions {
  /// Shows since when counters and histograms count, as `…_created`. Off, because Prometheus stores that as one more
  /// series for each of them.
  bool created = false;
};

/// Appends each collection it visits to a buffer, as an exposition of its own that ends in `# EOF`.
///
/// For cumulative collections of one registry: the format has no deltas, and rendered labels are kept by series id.
/// An encoder that stays for the next collection only writes numbers: it then allocates nothing, beyond what the buffer
/// needs to grow.
///
/// Up-down counters are gauges. Exponential histograms become classic ones with a bound at every power of two in the
/// range seen; a bound that a series has shown stays as long as the encoder is shown that series in every collection.
///
/// Counters and histogram buckets have their exemplars, the ids in hexadecimal as `trace_id` and `span_id`. One with
/// more than 128 code points of labels keeps its ids only; one that does not lie in its bucket is left out.
///
/// What the format forbids is left out, because it would fail the whole scrape: a counter that is negative or NaN, and
/// a histogram's `_sum` and `_count` where a bound is negative or the sum is negative or NaN (the count is also that of
/// the bucket `+Inf`).
///
/// Not thread-safe. Throws std::bad_alloc only.
class OpenMetricsEncoder final : public Visitor {
 public:
  /// What the `Content-Type` of these bytes is.
  static constexpr std::string_view content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";

  explicit OpenMetricsEncoder(ByteBuffer& out, OpenMetricsOptions options = {});
  ~OpenMetricsEncoder();
  OpenMetricsEncoder(const OpenMetricsEncoder&) = delete;
  OpenMetricsEncoder& operator=(const OpenMetricsEncoder&) = delete;

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
  struct Exposition;
  std::unique_ptr<Exposition> exposition_;
};

FAST_TELEMETRY_END_NAMESPACE
