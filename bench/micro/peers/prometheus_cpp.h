// SPDX-License-Identifier: Apache-2.0
//
// prometheus-cpp, used as its documentation says.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/micro/label_sets.h"

/// The bounds of `buckets::latency`, in seconds.
inline const prometheus::Histogram::BucketBoundaries latency_seconds{10e-6, 50e-6,  100e-6, 500e-6, 1e-3, 5e-3, 10e-3,
                                                                     50e-3, 100e-3, 500e-3, 1.0,    5.0,  10.0};

/// Counters by labels that are not known beforehand: Family::Add in each call.
struct PrometheusCpp {
  explicit PrometheusCpp(std::size_t = 0) {}
  void record(const Labels& labels) { add(labels, 1); }
  void add(const Labels& labels, double amount) {
    family.Add({{"tenant", std::string{labels.tenant}}, {"route", std::string{labels.route}}}).Increment(amount);
  }
  [[nodiscard]] std::uint64_t total() const {
    double sum = 0;
    const auto families = family.Collect();
    for (const auto& metric : families.at(0).metric) sum += metric.counter.value;
    return static_cast<std::uint64_t>(sum);
  }
  [[nodiscard]] std::uint64_t total(const LabelSets&) const { return total(); }
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& family =
      prometheus::BuildCounter().Name("requests").Help("Requests.").Register(registry);
};
