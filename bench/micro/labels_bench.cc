// SPDX-License-Identifier: Apache-2.0
//
// The patterns of label_patterns.h with this library's dynamic counters (and distributions): keys fixed, and free,
// where labels come in any order.
#include <array>
#include <chrono>

#include "dynamic_counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/dynamic_free.h"
#include "label_patterns.h"

namespace ft = fast_telemetry;
using label_patterns::KeyValue;
using label_patterns::ManyLabels;
using label_patterns::Order;

namespace {

/// Its limit is reached: what is new goes to the overflow series.
struct AtTheLimit : DynamicCounter {
  explicit AtTheLimit(std::size_t) : DynamicCounter{1} { counter.at("the", "one").add(); }
  [[nodiscard]] std::uint64_t total(const LabelSets&) const { return counter.overflow_count(); }
};

/// Distributions of scale 3 in the place of counters.
class DynamicDistribution {
 public:
  explicit DynamicDistribution(std::size_t max_series)
      : distribution_{ft::Scope{registry_},
                      {.name = "latency"},
                      {"tenant", "route"},
                      {.max_series = static_cast<std::uint32_t>(max_series)},
                      ft::Range::latency()} {}
  void record(const Labels& labels) {
    const std::uint64_t ns = workload::input.values[next_++ % workload::records];
    distribution_.at(labels.tenant, labels.route).record(std::chrono::nanoseconds{ns});
  }
  [[nodiscard]] std::uint64_t total(const LabelSets& sets) const {
    std::uint64_t count = 0;
    for (const Labels& labels : sets) count += distribution_.find(labels.tenant, labels.route).count();
    return count;
  }

 private:
  ft::Registry registry_;
  ft::Dynamic<ft::Distribution, 2> distribution_;
  std::size_t next_ = 0;
};

template <std::size_t labels>
class Fixed {
 public:
  void record(std::span<const KeyValue> pairs) { at(pairs, std::make_index_sequence<labels>{}); }
  [[nodiscard]] std::uint64_t total(const ManyLabels& sets) const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < ManyLabels::series; ++i) sum += found(sets[i], std::make_index_sequence<labels>{});
    return sum;
  }

 private:
  template <std::size_t... k>
  void at(std::span<const KeyValue> pairs, std::index_sequence<k...>) {
    counter_.at(pairs[k].value...).add();
  }
  template <std::size_t... k>
  std::uint64_t found(std::span<const KeyValue> pairs, std::index_sequence<k...>) const {
    return counter_.find(pairs[k].value...).value();
  }
  template <std::size_t... k>
  static ft::Dynamic<ft::Counter, labels> made(ft::Registry& registry, std::index_sequence<k...>) {
    return {ft::Scope{registry}, {.name = "requests"}, {ManyLabels::key(k)...}};
  }

  ft::Registry registry_;
  ft::Dynamic<ft::Counter, labels> counter_ = made(registry_, std::make_index_sequence<labels>{});
};

template <std::size_t labels>
class Free {
 public:
  void record(std::span<const KeyValue> pairs) {
    const auto given = converted(pairs);
    counter_.at(given.data(), labels).add();
  }
  [[nodiscard]] std::uint64_t total(const ManyLabels& sets) const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < ManyLabels::series; ++i) {
      sum += counter_.find(converted(sets[i]).data(), labels).value();
    }
    return sum;
  }

 private:
  static std::array<ft::Label, labels> converted(std::span<const KeyValue> pairs) {
    std::array<ft::Label, labels> result;
    for (std::size_t k = 0; k < labels; ++k) result[k] = {pairs[k].key, pairs[k].value};
    return result;
  }

  ft::Registry registry_;
  ft::DynamicFree<ft::Counter> counter_{ft::Scope{registry_}, {.name = "requests"}};
};

[[maybe_unused]] const bool added = [] {
  label_patterns::add_rows<DynamicCounter>("dynamic");
  benchmark::RegisterBenchmark("BM_hot_set/dynamic_distribution", label_patterns::hot_set<DynamicDistribution>)
      ->ArgName("hot")
      ->Args({1})
      ->Args({16});
  benchmark::RegisterBenchmark("BM_first_touch/dynamic_at_limit", label_patterns::first_touch<AtTheLimit>)
      ->ArgName("series")
      ->Args({16})
      ->Args({256})
      ->Args({1024});
  label_patterns::add_label_rows<Fixed>("dynamic", label_patterns::LabelCounts{});
  label_patterns::add_label_rows<Free>("dynamic_free", label_patterns::LabelCounts{});
  benchmark::RegisterBenchmark("BM_label_order/dynamic_free/reversed:4",
                               label_patterns::many_labels<Free<4>, 4, Order::reversed>);
  benchmark::RegisterBenchmark("BM_label_order/dynamic_free/reversed:16",
                               label_patterns::many_labels<Free<16>, 16, Order::reversed>);
  return true;
}();

}  // namespace
