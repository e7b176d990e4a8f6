// SPDX-License-Identifier: Apache-2.0
//
// A whole export, collection and encoding: one metric of each kind; 10, 50, 200 and 10 000 series of each; and a small
// program's metrics together. Where other libraries build a message first and encode it then, this one writes the bytes
// as it visits: there is no step between that could have a row. One row per process, as tools/bench.py runs them: the
// cells of metrics that are gone stay, and each collection passes them.
#include <array>
#include <chrono>
#include <tuple>
#include <type_traits>
#include <vector>

#include "encoded.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/encoding/prometheus_text.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/registry.h"
#include "fast_telemetry/snapshot.h"
#include "label_sets.h"
#include "workload.h"

namespace ft = fast_telemetry;
using workload::input;

namespace {

constexpr std::uint64_t records = 100;  // in each series

template <class Metric>
void fill(Metric& metric) {
  if constexpr (requires { metric.add(records); }) {
    metric.add(records);
  } else {
    for (std::size_t i = 0; i < records; ++i) metric.record(std::chrono::nanoseconds{input.values[i]});
  }
}

/// What a metric needs to be made.
template <class Metric>
auto shape() {
  if constexpr (std::is_same_v<Metric, ft::Histogram>) return std::tuple{ft::buckets::latency};
  if constexpr (std::is_same_v<Metric, ft::Distribution>) return std::tuple{ft::Range::latency()};
  if constexpr (std::is_same_v<Metric, ft::Counter>) return std::tuple{};
}

template <class Metric>
struct One {
  explicit One(std::int64_t) { fill(metric); }
  [[nodiscard]] std::uint64_t total() const { return records; }
  ft::Registry registry;
  Metric metric =
      std::apply([&](auto... of) { return Metric{registry, {.name = "requests"}, of...}; }, shape<Metric>());
};

template <class Metric>
struct Series {
  explicit Series(std::int64_t count) : series{count} {
    for (const Labels& labels : LabelSets{static_cast<std::size_t>(count)}) {
      auto found = metric.at(labels.tenant, labels.route);
      fill(found);
    }
  }
  [[nodiscard]] std::uint64_t total() const { return records * static_cast<std::uint64_t>(series); }
  std::int64_t series;
  ft::Registry registry;
  ft::Dynamic<Metric, 2> metric = std::apply(
      [&](auto... of) {
        return ft::Dynamic<Metric, 2>{
            ft::Scope{registry}, {.name = "requests"}, {"tenant", "route"}, {.max_series = 10'000}, of...};
      },
      shape<Metric>());
};

/// Five counters, five gauges, three histograms, and two dynamic counters of ten series.
struct Program {
  explicit Program(std::int64_t) {
    for (auto& counter : counters) fill(counter);
    for (auto& gauge : gauges) gauge.set(1);
    for (auto& histogram : histograms) fill(histogram);
    for (auto* const dynamic : {&tenants, &routes}) {
      for (int i = 0; i < 10; ++i) dynamic->at(i).add(records);
    }
  }
  [[nodiscard]] std::uint64_t total() const { return 5 * records + 5 + 3 * records + 20 * records; }
  ft::Registry registry;
  std::array<ft::Counter, 5> counters{{{registry, {.name = "accepted"}},
                                       {registry, {.name = "refused"}},
                                       {registry, {.name = "retried"}},
                                       {registry, {.name = "sent"}},
                                       {registry, {.name = "received"}}}};
  std::array<ft::Gauge<std::int64_t>, 5> gauges{{{registry, {.name = "connections"}},
                                                 {registry, {.name = "queued"}},
                                                 {registry, {.name = "open_files"}},
                                                 {registry, {.name = "workers"}},
                                                 {registry, {.name = "cached"}}}};
  std::array<ft::Histogram, 3> histograms{{{registry, {.name = "parse"}, ft::buckets::latency},
                                           {registry, {.name = "execute"}, ft::buckets::latency},
                                           {registry, {.name = "reply"}, ft::buckets::latency}}};
  ft::Dynamic<ft::Counter, 1> tenants{registry, {.name = "by_tenant"}, {"tenant"}};
  ft::Dynamic<ft::Counter, 1> routes{registry, {.name = "by_route"}, {"route"}};
};

// ---- formats ----

class PrometheusText {
 public:
  static constexpr ft::ReaderOptions reader_options{};
  void encode(const ft::Snapshot& snapshot) {
    out_.clear();
    snapshot.visit(encoder_);
  }
  [[nodiscard]] std::size_t bytes() const { return out_.size(); }
  /// A counter's sample is its name's, a histogram's is one of many.
  [[nodiscard]] std::uint64_t total() const {
    return samples_of(out_.view(), "_total").total + samples_of(out_.view(), "_count").total;
  }

 private:
  ft::ByteBuffer out_;
  ft::PrometheusTextEncoder encoder_{out_};
};

class DogStatsd {
 public:
  static constexpr ft::ReaderOptions reader_options = ft::DogStatsdEncoder::reader_options;
  void encode(const ft::Snapshot& snapshot) { snapshot.visit(encoder_); }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < encoder_.packet_count(); ++i) sum += encoder_.packet(i).size();
    return sum;
  }
  [[nodiscard]] std::uint64_t total() const { return samples_of(encoder_).total; }

 private:
  ft::DogStatsdEncoder encoder_;
};

#ifdef FAST_TELEMETRY_HAS_OTLP
class Otlp {
 public:
  static constexpr ft::ReaderOptions reader_options{};
  void encode(const ft::Snapshot& snapshot) { snapshot.visit(encoder_); }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& request : encoder_.requests()) sum += request.bytes.size();
    return sum;
  }
  [[nodiscard]] std::uint64_t total() const { return samples_of(encoder_).total; }

 private:
  ft::OtlpMetricEncoder encoder_{{{"service.name", "bench"}}};
};
#endif

/// What rose since nothing was ever accepted: a delta that stays as large as it can be.
template <class Metrics, class Format>
void BM_export(benchmark::State& state) {
  const std::int64_t series = state.range(0);
  Metrics metrics{series};
  ft::Reader reader{metrics.registry, Format::reader_options};
  Format format;
  const auto once = [&] { format.encode(reader.collect()); };
  once();  // by now everything has its final size
  // Short ones go together, so that reading the clock does not count.
  const std::size_t steps = series < 10'000 ? 100 : 1;
  Passes{state, steps}.run([&] {
    for (std::size_t i = 0; i < steps; ++i) once();
  });
  state.counters["bytes"] = static_cast<double>(format.bytes());
  workload::check<std::uint64_t>(state, format.total(), metrics.total());
}

template <class Metrics>
void add(const std::string& what, const std::vector<std::int64_t>& counts) {
  const auto row = [&](const char* format, void (*run)(benchmark::State&)) {
    auto* const registered = benchmark::RegisterBenchmark(("BM_export/" + what + "/" + format).c_str(), run);
    for (const std::int64_t count : counts) registered->ArgName("series")->Args({count});
  };
  row("prometheus", BM_export<Metrics, PrometheusText>);
  row("dogstatsd", BM_export<Metrics, DogStatsd>);
#ifdef FAST_TELEMETRY_HAS_OTLP
  row("otlp", BM_export<Metrics, Otlp>);
#endif
}

[[maybe_unused]] const bool added = [] {
  add<One<ft::Counter>>("counter", {1});
  add<One<ft::Histogram>>("histogram", {1});
  add<One<ft::Distribution>>("distribution", {1});
  const std::vector<std::int64_t> counts{1, 10, 50, 200, 10'000};
  add<Series<ft::Counter>>("dynamic_counter", counts);
  add<Series<ft::Histogram>>("dynamic_histogram", counts);
  add<Series<ft::Distribution>>("dynamic_distribution", counts);
#ifdef FAST_TELEMETRY_HAS_OTLP
  benchmark::RegisterBenchmark("BM_full_cycle/otlp", BM_export<Program, Otlp>)->ArgName("series")->Args({1});
#endif
  return true;
}();

}  // namespace
