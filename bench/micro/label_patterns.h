// SPDX-License-Identifier: Apache-2.0
//
// The ways in which programs record by labels that are known at run time, for whatever keeps such counters: some hot
// label sets of many, sets that were never seen before, and sets of many labels.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "label_sets.h"
#include "workload.h"

namespace label_patterns {

/// 1 000 series exist, and the first of them, as many as the benchmark's argument says, are recorded into in turn.
///
/// `Metric`: made for a number of series; record(Labels); total(LabelSets).
template <class Metric>
void hot_set(benchmark::State& state) {
  constexpr std::size_t series = 1'000;
  const LabelSets all{series};
  const auto hot_sets = static_cast<std::size_t>(state.range(0));
  const LabelSets hot{hot_sets};
  Metric metric{series};
  for (const Labels& labels : all) metric.record(labels);
  const std::size_t rounds = workload::records / hot_sets;
  const std::size_t passes = Passes{state, rounds * hot_sets}.run([&] {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (const Labels& labels : hot) metric.record(labels);
    }
  });
  workload::check<std::uint64_t>(state, metric.total(all), series + passes * rounds * hot_sets);
}

/// Label sets that were never seen, as many as the argument says, into a metric that was just made. Per set.
template <class Metric>
void first_touch(benchmark::State& state) {
  const auto series = static_cast<std::size_t>(state.range(0));
  const LabelSets sets{series};
  auto metric = std::make_unique<Metric>(series);
  std::uint64_t total = 0;
  const std::size_t passes = Passes{state, series}.run(
      [&] {
        for (const Labels& labels : sets) metric->record(labels);
      },
      [&] {
        total += metric->total(sets);
        metric = std::make_unique<Metric>(series);
      });
  workload::check<std::uint64_t>(state, total, passes * series);
}

struct KeyValue {
  std::string_view key;
  std::string_view value;
};

enum class Order : std::uint8_t { sorted, reversed };

/// 64 series with as many labels as one asks for.
class ManyLabels {
 public:
  static constexpr std::size_t series = 64;

  explicit ManyLabels(std::size_t labels, Order order = Order::sorted) : labels_{labels} {
    for (std::size_t i = 0; i < series; ++i) {
      for (std::size_t k = 0; k < labels; ++k) {
        const std::size_t number = order == Order::sorted ? k : labels - 1 - k;
        keys_.push_back(key(number));
        values_.push_back("value-" + std::to_string(number) + "-" + std::to_string(i));
      }
    }
    for (std::size_t i = 0; i < keys_.size(); ++i) pairs_.push_back({keys_[i], values_[i]});
  }
  ManyLabels(const ManyLabels&) = delete;
  ManyLabels& operator=(const ManyLabels&) = delete;

  [[nodiscard]] static std::string key(std::size_t number) { return {'k', 'e', 'y', static_cast<char>('a' + number)}; }
  [[nodiscard]] std::span<const KeyValue> operator[](std::size_t i) const {
    return {pairs_.data() + i * labels_, labels_};
  }

 private:
  std::size_t labels_;
  std::vector<std::string> keys_;
  std::vector<std::string> values_;
  std::vector<KeyValue> pairs_;
};

/// Each series in turn, all labels given in each record, always in the same order.
///
/// `Metric`: record(std::span<const KeyValue>); total(ManyLabels).
template <class Metric, std::size_t labels, Order order = Order::sorted>
void many_labels(benchmark::State& state) {
  const ManyLabels sets{labels, order};
  Metric metric;
  constexpr std::size_t rounds = 4096 / ManyLabels::series;  // arbitrary
  const auto round = [&] {
    for (std::size_t i = 0; i < ManyLabels::series; ++i) metric.record(sets[i]);
  };
  round();  // every series exists
  const std::size_t passes = Passes{state, rounds * ManyLabels::series}.run([&] {
    for (std::size_t k = 0; k < rounds; ++k) round();
  });
  workload::check<std::uint64_t>(state, metric.total(sets), (passes * rounds + 1) * ManyLabels::series);
}

/// Registers the rows of the first two patterns.
template <class Metric>
void add_rows(const std::string& name) {
  benchmark::RegisterBenchmark(("BM_hot_set/" + name).c_str(), hot_set<Metric>)
      ->ArgName("hot")
      ->Args({1})
      ->Args({4})
      ->Args({8})
      ->Args({16})
      ->Args({64});
  benchmark::RegisterBenchmark(("BM_first_touch/" + name).c_str(), first_touch<Metric>)
      ->ArgName("series")
      ->Args({16})
      ->Args({256})
      ->Args({1024});
}

/// Registers the rows of the third. `MetricOf<n>`: for n labels.
template <template <std::size_t> class MetricOf, std::size_t... labels>
void add_label_rows(const std::string& name, std::index_sequence<labels...>) {
  (benchmark::RegisterBenchmark(("BM_label_count/" + name + "/labels:" + std::to_string(labels)).c_str(),
                                many_labels<MetricOf<labels>, labels>),
   ...);
}
using LabelCounts = std::index_sequence<1, 2, 4, 8, 12, 16>;

}  // namespace label_patterns
