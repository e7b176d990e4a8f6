// SPDX-License-Identifier: Apache-2.0
//
// Recording by labels that are known at run time, two of them: looked up in each call among 1 … 100 000 series, through
// a handle, and a series' first record. Beside the map under a shared mutex that programs write themselves, and
// prometheus-cpp's family where the package is installed. Every series is recorded into in turn, in an order that has
// nothing to do with the order of their birth.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/counter_set.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/dynamic_free.h"
#include "fast_telemetry/registry.h"
#include "label_sets.h"
#include "workload.h"

#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
#include "peers/prometheus_cpp.h"
#endif

namespace ft = fast_telemetry;
using workload::check;
using workload::records;

namespace {

constexpr ft::Info info{.name = "requests", .help = "Requests by tenant and route."};
constexpr std::size_t most_series = 100'000;

/// Records of one pass: whole rounds over the series.
std::size_t pass_size(std::size_t series) { return std::max(records / series, std::size_t{1}) * series; }

template <class Record>
std::size_t rotate(benchmark::State& state, const LabelSets& sets, Record record) {
  const std::size_t rounds = pass_size(sets.size()) / sets.size();
  return Passes{state, rounds * sets.size()}.run([&] {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (const Labels& labels : sets) record(labels);
    }
  });
}

/// One metric with so many series, and the label sets of each thread: all threads all of them, or each its own part.
template <class Metric>
struct Setting {
  static constexpr std::size_t threads = 2;
  Setting(std::size_t series, bool is_shared) : shared{is_shared} {
    const std::size_t part = shared ? series : std::max(series / threads, std::size_t{1});
    for (std::size_t t = 0; t < threads; ++t) sets.emplace_back(part, shared ? 0 : t * part);
  }
  /// Calls `use` once for each label set there is.
  template <class Use>
  void for_each(Use use) const {
    for (std::size_t t = 0; t < (shared ? 1 : threads); ++t) {
      for (const Labels& labels : sets[t]) use(labels);
    }
  }
  bool shared;
  std::vector<LabelSets> sets;
  Metric metric;
};

template <class Metric>
std::unique_ptr<Setting<Metric>> setting;

template <class Metric>
void set_up(const benchmark::State& state) {
  setting<Metric> = std::make_unique<Setting<Metric>>(state.range(0), state.range(1) != 0);
}
template <class Metric>
void tear_down(const benchmark::State&) {
  setting<Metric>.reset();
}

template <class Metric>
void by_label(benchmark::State& state) {
  Setting<Metric>& s = *setting<Metric>;
  const auto& sets = s.sets[static_cast<std::size_t>(state.thread_index())];
  // Every series exists.
  for (const Labels& labels : sets.in_order(shuffled(sets.size(), births_seed))) s.metric.record(labels);
  const std::size_t passes = rotate(state, sets, [&s](const Labels& labels) { s.metric.record(labels); });
  const auto threads = static_cast<std::uint64_t>(state.threads());
  check(state, s.metric.total(), threads * (passes * pass_size(sets.size()) + sets.size()));
}

// ---- what is measured ----

struct Dynamic {
  void record(const Labels& labels) { counter.at(labels.tenant, labels.route).add(); }
  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = 0;
    setting<Dynamic>->for_each([&](const Labels& labels) { sum += counter.find(labels.tenant, labels.route).value(); });
    return sum;
  }
  ft::Registry registry;
  ft::Dynamic<ft::Counter, 2> counter{ft::Scope{registry}, info, {"tenant", "route"}, {.max_series = 3 * most_series}};
};

struct Free {
  void record(const Labels& labels) { counter.at({{"tenant", labels.tenant}, {"route", labels.route}}).add(); }
  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = 0;
    setting<Free>->for_each([&](const Labels& labels) {
      sum += counter.find({{"tenant", labels.tenant}, {"route", labels.route}}).value();
    });
    return sum;
  }
  ft::Registry registry;
  ft::DynamicFree<ft::Counter> counter{ft::Scope{registry}, info, {.max_series = 3 * most_series}};
};

/// What programs write themselves. Looks up without building a key.
struct MapUnderSharedMutex {
  struct Key {
    std::string tenant;
    std::string route;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Labels& labels) const {
      const std::hash<std::string_view> hash;
      return hash(labels.tenant) * 31 + hash(labels.route);
    }
    std::size_t operator()(const Key& key) const { return (*this)(Labels{key.tenant, key.route}); }
  };
  struct Equal {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return a.tenant == b.tenant && a.route == b.route;
    }
  };
  void record(const Labels& labels) {
    {
      const std::shared_lock lock{mutex};
      const auto found = counters.find(labels);
      if (found != counters.end()) {
        found->second.fetch_add(1, std::memory_order_relaxed);
        return;
      }
    }
    const std::lock_guard lock{mutex};
    counters[Key{std::string{labels.tenant}, std::string{labels.route}}].fetch_add(1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const auto& [key, value] : counters) sum += value.load();
    return sum;
  }
  std::shared_mutex mutex;
  std::unordered_map<Key, std::atomic<std::uint64_t>, Hash, Equal> counters;
};

/// The floor: each thread has a map of its own, without locks and atomics, that nobody could read meanwhile.
class MapPerThread {
 public:
  void record(const Labels& labels) {
    auto& counters = mine();
    const auto found = counters.find(labels);
    if (found != counters.end()) {
      ++found->second;
    } else {
      counters.emplace(MapUnderSharedMutex::Key{std::string{labels.tenant}, std::string{labels.route}}, 1);
    }
  }
  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const auto& counters : counters_) {
      for (const auto& [key, value] : counters) sum += value;
    }
    return sum;
  }

 private:
  using Counters = std::unordered_map<MapUnderSharedMutex::Key, std::uint64_t, MapUnderSharedMutex::Hash,
                                      MapUnderSharedMutex::Equal>;
  Counters& mine() {
    thread_local std::uint64_t of = 0;
    thread_local Counters* counters = nullptr;
    if (of != number_) {
      of = number_;
      counters = &counters_[taken_.fetch_add(1) % counters_.size()];
    }
    return *counters;
  }

  static inline std::uint64_t made_ = 0;
  const std::uint64_t number_ = ++made_;
  std::atomic<std::size_t> taken_{0};
  std::array<Counters, 2> counters_;
};

// ---- one record ----

template <class Metric>
void add_rows(const char* name, bool both_ways = true) {
  auto* const shared = benchmark::RegisterBenchmark((std::string{name} + "/sets:shared").c_str(), by_label<Metric>);
  auto* const own =
      both_ways ? benchmark::RegisterBenchmark((std::string{name} + "/sets:own").c_str(), by_label<Metric>) : nullptr;
  for (auto* const rows : {shared, own}) {
    if (rows == nullptr) continue;
    rows->ArgNames({"series", "shared"})->Setup(set_up<Metric>)->Teardown(tear_down<Metric>);
    for (const std::int64_t series : {1, 16, 1000, 100'000}) rows->Args({series, rows == shared ? 1 : 0});
    if (rows == shared) rows->Threads(1);
    rows->Threads(2);
  }
}

/// The unit.
void BM_local_increment(benchmark::State& state) {
  std::uint64_t n = 0;
  const std::size_t passes = workload::run(
      state, WORKLOAD_RECORD {
        n += 1;
        asm volatile("" : "+m"(n));
      });
  check(state, n, passes * records);
}

void BM_dynamic_handle(benchmark::State& state) {
  static ft::Registry registry;
  static ft::Dynamic<ft::Counter, 2> counter{ft::Scope{registry}, info, {"tenant", "route"}};
  const auto handle = counter.with("tenant-1", "/v1/route/1");
  const std::uint64_t before = handle.value();
  const std::size_t passes = workload::run(state, WORKLOAD_RECORD { handle.add(); });
  check(state, handle.value() - before, passes * records * static_cast<std::uint64_t>(state.threads()));
}

/// Series that did not exist, as many as a metric has after a restart. Per series.
void BM_dynamic_first_touch(benchmark::State& state) {
  constexpr std::size_t series = 10'000;
  const LabelSets sets{series};
  std::unique_ptr<Dynamic> metric;
  std::size_t passes = 0;
  std::vector<double> times;
  while (state.KeepRunningBatch(series)) {
    metric = std::make_unique<Dynamic>();
    const auto begin = std::chrono::steady_clock::now();
    for (const Labels& labels : sets) metric->record(labels);
    times.push_back(std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count());
    ++passes;
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(passes / 2), times.end());
  state.counters["ns"] = times[passes / 2] / series;
  check(state, metric->counter.series_count(), series);
}

/// Label sets beyond the limit: what a flood of them costs.
void BM_dynamic_overflow(benchmark::State& state) {
  static ft::Registry registry;
  static ft::Dynamic<ft::Counter, 2> counter{ft::Scope{registry}, info, {"tenant", "route"}, {.max_series = 1}};
  counter.at("the", "one").add();
  const LabelSets sets{10'000};
  const std::uint64_t before = counter.overflow_count();
  const std::size_t passes =
      rotate(state, sets, [](const Labels& labels) { counter.at(labels.tenant, labels.route).add(); });
  check(state, counter.overflow_count() - before,
        passes * pass_size(sets.size()) * static_cast<std::uint64_t>(state.threads()));
}

[[maybe_unused]] const bool added = [] {
  benchmark::RegisterBenchmark("BM_local_increment", BM_local_increment);
  benchmark::RegisterBenchmark("BM_dynamic_handle", BM_dynamic_handle)->Threads(1)->Threads(2);
  benchmark::RegisterBenchmark("BM_dynamic_first_touch", BM_dynamic_first_touch);
  benchmark::RegisterBenchmark("BM_dynamic_overflow", BM_dynamic_overflow)->Threads(1)->Threads(2);
  add_rows<Dynamic>("BM_dynamic");
  add_rows<Free>("BM_dynamic_free", false);
  add_rows<MapPerThread>("BM_map_per_thread");
  add_rows<MapUnderSharedMutex>("BM_map_under_shared_mutex");
#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
  add_rows<PrometheusCpp>("BM_prometheus_cpp");
#endif
  return true;
}();

}  // namespace
