// SPDX-License-Identifier: Apache-2.0
//
// What a record costs 2, 4 and 8 threads that make it in the same metric, alone, and while it is collected and encoded
// every millisecond.
#include "encoded.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/encoding/prometheus_text.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/registry.h"
#include "fast_telemetry/snapshot.h"
#include "writers_and_exporter.h"

namespace ft = fast_telemetry;
using workload::input;

namespace {

constexpr ft::Info info{.name = "latency", .help = "Latency."};

struct Counter {
  void record(std::size_t) { counter.add(); }
  static constexpr std::string_view total = "_total";
  ft::Registry registry;
  ft::Counter counter{registry, info};
};

struct Histogram {
  void record(std::size_t i) { histogram.record(input.values[i]); }
  static constexpr std::string_view total = "_count";
  ft::Registry registry;
  ft::Histogram histogram{registry, info, ft::Bounds{ft::buckets::latency.ns, 13}};
};

struct Distribution {
  void record(std::size_t i) { distribution.record(input.values[i]); }
  static constexpr std::string_view total = "_count";
  ft::Registry registry;
  ft::Distribution distribution{registry, info, ft::Range{100, 3'600'000'000'000}};
};

template <class Metric>
class InPrometheusText : public Metric {
 public:
  void export_once() {
    out_.clear();
    reader_.collect().visit(encoder_);
  }
  [[nodiscard]] std::uint64_t exported() const { return samples_of(out_.view(), Metric::total).total; }

 private:
  ft::Reader reader_{Metric::registry};
  ft::ByteBuffer out_;
  ft::PrometheusTextEncoder encoder_{out_};
};

#ifdef FAST_TELEMETRY_HAS_OTLP
template <class Metric>
class InOtlp : public Metric {
 public:
  void export_once() { reader_.collect().visit(encoder_); }
  [[nodiscard]] std::uint64_t exported() const { return samples_of(encoder_).total; }

 private:
  ft::Reader reader_{Metric::registry};
  ft::OtlpMetricEncoder encoder_{{{"service.name", "bench"}}};
};
#endif

template <class Metric>
void add(const std::string& name) {
  writers_and_exporter::add_rows<InPrometheusText<Metric>>(name, "prometheus");
#ifdef FAST_TELEMETRY_HAS_OTLP
  writers_and_exporter::add_row<InOtlp<Metric>, true>(name + "/exporter:otlp");
#endif
}

[[maybe_unused]] const bool added = [] {
  add<Counter>("counter");
  add<Histogram>("histogram");
  add<Distribution>("distribution");
  return true;
}();

}  // namespace
