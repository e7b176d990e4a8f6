// SPDX-License-Identifier: Apache-2.0
//
// KeptExemplars: the exemplars of one collection, by family and place. For tests that record with traces.
#pragma once

#include <cstdio>
#include <cstring>
#include <string>

#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/testing/ignoring_visitor.h"
#include "fast_telemetry/trace_ref.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Ids made of a number, so that an exemplar that mixes two observations shows itself.
inline TraceRef trace_of(std::uint64_t number) noexcept {
  const std::uint64_t words[] = {number + 1, ~number, (number + 1) * 0x9E3779B97F4A7C15U};
  TraceRef trace;
  std::memcpy(&trace, words, sizeof trace);
  return trace;
}

/// Whether the exemplar has the ids that trace_of() makes.
inline bool is_of(const Exemplar& exemplar, std::uint64_t number) noexcept {
  const TraceRef expected = trace_of(number);
  return exemplar.trace_id.size() == sizeof expected.trace_id && exemplar.span_id.size() == sizeof expected.span_id &&
         std::memcmp(exemplar.trace_id.data(), expected.trace_id, sizeof expected.trace_id) == 0 &&
         std::memcmp(exemplar.span_id.data(), expected.span_id, sizeof expected.span_id) == 0;
}

/// Calls `use(place, exemplar)` for each exemplar of a visit. Places are `name{labels}`, for buckets followed by their
/// upper bound, for exponential ones by the exemplar's number.
template <class Use>
class ExemplarVisitor final : public IgnoringVisitor {
 public:
  explicit ExemplarVisitor(Use use) : use_{use} {}

  void family(const Family& family) override { name_ = family.full_name; }
  void sum(const Series& series, const NumberPoint<std::uint64_t>& point) override { number(series, point.exemplar); }
  void sum(const Series& series, const NumberPoint<std::int64_t>& point) override { number(series, point.exemplar); }
  void sum(const Series& series, const NumberPoint<double>& point) override { number(series, point.exemplar); }
  void gauge(const Series& series, const NumberPoint<std::int64_t>& point) override { number(series, point.exemplar); }
  void gauge(const Series& series, const NumberPoint<double>& point) override { number(series, point.exemplar); }
  void histogram(const Series& series, const HistogramPoint& point) override {
    for (std::size_t i = 0; i < point.exemplars.size(); ++i) {
      if (point.exemplars[i] == nullptr) continue;
      std::string bound = " rest";
      if (i < point.bounds.size()) bound = " " + std::to_string(point.bounds[i]);
      use_(place(series) + bound, *point.exemplars[i]);
    }
  }
  void histogram(const Series& series, const ExponentialPoint& point) override {
    for (std::size_t i = 0; i < point.exemplars.size(); ++i) {
      use_(place(series) + " " + std::to_string(i), *point.exemplars[i]);
    }
  }

 private:
  void number(const Series& series, const Exemplar* exemplar) {
    if (exemplar != nullptr) use_(place(series), *exemplar);
  }
  [[nodiscard]] std::string place(const Series& series) const {
    std::string text = name_;
    for (const Label& label : series.labels) text.append("{").append(view(label.value)).append("}");
    return text;
  }

  Use use_;
  std::string name_;
};

/// One line per exemplar: `latency 0.100000: 0.05 of 7 at 3`, where 7 is the number that its ids are made of (`torn` if
/// they are of none below 1 000) and 3 its time less `since_unix_ns`.
inline std::string exemplars_in(const Snapshot& snapshot, std::int64_t since_unix_ns = 0) {
  std::string lines;
  ExemplarVisitor visitor{[&](const std::string& place, const Exemplar& exemplar) {
    std::uint64_t number = 0;
    while (number < 1000 && !is_of(exemplar, number)) ++number;
    char text[128];
    std::snprintf(text, sizeof text, ": %g of ", exemplar.value);
    lines += place + text + (number < 1000 ? std::to_string(number) : "torn");
    if (since_unix_ns != 0) lines += " at " + std::to_string(exemplar.time_unix_ns - since_unix_ns);
    lines += "\n";
  }};
  snapshot.visit(visitor);
  return lines;
}

FAST_TELEMETRY_END_NAMESPACE
