// SPDX-License-Identifier: Apache-2.0
//
// What encoding costs: Prometheus's exposition and DogStatsD's packets of 1, 100 and 10 000 labelled series, and OTLP's
// requests of 10 000, beside a memcpy of the same bytes. Every row counts the heap allocations of its measured loop.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "encoded.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/encoding/prometheus_text.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/registry.h"
#include "fast_telemetry/snapshot.h"
#include "passes.h"
#include "tests/support/allocation_counter.h"
#include "wide_enums.h"

namespace ft = fast_telemetry;
using namespace wide_enums;

namespace {

constexpr ft::Info info{.name = "requests", .help = "Requests by endpoint and customer."};

/// Of any magnitude up to 10^12: numbers are written digit by digit.
class Values {
 public:
  std::uint64_t next() { return random_() % 1'000'000'000'000 >> random_() % 40; }

 private:
  std::mt19937_64 random_{20260901};  // arbitrary, fixed
};

/// Counters with two labels, and the sum of all their values.
template <class EndpointEnum, class TenantEnum, std::size_t side>
class Grid {
 public:
  Grid() {
    Values values;
    for (std::size_t i = 0; i < side * side; ++i) {
      const std::uint64_t value = values.next();
      counters_.with(static_cast<EndpointEnum>(i / side), static_cast<TenantEnum>(i % side)).add(value);
      total += value;
    }
  }
  ft::Registry registry;
  std::uint64_t total = 0;
  static constexpr std::uint64_t lines = side * side;

 private:
  ft::Labeled<ft::Counter, EndpointEnum, TenantEnum> counters_{ft::Scope{registry, "proxy"}, info};
};

/// 10 000 series of a dynamic counter.
class DynamicSeries {
 public:
  DynamicSeries() {
    Values values;
    for (int i = 0; i < 10'000; ++i) {
      const std::uint64_t value = values.next();
      counter_.at(label(static_cast<Endpoint>(i / 100)).value, label(static_cast<Tenant>(i % 100)).value).add(value);
      total += value;
    }
  }
  ft::Registry registry;
  std::uint64_t total = 0;
  static constexpr std::uint64_t lines = 10'000;

 private:
  ft::Dynamic<ft::Counter, 2> counter_{
      ft::Scope{registry, "proxy"}, info, {label(Endpoint{}).key, label(Tenant{}).key}, {.max_series = 10'000}};
};

/// One counter whose two labels are its scope's.
class Single {
 public:
  Single() { counter_.add(total); }
  ft::Registry registry;
  std::uint64_t total = 123'456'789;
  static constexpr std::uint64_t lines = 1;

 private:
  ft::Counter counter_{ft::Scope{registry, "proxy", {label(Endpoint{42}), label(Tenant{17})}}, info};
};

using Series1 = Single;
using Series100 = Grid<FewEndpoints, FewTenants, 10>;
using Series10000 = Grid<Endpoint, Tenant, 100>;

/// A hundred histograms of 13 bounds: 16 lines each.
class Histograms {
 public:
  Histograms() {
    Values values;
    for (std::size_t i = 0; i < 100; ++i) {
      for (int k = 0; k < 100; ++k) histograms_.with(static_cast<Endpoint>(i)).record(values.next() % 20'000'000'000);
    }
  }
  ft::Registry registry;

 private:
  ft::Labeled<ft::Histogram, Endpoint> histograms_{ft::Scope{registry, "proxy"},
                                                   {.name = "latency", .help = "Latency.", .unit = ft::Unit::seconds},
                                                   ft::buckets::latency};
};

/// 10 000 histograms of 13 bounds. One metric has no room for so many.
class ManyHistograms {
 public:
  ManyHistograms() {
    Values values;
    for (std::size_t i = 0; i < 100; ++i) {
      histograms_.push_back(std::make_unique<ft::Labeled<ft::Histogram, Tenant>>(
          ft::Scope{registry, "proxy", {label(static_cast<Endpoint>(i))}},
          ft::Info{.name = "latency", .help = "Latency.", .unit = ft::Unit::seconds}, ft::buckets::latency));
      for (std::size_t k = 0; k < 2000; ++k) {
        histograms_.back()->with(static_cast<Tenant>(k % 100)).record(values.next() % 20'000'000'000);
      }
    }
  }
  ft::Registry registry;
  std::uint64_t total = 100 * 2000;  ///< observations
  static constexpr std::uint64_t lines = 10'000;

 private:
  std::vector<std::unique_ptr<ft::Labeled<ft::Histogram, Tenant>>> histograms_;
};

/// Runs the steps and reports their allocations, and how much one of them wrote.
template <class Size, class Step>
void measure(benchmark::State& state, Size size, Step step)
  requires std::is_invocable_v<Size>
{
  step();
  step();  // by now everything has its final size
  std::uint64_t allocations = 0;
  // Short steps go together, so that reading the clock does not count.
  const std::size_t steps = size() < 10'000 ? 100 : 1;
  Passes{state, steps}.run([&] {
    const std::uint64_t before = ft::allocations();
    for (std::size_t i = 0; i < steps; ++i) step();
    allocations += ft::allocations() - before;
  });
  state.counters["allocations"] = static_cast<double>(allocations);
  state.counters["bytes"] = static_cast<double>(size());
}

template <class Step>
void measure(benchmark::State& state, const ft::ByteBuffer& text, Step step) {
  measure(state, [&] { return text.size(); }, step);
}

template <class Metrics>
Metrics& metrics() {
  static Metrics made;
  return made;
}

template <class Metrics>
void check(benchmark::State& state, std::string_view text) {
  const Samples found = samples_of(text);
  if (found.lines != Metrics::lines || found.total != metrics<Metrics>().total) {
    state.SkipWithError("the text does not say what was added");
  }
}

/// Encoding alone: the snapshot is there.
template <class Metrics>
void BM_prometheus_text(benchmark::State& state) {
  ft::Reader reader{metrics<Metrics>().registry};
  const ft::Snapshot& snapshot = reader.collect();
  ft::ByteBuffer text;
  ft::PrometheusTextEncoder encoder{text};
  measure(state, text, [&] {
    text.clear();
    snapshot.visit(encoder);
    benchmark::ClobberMemory();
  });
  check<Metrics>(state, text.view());
}

/// As a scrape does it: fold, then encode.
template <class Metrics>
void BM_collect_and_prometheus_text(benchmark::State& state) {
  ft::Reader reader{metrics<Metrics>().registry};
  ft::ByteBuffer text;
  ft::PrometheusTextEncoder encoder{text};
  measure(state, text, [&] {
    text.clear();
    reader.collect().visit(encoder);
    benchmark::ClobberMemory();
  });
  check<Metrics>(state, text.view());
}

/// The floor: copying the same text.
template <class Metrics>
void BM_memcpy_of_text(benchmark::State& state) {
  ft::Reader reader{metrics<Metrics>().registry};
  ft::ByteBuffer text;
  ft::PrometheusTextEncoder encoder{text};
  reader.collect().visit(encoder);
  ft::ByteBuffer copy;
  measure(state, copy, [&] {
    copy.clear();
    copy.append(text.view());
    benchmark::ClobberMemory();
  });
  check<Metrics>(state, copy.view());
}

void BM_prometheus_text_histograms(benchmark::State& state) {
  ft::Reader reader{metrics<Histograms>().registry};
  const ft::Snapshot& snapshot = reader.collect();
  ft::ByteBuffer text;
  ft::PrometheusTextEncoder encoder{text};
  measure(state, text, [&] {
    text.clear();
    snapshot.visit(encoder);
    benchmark::ClobberMemory();
  });
  if (samples_of(text.view()).lines != 100 * 16) state.SkipWithError("not 16 lines per histogram");
}

#ifdef FAST_TELEMETRY_HAS_OTLP

/// Of all requests together.
std::size_t size_of(const ft::OtlpMetricEncoder& encoder) {
  std::size_t size = 0;
  for (const auto& request : encoder.requests()) size += request.bytes.size();
  return size;
}

/// Fails when the requests do not have every point, and what was recorded.
template <class Metrics>
void check(benchmark::State& state, const ft::OtlpMetricEncoder& encoder) {
  const Samples found = samples_of(encoder);
  if (found.lines != Metrics::lines || found.total != metrics<Metrics>().total) {
    state.SkipWithError("the requests do not say what was recorded");
  }
}

/// As an exporter does it: fold, then encode.
template <class Metrics>
void BM_collect_and_otlp(benchmark::State& state) {
  ft::Reader reader{metrics<Metrics>().registry};
  ft::OtlpMetricEncoder encoder{{{"service.name", "bench"}}};
  measure(
      state, [&] { return size_of(encoder); },
      [&] {
        reader.collect().visit(encoder);
        benchmark::ClobberMemory();
      });
  check<Metrics>(state, encoder);
}

template <class Metrics>
void BM_otlp(benchmark::State& state) {
  ft::Reader reader{metrics<Metrics>().registry};
  const ft::Snapshot& snapshot = reader.collect();
  ft::OtlpMetricEncoder encoder{{{"service.name", "bench"}}};
  measure(
      state, [&] { return size_of(encoder); },
      [&] {
        snapshot.visit(encoder);
        benchmark::ClobberMemory();
      });
  check<Metrics>(state, encoder);
}

template <class Metrics>
void BM_memcpy_of_otlp(benchmark::State& state) {
  ft::Reader reader{metrics<Metrics>().registry};
  ft::OtlpMetricEncoder encoder{{{"service.name", "bench"}}};
  reader.collect().visit(encoder);
  ft::ByteBuffer copy;
  measure(state, copy, [&] {
    copy.clear();
    for (const auto& request : encoder.requests()) copy.append(request.bytes);
    benchmark::ClobberMemory();
  });
  check<Metrics>(state, encoder);
}

BENCHMARK(BM_otlp<Series10000>)->Name("BM_otlp/series:10000");
BENCHMARK(BM_memcpy_of_otlp<Series10000>)->Name("BM_memcpy_of_otlp/series:10000");
BENCHMARK(BM_collect_and_otlp<Series10000>)->Name("BM_collect_and_otlp/series:10000");
BENCHMARK(BM_collect_and_otlp<DynamicSeries>)->Name("BM_collect_and_otlp/dynamic:10000");
BENCHMARK(BM_otlp<ManyHistograms>)->Name("BM_otlp/histograms:10000");
BENCHMARK(BM_memcpy_of_otlp<ManyHistograms>)->Name("BM_memcpy_of_otlp/histograms:10000");
BENCHMARK(BM_collect_and_otlp<ManyHistograms>)->Name("BM_collect_and_otlp/histograms:10000");

#endif

/// The increases of all series at once, which have all risen: the most that there can be to write.
template <class Metrics>
void BM_dogstatsd(benchmark::State& state) {
  ft::Reader reader{metrics<Metrics>().registry, ft::DogStatsdEncoder::reader_options};
  const ft::Snapshot& snapshot = reader.collect();
  ft::DogStatsdEncoder encoder;
  ft::ByteBuffer none;
  measure(state, none, [&] {
    snapshot.visit(encoder);
    benchmark::ClobberMemory();
  });
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < encoder.packet_count(); ++i) bytes += encoder.packet(i).size();
  state.counters["bytes"] = static_cast<double>(bytes);
  const Samples found = samples_of(encoder);
  if (found.total != metrics<Metrics>().total) state.SkipWithError("the packets do not say what was added");
}

BENCHMARK(BM_dogstatsd<Series1>)->Name("BM_dogstatsd/series:1");
BENCHMARK(BM_dogstatsd<Series100>)->Name("BM_dogstatsd/series:100");
BENCHMARK(BM_dogstatsd<Series10000>)->Name("BM_dogstatsd/series:10000");
BENCHMARK(BM_dogstatsd<DynamicSeries>)->Name("BM_dogstatsd/dynamic:10000");
BENCHMARK(BM_prometheus_text<Series1>)->Name("BM_prometheus_text/series:1");
BENCHMARK(BM_prometheus_text<Series100>)->Name("BM_prometheus_text/series:100");
BENCHMARK(BM_prometheus_text<Series10000>)->Name("BM_prometheus_text/series:10000");
BENCHMARK(BM_memcpy_of_text<Series1>)->Name("BM_memcpy_of_text/series:1");
BENCHMARK(BM_memcpy_of_text<Series100>)->Name("BM_memcpy_of_text/series:100");
BENCHMARK(BM_memcpy_of_text<Series10000>)->Name("BM_memcpy_of_text/series:10000");
BENCHMARK(BM_collect_and_prometheus_text<Series10000>)->Name("BM_collect_and_prometheus_text/series:10000");
BENCHMARK(BM_prometheus_text<DynamicSeries>)->Name("BM_prometheus_text/dynamic:10000");
BENCHMARK(BM_memcpy_of_text<DynamicSeries>)->Name("BM_memcpy_of_text/dynamic:10000");
BENCHMARK(BM_collect_and_prometheus_text<DynamicSeries>)->Name("BM_collect_and_prometheus_text/dynamic:10000");
BENCHMARK(BM_prometheus_text_histograms)->Name("BM_prometheus_text/histograms:100");

}  // namespace
