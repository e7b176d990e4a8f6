// SPDX-License-Identifier: Apache-2.0
//
// What programs write themselves, of atomics: the same metrics over one copy of the cells that all threads share, and
// over a copy per thread. Texts by labels are found in a map under a shared mutex; exported by a loop that prints.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <charconv>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <unordered_map>

#include "workload.h"

namespace contention::plain {

using Cell = std::atomic<std::uint64_t>;

/// One copy.
template <std::size_t count>
class Shared {
 public:
  void add(std::size_t i, std::uint64_t n) { cells_[i].fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value(std::size_t i) const { return cells_[i].load(std::memory_order_relaxed); }

 private:
  std::array<Cell, count> cells_{};
};

/// The number of this thread: threads that record are numbered from 0, so that no two share a shard: the best case.
inline thread_local std::size_t shard_of_this_thread = 0;

/// A copy per thread, as far as there are CPUs.
template <std::size_t count>
class Sharded {
 public:
  void add(std::size_t i, std::uint64_t n) {
    shards_[shard_of_this_thread & mask_].cells[i].fetch_add(n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value(std::size_t i) const {
    std::uint64_t sum = 0;
    for (std::size_t s = 0; s <= mask_; ++s) sum += shards_[s].cells[i].load(std::memory_order_relaxed);
    return sum;
  }

 private:
  // 128 bytes: the adjacent-line prefetcher works in pairs of lines.
  struct alignas(128) Shard {
    std::array<Cell, count> cells{};
  };
  std::size_t mask_ = std::bit_ceil(std::size_t{std::max(std::thread::hardware_concurrency(), 1U)}) - 1;
  std::unique_ptr<Shard[]> shards_{new Shard[mask_ + 1]};
};

// ---- kinds: how a metric is recorded in and read ----

template <template <std::size_t> class Cells>
struct Counter {
  static constexpr std::size_t unrolled = of_short_operations;
  static auto recorder(const Slice&) {
    return [](Counter& counter, std::size_t) __attribute__((always_inline)) { counter.cells.add(0, 1); };
  }
  [[nodiscard]] double value() const { return static_cast<double>(cells.value(0)); }
  void print(std::string& out) const { out.append(std::to_string(cells.value(0))) += '\n'; }
  Cells<1> cells;
};

template <template <std::size_t> class Cells>
struct CounterSet {
  static constexpr std::size_t unrolled = of_short_operations;
  static auto recorder(const Slice&) {
    return [](CounterSet& set, std::size_t) __attribute__((always_inline)) {
      for (std::size_t c = 0; c < set_size; ++c) set.cells.add(c, 1);
    };
  }
  [[nodiscard]] double value() const {
    std::uint64_t sum = 0;
    for (std::size_t c = 0; c < set_size; ++c) sum += cells.value(c);
    return static_cast<double>(sum);
  }
  void print(std::string& out) const {
    for (std::size_t c = 0; c < set_size; ++c) out.append(std::to_string(cells.value(c))) += '\n';
  }
  Cells<set_size> cells;
};

/// A cell per bucket, and one for the sum.
template <template <std::size_t> class Cells>
struct Histogram {
  static constexpr std::size_t unrolled = of_long_operations;
  static auto recorder(const Slice& slice) {
    return [values = slice.values](Histogram& histogram, std::size_t i) __attribute__((always_inline)) {
      const auto* const bound = std::lower_bound(bounds_ns, bounds_ns + bound_count, values[i]);
      histogram.cells.add(static_cast<std::size_t>(bound - bounds_ns), 1);
      histogram.cells.add(bound_count + 1, values[i]);
    };
  }
  [[nodiscard]] double value() const {
    std::uint64_t sum = 0;
    for (std::size_t b = 0; b <= bound_count; ++b) sum += cells.value(b);
    return static_cast<double>(sum);
  }
  void print(std::string& out) const {
    for (std::size_t c = 0; c < bound_count + 2; ++c) out.append(std::to_string(cells.value(c))) += '\n';
  }
  Cells<bound_count + 2> cells;
};

/// A level that is set has one copy, also where others have more.
template <class T>
struct Gauge {
  static constexpr std::size_t unrolled = of_short_operations;
  static auto recorder(const Slice& slice) {
    return [first = slice.first](Gauge& gauge, std::size_t i) __attribute__((always_inline)) {
      gauge.cell.store(static_cast<T>(first + i), std::memory_order_relaxed);
    };
  }
  [[nodiscard]] double value() const { return static_cast<double>(cell.load(std::memory_order_relaxed)); }
  void print(std::string& out) const { out.append(std::to_string(cell.load(std::memory_order_relaxed))) += '\n'; }
  std::atomic<T> cell{};
};

// ---- workloads ----

/// Label sets and their metrics, in the order of their numbers. `series` is 1 for a metric without labels.
template <class Metric>
class PlainWorkload : public Workload {
 public:
  PlainWorkload(const Setting& setting, std::size_t series) : setting_{setting}, metrics_(series) {
    for (std::size_t l = 0; l < series; ++l) {
      names_.push_back("requests{tenant=\"" + std::string{setting.texts[l].tenant} + "\",route=\"" +
                       std::string{setting.texts[l].route} + "\"} ");
    }
  }
  std::size_t export_all() override {
    out_.clear();
    for (std::size_t l = 0; l < metrics_.size(); ++l) {
      out_ += names_[l];
      metrics_[l].print(out_);
    }
    return out_.size();
  }
  std::vector<double> values() override {
    std::vector<double> result;
    for (const Metric& metric : metrics_) result.push_back(metric.value());
    return result;
  }

 protected:
  Setting setting_;
  std::vector<Metric> metrics_;

 private:
  std::vector<std::string> names_;
  std::string out_;
};

template <class Metric>
class Alone final : public PlainWorkload<Metric> {
 public:
  explicit Alone(const Setting& setting) : PlainWorkload<Metric>{setting, 1} {}
  void record(const Slice& slice) override {
    shard_of_this_thread = slice.thread;
    each_operation<Metric::unrolled>(slice.count, [metric = this->metrics_.data(),
                                                   record = Metric::recorder(slice)] OPERATION { record(*metric, i); });
  }
};

/// An enum's index, or a pointer that was kept.
template <class Metric>
class ByIndex final : public PlainWorkload<Metric> {
 public:
  explicit ByIndex(const Setting& setting) : PlainWorkload<Metric>{setting, setting.labels} {}
  void record(const Slice& slice) override {
    shard_of_this_thread = slice.thread;
    each_operation<Metric::unrolled>(slice.count,
                                     [metrics = this->metrics_.data(), labels = slice.labels,
                                      record = Metric::recorder(slice)] OPERATION { record(metrics[labels[i]], i); });
  }
};

/// Looks up without building a key.
template <class Metric>
class ByLabels final : public PlainWorkload<Metric> {
 public:
  explicit ByLabels(const Setting& setting) : PlainWorkload<Metric>{setting, setting.labels} {
    for (std::size_t l = 0; l < setting.labels; ++l) {
      map_.emplace(Key{std::string{setting.texts[l].tenant}, std::string{setting.texts[l].route}}, &this->metrics_[l]);
    }
  }
  void record(const Slice& slice) override {
    shard_of_this_thread = slice.thread;
    each_operation<of_long_operations>(
        slice.count, [this_map = &map_, mutex = &mutex_, texts = this->setting_.texts, labels = slice.labels,
                      record = Metric::recorder(slice)] OPERATION {
          // All exist; a program would add a missing one under the exclusive lock.
          const std::shared_lock lock{*mutex};
          record(*this_map->find(texts[labels[i]])->second, i);
        });
  }

 private:
  struct Key {
    std::string tenant;
    std::string route;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const auto& labels) const {
      const std::hash<std::string_view> hash;
      return hash(labels.tenant) * 31 + hash(labels.route);
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const { return a.tenant == b.tenant && a.route == b.route; }
  };

  std::shared_mutex mutex_;
  std::unordered_map<Key, Metric*, Hash, Equal> map_;
};

/// The rows of a metric that adds up.
template <template <std::size_t> class Cells>
std::vector<Combination> rows() {
  return {
      row<Alone<Counter<Cells>>>("counter", "handle"),
      row<Alone<Histogram<Cells>>>("histogram", "handle"),
      row<Alone<CounterSet<Cells>>>("counter_set", "handle"),
      row<ByIndex<Counter<Cells>>>("labeled_counter", "handle"),
      row<ByIndex<Histogram<Cells>>>("labeled_histogram", "handle"),
      row<ByIndex<Counter<Cells>>>("dynamic_counter", "handle"),
      row<ByLabels<Counter<Cells>>>("dynamic_counter", "labels"),
      row<ByIndex<Histogram<Cells>>>("dynamic_histogram", "handle"),
      row<ByLabels<Histogram<Cells>>>("dynamic_histogram", "labels"),
      row<ByIndex<CounterSet<Cells>>>("dynamic_counter_set", "handle"),
      row<ByLabels<CounterSet<Cells>>>("dynamic_counter_set", "labels"),
  };
}

}  // namespace contention::plain
