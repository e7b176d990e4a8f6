// SPDX-License-Identifier: Apache-2.0
//
// DynamicCounter: a counter by two labels that are known at run time, and nothing else in its registry.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/registry.h"
#include "label_sets.h"

struct DynamicCounter {
  explicit DynamicCounter(std::size_t max_series)
      : counter{fast_telemetry::Scope{registry},
                {.name = "requests", .help = "Requests by tenant and route."},
                {"tenant", "route"},
                {.max_series = static_cast<std::uint32_t>(max_series)}} {}
  void record(const Labels& labels) { counter.at(labels.tenant, labels.route).add(); }
  [[nodiscard]] std::uint64_t total(const LabelSets& sets) const {
    std::uint64_t sum = 0;
    for (const Labels& labels : sets) sum += counter.find(labels.tenant, labels.route).value();
    return sum;
  }

  fast_telemetry::Registry registry;
  fast_telemetry::Dynamic<fast_telemetry::Counter, 2> counter;
};
