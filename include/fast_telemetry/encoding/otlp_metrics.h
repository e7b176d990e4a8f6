// SPDX-License-Identifier: Apache-2.0
//
// OtlpMetricEncoder: metrics as OTLP's protobuf requests. For programs that export. Built where protozero is
// (FAST_TELEMETRY_OTLP).
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "fast_telemetry/encoding/otlp_resource.h"
#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct OtlpMetricOptions {
  /// Of a request, before it is compressed. What receivers refuse begins at 4 MiB (gRPC's default).
  std::size_t max_request_bytes = std::size_t{4} << 20U;
  /// Of the instrumentation scope, which all metrics share: a registry's scopes are part of their names. An empty name
  /// stands for this library's, with its version.
  Text scope_name = {};
  Text scope_version = {};
  std::span<const ResourceAttribute> scope_attributes = {};  ///< copied, by the rules of a resource's
  Text schema_url = {};  ///< of the semantic conventions that the metrics' names and attributes follow
};

/// Puts each collection it visits into one or more `ExportMetricsServiceRequest`s:
///
///     reader.collect().visit(encoder);
///     for (const auto& request : encoder.requests()) send(request.bytes);
///     reader.accept();
///
/// A request that could not be sent is kept and sent again as it is: to collect its window once more would double what
/// other requests of the collection have delivered.
///
/// For collections of one registry, cumulative or of deltas: each family says what its points mean
/// (Family::temporality), and receivers are told so. What OpenTelemetry calls the preferences `delta` and `lowmemory`
/// are ReaderOptions::totals.
///
/// A metric's name is the family's scope and name joined by `.`, without the unit, which is told in UCUM (`s`, `By`);
/// info metrics end in `_info`. Counters are monotonic sums, up-down counters sums that are not; info and state sets
/// are gauges of 1 and 0, a point per state. Sums and histograms begin when their series was born; deltas, when the
/// collection's window began, if that was later. A delta of nothing is left out. So is a histogram's sum where negative
/// values were recorded, as OTLP wants it. An integer above 2^63 - 1 is told as a double: OTLP's are signed.
///
/// An encoder that stays for the next collection only writes numbers: it then allocates nothing, once it has seen its
/// largest one. It keeps all requests of one collection, and the attributes of all series. Not thread-safe. Throws
/// std::bad_alloc only; the collection under way has then to be visited anew.
class OtlpMetricEncoder final : public Visitor {
 public:
  struct Request {
    std::string_view bytes;
    std::size_t points;  ///< in it; never 0
  };

  /// Copies the attributes. Of those with the same key the last one stays; one with an empty key is left out.
  explicit OtlpMetricEncoder(std::span<const ResourceAttribute> resource, const OtlpMetricOptions& options = {});
  OtlpMetricEncoder(std::initializer_list<ResourceAttribute> resource, const OtlpMetricOptions& options = {})
      : OtlpMetricEncoder{std::span<const ResourceAttribute>{resource.begin(), resource.size()}, options} {}
  ~OtlpMetricEncoder();
  OtlpMetricEncoder(OtlpMetricEncoder&&) noexcept;
  OtlpMetricEncoder& operator=(OtlpMetricEncoder&&) noexcept;

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

  /// Of the last collection, once it has ended: none if it had no points. Each point is in one of them; a metric whose
  /// points are in several is described in each. They stay until the next collection begins.
  [[nodiscard]] std::span<const Request> requests() const noexcept;

  /// OtlpMetricOptions::max_request_bytes from the next collection on: for a receiver that turns out to take less.
  void limit_requests(std::size_t max_bytes) noexcept;

  /// Points that alone exceed max_request_bytes: left out.
  [[nodiscard]] std::uint64_t dropped_too_large() const noexcept;

 private:
  struct Encoding;
  std::unique_ptr<Encoding> encoding_;
};

FAST_TELEMETRY_END_NAMESPACE
