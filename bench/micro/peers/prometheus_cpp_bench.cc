// SPDX-License-Identifier: Apache-2.0
//
// prometheus-cpp in the rows of record_bench, labels_bench, export_bench and overlap_bench that it has.
#include <array>
#include <memory>
#include <vector>

#include "bench/micro/encoded.h"
#include "bench/micro/label_patterns.h"
#include "bench/micro/peers/prometheus_cpp.h"
#include "bench/micro/writers_and_exporter.h"

using label_patterns::KeyValue;
using label_patterns::ManyLabels;
using workload::input;

namespace {

// ---- one record, of what exists; many threads: overlap ----

struct Counter {
  void record(std::size_t) { counter.Increment(); }
  static constexpr std::string_view total = "requests";
  prometheus::Registry registry;
  prometheus::Counter& counter =
      prometheus::BuildCounter().Name("requests").Help("Requests.").Register(registry).Add({});
};

struct Histogram {
  void record(std::size_t i) { histogram.Observe(input.seconds[i]); }
  static constexpr std::string_view total = "_count";
  prometheus::Registry registry;
  prometheus::Histogram& histogram =
      prometheus::BuildHistogram().Name("latency").Help("Latency.").Register(registry).Add({}, latency_seconds);
};

/// One of 16 children that are kept, by number.
struct LabelledCounter {
  LabelledCounter() {
    for (std::size_t i = 0; i < children.size(); ++i) children[i] = &family.Add({{"command", std::to_string(i)}});
  }
  void record(std::size_t i) { children[input.command[i]]->Increment(); }
  static constexpr std::string_view total = "requests";
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& family =
      prometheus::BuildCounter().Name("requests").Help("Requests.").Register(registry);
  std::array<prometheus::Counter*, workload::commands> children;
};

struct LabelledHistogram {
  LabelledHistogram() {
    for (std::size_t i = 0; i < children.size(); ++i) {
      children[i] = &family.Add({{"command", std::to_string(i)}}, latency_seconds);
    }
  }
  void record(std::size_t i) { children[input.command[i]]->Observe(input.seconds[i]); }
  static constexpr std::string_view total = "_count";
  prometheus::Registry registry;
  prometheus::Family<prometheus::Histogram>& family =
      prometheus::BuildHistogram().Name("latency").Help("Latency.").Register(registry);
  std::array<prometheus::Histogram*, workload::commands> children;
};

template <class Metric>
class InText : public Metric {
 public:
  void export_once() { text_ = prometheus::TextSerializer{}.Serialize(Metric::registry.Collect()); }
  [[nodiscard]] std::uint64_t exported() const { return samples_of(text_, Metric::total).total; }

 private:
  std::string text_;
};

template <class Metric>
void BM_record(benchmark::State& state) {
  static std::unique_ptr<InText<Metric>> metric;
  if (state.thread_index() == 0) metric = std::make_unique<InText<Metric>>();
  const std::size_t passes = workload::run(state, WORKLOAD_RECORD { metric->record(i); });
  if (state.thread_index() != 0) return;
  metric->export_once();
  workload::check<std::uint64_t>(state, metric->exported(),
                                 passes * workload::records * static_cast<std::uint64_t>(state.threads()));
}

void BM_gauge(benchmark::State& state) {
  static prometheus::Gauge gauge;
  workload::run(state, WORKLOAD_RECORD { gauge.Set(input.seconds[i]); });
  workload::check(state, gauge.Value(), input.seconds.back());
}

// ---- by labels ----

template <std::size_t>
struct ByLabels : PrometheusCpp {
  void record(std::span<const KeyValue> pairs) {
    prometheus::Labels labels;
    for (const KeyValue& pair : pairs) labels.emplace(pair.key, pair.value);
    family.Add(labels).Increment();
  }
  [[nodiscard]] std::uint64_t total(const ManyLabels&) const { return PrometheusCpp::total(); }
};

// ---- exports ----

constexpr std::uint64_t records = 100;  // in each series

struct CounterSeries : PrometheusCpp {
  explicit CounterSeries(std::size_t series) {
    for (const Labels& labels : LabelSets{series}) add(labels, records);
  }
  static constexpr std::string_view suffix = "requests";
};

struct HistogramSeries {
  explicit HistogramSeries(std::size_t series) {
    for (const Labels& labels : LabelSets{series}) {
      auto& histogram =
          family.Add({{"tenant", std::string{labels.tenant}}, {"route", std::string{labels.route}}}, latency_seconds);
      for (std::size_t i = 0; i < records; ++i) histogram.Observe(input.seconds[i]);
    }
  }
  static constexpr std::string_view suffix = "_count";
  prometheus::Registry registry;
  prometheus::Family<prometheus::Histogram>& family =
      prometheus::BuildHistogram().Name("requests").Help("Requests.").Register(registry);
};

template <class Series>
void BM_export(benchmark::State& state) {
  const auto series = static_cast<std::size_t>(state.range(0));
  Series metrics{series};
  const prometheus::TextSerializer serializer;
  std::string text;
  const std::size_t steps = series < 10'000 ? 10 : 1;
  Passes{state, steps}.run([&] {
    for (std::size_t i = 0; i < steps; ++i) text = serializer.Serialize(metrics.registry.Collect());
  });
  state.counters["bytes"] = static_cast<double>(text.size());
  workload::check<std::uint64_t>(state, samples_of(text, Series::suffix).total, records * series);
}

[[maybe_unused]] const bool added = [] {
  benchmark::RegisterBenchmark("BM_record/counter", BM_record<Counter>)->Threads(1)->Threads(2);
  benchmark::RegisterBenchmark("BM_record/histogram", BM_record<Histogram>)->Threads(1)->Threads(2);
  benchmark::RegisterBenchmark("BM_record/labeled_counter", BM_record<LabelledCounter>)->Threads(1)->Threads(2);
  benchmark::RegisterBenchmark("BM_record/labeled_histogram", BM_record<LabelledHistogram>)->Threads(1)->Threads(2);
  benchmark::RegisterBenchmark("BM_record/gauge", BM_gauge)->Threads(1)->Threads(2);
  writers_and_exporter::add_rows<InText<Counter>>("counter", "prometheus");
  writers_and_exporter::add_rows<InText<Histogram>>("histogram", "prometheus");
  label_patterns::add_rows<PrometheusCpp>("prometheus_cpp");
  label_patterns::add_label_rows<ByLabels>("prometheus_cpp", label_patterns::LabelCounts{});
  for (const auto& [name, row] :
       {std::pair<const char*, void (*)(benchmark::State&)>{"counter", BM_export<CounterSeries>},
        std::pair<const char*, void (*)(benchmark::State&)>{"histogram", BM_export<HistogramSeries>}}) {
    benchmark::RegisterBenchmark((std::string{"BM_export/dynamic_"} + name + "/prometheus").c_str(), row)
        ->ArgName("series")
        ->Args({1})
        ->Args({10})
        ->Args({50})
        ->Args({200})
        ->Args({10'000});
  }
  return true;
}();

}  // namespace
