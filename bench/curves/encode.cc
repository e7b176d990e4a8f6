// SPDX-License-Identifier: Apache-2.0
//
// encode: what it takes to write so many counter series with two labels in each format, the collection not counted.
#include "bench/micro/encoded.h"
#include "bench/micro/label_sets.h"
#include "curves.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/encoding/prometheus_text.h"
#include "fast_telemetry/registry.h"
#include "fast_telemetry/snapshot.h"
#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
#include <sstream>

#include "bench/micro/peers/prometheus_cpp.h"
#endif

namespace ft = fast_telemetry;

namespace curves {
namespace {

constexpr std::uint64_t value = 12'345;  // of each series, arbitrary

void point(std::size_t series, std::string_view format, const Samples& found, const std::function<void()>& encode) {
  expect(format, found.lines, series);
  expect(format, found.total, series * value);
  emit({"encode", static_cast<double>(series), format, median_time_ns(encode) / 1e3, "us per export"});
}

void ours(std::size_t series) {
  ft::Registry registry;
  ft::Dynamic<ft::Counter, 2> counter{ft::Scope{registry},
                                      {.name = "requests"},
                                      {"tenant", "route"},
                                      {.max_series = static_cast<std::uint32_t>(series)}};
  for (const Labels& labels : LabelSets{series}) counter.at(labels.tenant, labels.route).add(value);
  ft::Reader reader{registry};
  const ft::Snapshot& snapshot = reader.collect();

  ft::ByteBuffer out;
  ft::PrometheusTextEncoder text{out};
  const auto encode_text = [&] {
    out.clear();
    snapshot.visit(text);
  };
  encode_text();  // renders names and labels, which stay
  point(series, "Prometheus text", samples_of(out.view()), encode_text);

  ft::Reader deltas{registry, ft::DogStatsdEncoder::reader_options};
  const ft::Snapshot& increases = deltas.collect();
  ft::DogStatsdEncoder packets;
  const auto encode_packets = [&] { increases.visit(packets); };
  encode_packets();
  point(series, "DogStatsD", samples_of(packets), encode_packets);

#ifdef FAST_TELEMETRY_HAS_OTLP
  ft::OtlpMetricEncoder otlp{{{"service.name", "bench"}}};
  const auto encode_otlp = [&] { snapshot.visit(otlp); };
  encode_otlp();
  point(series, "OTLP", samples_of(otlp), encode_otlp);
#endif
}

#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
void prometheus_cpp(std::size_t series) {
  PrometheusCpp metric;
  for (const Labels& labels : LabelSets{series}) metric.add(labels, value);
  const auto families = metric.registry.Collect();
  const prometheus::TextSerializer serializer;
  const std::string text = serializer.Serialize(families);
  point(series, "prometheus-cpp", samples_of(text), [&] { static_cast<void>(serializer.Serialize(families)); });
}
#endif

}  // namespace

void draw_encode(Size size) {
  for (const std::size_t series : series_counts(size)) {
    in_child([&] { ours(series); });
#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
    in_child([&] { prometheus_cpp(series); });
#endif
  }
}

}  // namespace curves
