// SPDX-License-Identifier: Apache-2.0
//
// The spans of 256 requests, per request: drained, drained into an OTLP request, and that compressed. Draining builds
// nothing: the request's bytes are written as spans are visited.
#include <benchmark/benchmark.h>

#include "fast_telemetry/encoding/otlp_spans.h"
#include "fast_telemetry/spans/drain.h"
#include "passes.h"
#include "span_cycle.h"
#include "span_shapes.h"
#include "tests/support/gunzip.h"

namespace ft = fast_telemetry;
using span_cycle::roots;

namespace {

enum class Until : std::uint8_t { drained, encoded, compressed };

class CountingSink final : public ft::SpanSink {
 public:
  ft::SinkAnswer span(const ft::SpanRecord& record) override {
    benchmark::DoNotOptimize(record.size_bytes());
    return ft::SinkAnswer::taken;
  }
};

template <class Shape, Until until>
void BM_span_otlp_cycle(benchmark::State& state) {
  static const ft::Tracer tracer{"bench"};
  const auto record = [] {
    for (std::size_t i = 0; i < roots; ++i) Shape::record(tracer, i);
  };
  CountingSink sink;
  ft::OtlpSpanEncoder encoder{{{"service.name", "bench"}}};
  span_cycle::Gzip gzip;
  std::string_view bytes;
  std::string_view compressed;
  std::uint64_t spans = 0;
  const auto cycle = [&] {
    if constexpr (until == Until::drained) {
      spans += ft::drain_spans(sink).spans;
    } else {
      ft::drain_spans(encoder);
      const ft::OtlpSpanEncoder::Request request = encoder.finish();
      spans += request.count;
      bytes = request.bytes;
      if constexpr (until == Until::compressed) compressed = gzip.compress(bytes);
    }
  };
  record();
  cycle();  // by now everything has its final size
  spans = 0;
  record();
  const std::size_t passes = Passes{state, roots}.run(cycle, [&] {
    if (until == Until::compressed && ft::gunzip(compressed) != bytes) state.SkipWithError("not what was compressed");
    record();
  });
  state.counters["bytes"] = static_cast<double>(compressed.empty() ? bytes.size() : compressed.size());
  if (spans != passes * roots * Shape::spans) state.SkipWithError("spans are missing");
  ft::drain_spans(sink);
}

template <class Shape>
void add() {
  const std::string name = std::string{"BM_span_otlp_cycle/"} + Shape::name;
  benchmark::RegisterBenchmark((name + "/drain").c_str(), BM_span_otlp_cycle<Shape, Until::drained>);
  benchmark::RegisterBenchmark((name + "/encode").c_str(), BM_span_otlp_cycle<Shape, Until::encoded>);
  benchmark::RegisterBenchmark((name + "/gzip").c_str(), BM_span_otlp_cycle<Shape, Until::compressed>);
}

[[maybe_unused]] const bool added = [] {
  add<span_shapes::Root>();
  add<span_shapes::Lifecycle>();
  add<span_shapes::Pipeline>();
  return true;
}();

}  // namespace
