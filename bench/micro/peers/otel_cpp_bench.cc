// SPDX-License-Identifier: Apache-2.0
//
// opentelemetry-cpp in the rows of record_bench, labels_bench, export_bench and overlap_bench that it has. Version 1.19
// has no exponential histogram, and keeps 2 000 label sets per instrument: more are spread over several.
#include <array>
#include <chrono>

#include "bench/micro/label_patterns.h"
#include "bench/micro/writers_and_exporter.h"
#include "otel_cpp.h"

using label_patterns::KeyValue;
using label_patterns::ManyLabels;
using workload::input;

namespace otel_cpp {
namespace {

const otel::context::Context context;
constexpr std::array<std::string_view, workload::commands> commands{
    "append", "decr", "del",  "exists",  "expire", "get", "getset", "incr",
    "keys",   "mget", "mset", "persist", "ping",   "set", "strlen", "ttl"};

// ---- one record; many threads: overlap ----

struct Counter : Metrics {
  void record(std::size_t) { instrument->Add(1, context); }
  [[nodiscard]] std::uint64_t exported() { return total(); }
  otel::nostd::unique_ptr<otel::metrics::Counter<std::uint64_t>> instrument = counter("requests");
};

struct Histogram : Metrics {
  void record(std::size_t i) { instrument->Record(input.values[i], context); }
  [[nodiscard]] std::uint64_t exported() { return total(); }
  otel::nostd::unique_ptr<otel::metrics::Histogram<std::uint64_t>> instrument = histogram("latency");
};

/// An attribute of 16 values in each call.
struct LabelledCounter : Counter {
  void record(std::size_t i) { instrument->Add(1, {{"command", text(commands[input.command[i]])}}, context); }
};

struct LabelledHistogram : Histogram {
  void record(std::size_t i) {
    instrument->Record(input.values[i], {{"command", text(commands[input.command[i]])}}, context);
  }
};

template <class Metric>
void BM_record(benchmark::State& state) {
  static std::unique_ptr<Metric> metric;
  if (state.thread_index() == 0) metric = std::make_unique<Metric>();
  const std::size_t passes = workload::run(state, WORKLOAD_RECORD { metric->record(i); });
  if (state.thread_index() != 0) return;
  workload::check<std::uint64_t>(state, metric->total(),
                                 passes * workload::records * static_cast<std::uint64_t>(state.threads()));
}

// ---- by labels ----

struct DynamicCounter : Metrics {
  explicit DynamicCounter(std::size_t = 0) {}
  void record(const Labels& labels) {
    instrument->Add(1, {{"tenant", text(labels.tenant)}, {"route", text(labels.route)}}, context);
  }
  [[nodiscard]] std::uint64_t total(const LabelSets&) { return Metrics::total(); }
  otel::nostd::unique_ptr<otel::metrics::Counter<std::uint64_t>> instrument = counter("requests");
};

template <std::size_t labels>
struct ByLabels : DynamicCounter {
  void record(std::span<const KeyValue> pairs) {
    std::array<Attribute, labels> attributes;
    for (std::size_t k = 0; k < labels; ++k) attributes[k] = {text(pairs[k].key), text(pairs[k].value)};
    instrument->Add(1, attributes, context);
  }
  [[nodiscard]] std::uint64_t total(const ManyLabels&) { return Metrics::total(); }
};

// ---- exports ----

constexpr std::uint64_t records = 100;  // in each series

/// Calls `fill` with each label set and the number of its instrument.
template <class Fill>
void for_each_series(std::size_t series, Fill fill) {
  std::size_t i = 0;
  for (const Labels& labels : LabelSets{series}) fill(i++ / 1'000, labels);
}

struct CounterSeries : Metrics {
  explicit CounterSeries(std::size_t series) {
    for_each_series(series, [this](std::size_t number, const Labels& labels) {
      if (number == instruments.size()) instruments.push_back(counter("requests_" + std::to_string(number)));
      instruments[number]->Add(records, {{"tenant", text(labels.tenant)}, {"route", text(labels.route)}}, context);
    });
  }
  std::vector<otel::nostd::unique_ptr<otel::metrics::Counter<std::uint64_t>>> instruments;
};

struct HistogramSeries : Metrics {
  explicit HistogramSeries(std::size_t series) {
    for_each_series(series, [this](std::size_t number, const Labels& labels) {
      if (number == instruments.size()) instruments.push_back(histogram("requests_" + std::to_string(number)));
      for (std::size_t i = 0; i < records; ++i) {
        instruments[number]->Record(input.values[i], {{"tenant", text(labels.tenant)}, {"route", text(labels.route)}},
                                    context);
      }
    });
  }
  std::vector<otel::nostd::unique_ptr<otel::metrics::Histogram<std::uint64_t>>> instruments;
};

/// As export_bench's; its API's version 1 has no gauge that is set, so that levels stand for them.
struct Program : Metrics {
  explicit Program(std::size_t) {
    for (int i = 0; i < 5; ++i) {
      counters.push_back(counter("counter_" + std::to_string(i)));
      counters.back()->Add(records, context);
      levels.push_back(level("level_" + std::to_string(i)));
      levels.back()->Add(1, context);
    }
    for (int i = 0; i < 3; ++i) {
      histograms.push_back(histogram("histogram_" + std::to_string(i)));
      for (std::size_t k = 0; k < records; ++k) histograms.back()->Record(input.values[k], context);
    }
    for (int i = 0; i < 2; ++i) {
      counters.push_back(counter("labelled_" + std::to_string(i)));
      for (std::int64_t k = 0; k < 10; ++k) counters.back()->Add(records, {{"tenant", k}}, context);
    }
  }
  std::vector<otel::nostd::unique_ptr<otel::metrics::Counter<std::uint64_t>>> counters;
  std::vector<otel::nostd::unique_ptr<otel::metrics::UpDownCounter<std::int64_t>>> levels;
  std::vector<otel::nostd::unique_ptr<otel::metrics::Histogram<std::uint64_t>>> histograms;
};

enum class Until : std::uint8_t { built, encoded };

template <class Series, Until until>
void BM_export(benchmark::State& state) {
  const auto series = static_cast<std::size_t>(state.range(0));
  Series metrics{series};
  const std::size_t steps = series < 10'000 ? 10 : 1;
  Passes{state, steps}.run([&] {
    for (std::size_t i = 0; i < steps; ++i) {
      if constexpr (until == Until::encoded) {
        metrics.export_once();
      } else {
        metrics.build([](const auto& request) { benchmark::DoNotOptimize(&request); });
      }
    }
  });
  state.counters["bytes"] = static_cast<double>(metrics.bytes().size());
  const std::uint64_t expected =
      std::is_same_v<Series, Program> ? 5 * records + 5 + 3 * records + 20 * records : records * series;
  workload::check<std::uint64_t>(state, metrics.total(), expected);
}

template <class Series>
void add_export(const std::string& name, const std::vector<std::int64_t>& counts) {
  auto* const build = benchmark::RegisterBenchmark((name + "/otlp_build").c_str(), BM_export<Series, Until::built>);
  auto* const encode = benchmark::RegisterBenchmark((name + "/otlp").c_str(), BM_export<Series, Until::encoded>);
  for (auto* const rows : {build, encode}) {
    rows->ArgName("series");
    for (const std::int64_t count : counts) rows->Args({count});
  }
}

[[maybe_unused]] const bool added = [] {
  benchmark::RegisterBenchmark("BM_record/counter", BM_record<Counter>)->Threads(1)->Threads(2);
  benchmark::RegisterBenchmark("BM_record/histogram", BM_record<Histogram>)->Threads(1)->Threads(2);
  benchmark::RegisterBenchmark("BM_record/labeled_counter", BM_record<LabelledCounter>)->Threads(1)->Threads(2);
  benchmark::RegisterBenchmark("BM_record/labeled_histogram", BM_record<LabelledHistogram>)->Threads(1)->Threads(2);
  writers_and_exporter::add_rows<Counter>("counter", "otlp");
  writers_and_exporter::add_rows<Histogram>("histogram", "otlp");
  label_patterns::add_rows<DynamicCounter>("otel_cpp");
  label_patterns::add_label_rows<ByLabels>("otel_cpp", label_patterns::LabelCounts{});
  add_export<CounterSeries>("BM_export/dynamic_counter", {1, 10, 50, 200, 10'000});
  add_export<HistogramSeries>("BM_export/dynamic_histogram", {1, 10, 50, 200, 10'000});
  add_export<Program>("BM_full_cycle", {1});
  return true;
}();

}  // namespace
}  // namespace otel_cpp
