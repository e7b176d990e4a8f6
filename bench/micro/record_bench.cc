// SPDX-License-Identifier: Apache-2.0
//
// What one record costs, for every metric type, beside floors in the same run. Compiled into a program and into a
// shared object (CMakeLists.txt). The rows are read by tools/bench.py, which knows them by name.
#include "record_bench.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/counter_set.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/extrema.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/registry.h"
#include "fast_telemetry/sampled_timer.h"
#include "sharded_atomic.h"
#include "workload.h"

namespace ft = fast_telemetry;
using workload::check;
using workload::input;
using workload::records;

namespace {

enum class Command : std::uint8_t {
  append,
  decr,
  del,
  exists,
  expire,
  get,
  getset,
  incr,
  keys,
  mget,
  mset,
  persist,
  ping,
  set,
  strlen,
  ttl  // 16
};
enum class Outcome : std::uint8_t { ok, error, timeout, rejected };

constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }
constexpr ft::Label label(Outcome outcome) { return ft::from_enumerator("outcome", outcome); }

Command command(std::size_t i) { return static_cast<Command>(input.command[i]); }
Outcome outcome(std::size_t i) { return static_cast<Outcome>(input.outcome[i]); }

/// What all threads together recorded: they all run equally many passes.
std::uint64_t all_records(const benchmark::State& state, std::size_t passes) {
  return passes * records * static_cast<std::uint64_t>(state.threads());
}
std::uint64_t all_values(const benchmark::State& state, std::size_t passes) {
  return passes * input.sum_of_values * static_cast<std::uint64_t>(state.threads());
}

// ---- floors ----

/// Keeps `value` in memory and unknown to the compiler, as `volatile` would.
template <class T>
void keep_in_memory(T& value) {
  asm volatile("" : "+m"(value));
}

/// The unit of the tables: one increment of a local variable.
void BM_local_increment(benchmark::State& state) {
  std::uint64_t n = 0;
  const std::size_t passes = workload::run(
      state, WORKLOAD_RECORD {
        n += 1;
        keep_in_memory(n);
      });
  check(state, n, passes * records);
}

/// As above, adding the workload's values: what reading them costs.
void BM_local_add_values(benchmark::State& state) {
  std::uint64_t n = 0;
  const std::size_t passes = workload::run(
      state, WORKLOAD_RECORD {
        n += input.values[i];
        keep_in_memory(n);
      });
  check(state, n, passes * input.sum_of_values);
}

/// A local array indexed by two of the workload's labels.
void BM_local_increment_labels(benchmark::State& state) {
  std::array<std::uint64_t, workload::commands * workload::outcomes> cells{};
  const std::size_t passes = workload::run(
      state, WORKLOAD_RECORD {
        cells[input.command[i] * workload::outcomes + input.outcome[i]] += 1;
        keep_in_memory(cells);
      });
  std::uint64_t total = 0;
  for (const std::uint64_t cell : cells) total += cell;
  check(state, total, passes * records);
}

void BM_local_store(benchmark::State& state) {
  std::uint64_t last = 0;
  workload::run(
      state, WORKLOAD_RECORD {
        last = input.values[i];
        keep_in_memory(last);
      });
  check(state, last, input.values.back());
}

/// What most programs write: one atomic that all threads share.
void BM_shared_atomic(benchmark::State& state) {
  static std::atomic<std::uint64_t> total{0};
  const std::uint64_t before = total.load();
  const std::size_t passes = workload::run(state, WORKLOAD_RECORD { total.fetch_add(1, std::memory_order_relaxed); });
  check(state, total.load() - before, all_records(state, passes));
}

void BM_sharded_atomic(benchmark::State& state) {
  static ShardedAtomic counter;
  ShardedAtomic::number_this_thread(state.thread_index());
  const std::uint64_t before = counter.value();
  const std::size_t passes = workload::run(state, WORKLOAD_RECORD { counter.add(1); });
  check(state, counter.value() - before, all_records(state, passes));
}

// ---- counters ----

void BM_counter_add(benchmark::State& state) {
  static ft::Counter counter;
  const std::uint64_t before = counter.value();
  const std::size_t passes = workload::run(state, WORKLOAD_RECORD { counter.add(); });
  check(state, counter.value() - before, all_records(state, passes));
}

void BM_counter_add_values(benchmark::State& state) {
  static ft::Counter counter;
  const std::uint64_t before = counter.value();
  const std::size_t passes = workload::run(state, WORKLOAD_RECORD { counter.add(input.values[i]); });
  check(state, counter.value() - before, all_values(state, passes));
}

void BM_up_down_counter_add(benchmark::State& state) {
  static ft::UpDownCounter level;
  const std::int64_t before = level.value();
  const std::size_t passes = workload::run(state, WORKLOAD_RECORD { level.add(); });
  check(state, static_cast<std::uint64_t>(level.value() - before), all_records(state, passes));
}

void BM_float_counter_add(benchmark::State& state) {
  static ft::FloatCounter counter;
  const double before = counter.value();
  const std::size_t passes = workload::run(state, WORKLOAD_RECORD { counter.add(input.seconds[i]); });
  const double expected = static_cast<double>(all_values(state, passes)) * 1e-9;
  const double found = counter.value() - before;
  if (std::abs(found - expected) > 1e-6 * expected) check(state, found, expected);
}

void BM_labeled_counter_one_enum(benchmark::State& state) {
  static ft::Labeled<ft::Counter, Command> counter{ft::default_registry(), {.name = "commands"}};
  const std::uint64_t before = counter.total();
  const std::size_t passes = workload::run(state, WORKLOAD_RECORD { counter.with(command(i)).add(); });
  check(state, counter.total() - before, all_records(state, passes));
}

void BM_labeled_counter_two_enums(benchmark::State& state) {
  static ft::Labeled<ft::Counter, Command, Outcome> counter{ft::default_registry(), {.name = "outcomes"}};
  const std::uint64_t before = counter.total();
  const std::size_t passes = workload::run(state, WORKLOAD_RECORD { counter.with(command(i), outcome(i)).add(); });
  check(state, counter.total() - before, all_records(state, passes));
}

// ---- gauges: all threads set the same one ----

void BM_gauge_int64_set(benchmark::State& state) {
  static ft::Gauge<std::int64_t> gauge;
  workload::run(state, WORKLOAD_RECORD { gauge.set(static_cast<std::int64_t>(input.values[i])); });
  check(state, gauge.get(), static_cast<std::int64_t>(input.values.back()));
}

void BM_gauge_double_set(benchmark::State& state) {
  static ft::Gauge<double> gauge;
  workload::run(state, WORKLOAD_RECORD { gauge.set(input.seconds[i]); });
  check(state, gauge.get(), input.seconds.back());
}

// ---- extrema: values rise and fall, so that most are none ----

template <class Gauge>
void measure_extremum(benchmark::State& state, std::int64_t expected) {
  static Gauge gauge;
  workload::run(state, WORKLOAD_RECORD { gauge.observe(static_cast<std::int64_t>(input.values[i])); });
  check(state, gauge.value_or(0), expected);
}

void BM_max_gauge_observe(benchmark::State& state) {
  const auto greatest = *std::max_element(input.values.begin(), input.values.end());
  measure_extremum<ft::MaxGauge<std::int64_t>>(state, static_cast<std::int64_t>(greatest));
}

void BM_min_gauge_observe(benchmark::State& state) {
  const auto smallest = *std::min_element(input.values.begin(), input.values.end());
  measure_extremum<ft::MinGauge<std::int64_t>>(state, static_cast<std::int64_t>(smallest));
}

// ---- histograms ----

/// Counts and sums: `unit` is what one of the workload's values is in the unit that sum() returns.
template <class Points, class Record>
void measure_histogram(benchmark::State& state, const Points& points, double unit, Record record) {
  const auto count = [&] {
    std::uint64_t total = 0;
    points([&](const auto& point) { total += point.count(); });
    return total;
  };
  const auto sum = [&] {
    double total = 0;
    points([&](const auto& point) { total += point.sum(); });
    return total;
  };
  const std::uint64_t count_before = count();
  const double sum_before = sum();
  const std::size_t passes = workload::run(state, record);
  check(state, count() - count_before, all_records(state, passes));
  // Sums are read as doubles: what is left of a difference is exact to about nine digits.
  const double expected = static_cast<double>(all_values(state, passes)) * unit;
  const double found = sum() - sum_before;
  if (std::abs(found - expected) > 1e-6 * expected) check(state, found, expected);
}

template <class Histogram, class Record>
void measure_one(benchmark::State& state, const Histogram& histogram, double unit, Record record) {
  measure_histogram(state, [&](auto use) { use(histogram); }, unit, record);
}

/// The bounds of `buckets::latency` as plain integers.
const ft::Bounds nanosecond_bounds{ft::buckets::latency.ns, 13};

void BM_histogram_record(benchmark::State& state) {
  static ft::Histogram histogram{nanosecond_bounds};
  measure_one(state, histogram, 1, WORKLOAD_RECORD { histogram.record(input.values[i]); });
}

void BM_histogram_record_duration(benchmark::State& state) {
  static ft::Histogram histogram{ft::buckets::latency};
  measure_one(state, histogram, 1e-9, WORKLOAD_RECORD { histogram.record(std::chrono::nanoseconds{input.values[i]}); });
}

void BM_labeled_histogram_record(benchmark::State& state) {
  static ft::Labeled<ft::Histogram, Command> histogram{
      ft::default_registry(), {.name = "latency"}, ft::buckets::latency};
  const auto points = [](auto use) {
    for (std::size_t i = 0; i < workload::commands; ++i) use(histogram.with(static_cast<Command>(i)));
  };
  measure_histogram(
      state, points, 1e-9,
      WORKLOAD_RECORD { histogram.with(command(i)).record(std::chrono::nanoseconds{input.values[i]}); });
}

void BM_float_histogram_record(benchmark::State& state) {
  static ft::FloatHistogram histogram{
      ft::FloatBounds{10e-6, 50e-6, 100e-6, 500e-6, 1e-3, 5e-3, 10e-3, 50e-3, 100e-3, 500e-3, 1.0, 5.0, 10.0}};
  measure_one(state, histogram, 1e-9, WORKLOAD_RECORD { histogram.record(input.seconds[i]); });
}

// ---- distributions ----

void BM_distribution_record(benchmark::State& state) {
  static ft::Distribution distribution{ft::Range{100, 3'600'000'000'000}};
  measure_one(state, distribution, 1, WORKLOAD_RECORD { distribution.record(input.values[i]); });
}

void BM_distribution_record_duration(benchmark::State& state) {
  static ft::Distribution distribution{ft::Range::latency()};
  measure_one(
      state, distribution, 1e-9, WORKLOAD_RECORD { distribution.record(std::chrono::nanoseconds{input.values[i]}); });
}

void BM_distribution_record_extrema(benchmark::State& state) {
  static ft::Distribution distribution{ft::Range::latency(), {.extrema = true}};
  measure_one(
      state, distribution, 1e-9, WORKLOAD_RECORD { distribution.record(std::chrono::nanoseconds{input.values[i]}); });
}

// ---- exemplars: every record has a trace, and a window is as long as the run, so that hardly any is chosen ----

const ft::TraceRef a_trace{{std::byte{1}, std::byte{2}}, {std::byte{3}}};

void BM_counter_add_trace(benchmark::State& state) {
  static ft::Counter counter;
  const std::uint64_t before = counter.value();
  const std::size_t passes = workload::run(state, WORKLOAD_RECORD { counter.add(1, a_trace); });
  check(state, counter.value() - before, all_records(state, passes));
}

void BM_histogram_record_trace(benchmark::State& state) {
  static ft::Histogram histogram{nanosecond_bounds};
  measure_one(state, histogram, 1, WORKLOAD_RECORD { histogram.record(input.values[i], a_trace); });
}

void BM_distribution_record_trace(benchmark::State& state) {
  static ft::Distribution distribution{ft::Range{100, 3'600'000'000'000}};
  measure_one(state, distribution, 1, WORKLOAD_RECORD { distribution.record(input.values[i], a_trace); });
}

// ---- timers and sets ----

void BM_now(benchmark::State& state) {
  std::int64_t last = 0;
  workload::run(
      state, WORKLOAD_RECORD {
        static_cast<void>(i);
        last = ft::now_ns();
        keep_in_memory(last);
      });
}

void BM_sampled_timer(benchmark::State& state) {
  static ft::SampledTimer timer{ft::buckets::latency, 64};
  const std::uint64_t before = timer.calls();
  const std::size_t passes = workload::run(state, WORKLOAD_RECORD { const auto timing = timer.start(); });
  check(state, timer.calls() - before, all_records(state, passes));
}

void BM_counter_set_add_six(benchmark::State& state) {
  static ft::CounterSet<6> set;
  const auto before = set.values();
  const std::size_t passes =
      workload::run(state, WORKLOAD_RECORD { set.add_values({1, input.values[i], 1, 2, 3, input.values[i]}); });
  check(state, set.values()[1] - before[1], all_values(state, passes));
}

#define FT_ROW(name) BENCHMARK(name)->Threads(1)->Threads(2)

FT_ROW(BM_local_increment);
FT_ROW(BM_local_add_values);
FT_ROW(BM_local_increment_labels);
FT_ROW(BM_local_store);
FT_ROW(BM_shared_atomic);
FT_ROW(BM_sharded_atomic);
FT_ROW(BM_counter_add);
FT_ROW(BM_counter_add_values);
FT_ROW(BM_up_down_counter_add);
FT_ROW(BM_float_counter_add);
FT_ROW(BM_labeled_counter_one_enum);
FT_ROW(BM_labeled_counter_two_enums);
FT_ROW(BM_gauge_int64_set);
FT_ROW(BM_gauge_double_set);
FT_ROW(BM_histogram_record);
FT_ROW(BM_histogram_record_duration);
FT_ROW(BM_labeled_histogram_record);
FT_ROW(BM_float_histogram_record);
FT_ROW(BM_max_gauge_observe);
FT_ROW(BM_min_gauge_observe);
FT_ROW(BM_distribution_record);
FT_ROW(BM_distribution_record_duration);
FT_ROW(BM_distribution_record_extrema);
FT_ROW(BM_counter_add_trace);
FT_ROW(BM_histogram_record_trace);
FT_ROW(BM_distribution_record_trace);
FT_ROW(BM_now);
FT_ROW(BM_sampled_timer);
FT_ROW(BM_counter_set_add_six);

}  // namespace

int run_record_benchmarks(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
