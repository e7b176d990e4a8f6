// SPDX-License-Identifier: Apache-2.0
//
// opentelemetry-cpp in the rows of span_cycle_bench: the spans of 256 requests, per request, put into OTLP's message,
// that encoded, and that compressed. While it records, it fills a part of the message for each span: what is left of it
// is measured here.
#include <opentelemetry/exporters/otlp/otlp_recordable.h>
#include <opentelemetry/exporters/otlp/otlp_recordable_utils.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>
#include <opentelemetry/sdk/trace/processor.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/trace/span_startoptions.h>
#include <opentelemetry/trace/tracer.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/micro/passes.h"
#include "bench/micro/span_cycle.h"
#include "tests/support/gunzip.h"

namespace otel_cpp {
namespace {

namespace otel = opentelemetry;
namespace sdk = opentelemetry::sdk::trace;

using Spans = std::vector<std::unique_ptr<sdk::Recordable>>;
using Request = otel::proto::collector::trace::v1::ExportTraceServiceRequest;

/// Keeps what has ended, as its batch processor does, but without threads.
class Keeper final : public sdk::SpanProcessor {
 public:
  explicit Keeper(Spans& ended) : ended_{ended} {}
  std::unique_ptr<sdk::Recordable> MakeRecordable() noexcept override {
    return std::make_unique<otel::exporter::otlp::OtlpRecordable>();
  }
  void OnStart(sdk::Recordable&, const otel::trace::SpanContext&) noexcept override {}
  void OnEnd(std::unique_ptr<sdk::Recordable>&& span) noexcept override { ended_.push_back(std::move(span)); }
  bool ForceFlush(std::chrono::microseconds) noexcept override { return true; }
  bool Shutdown(std::chrono::microseconds) noexcept override { return true; }

 private:
  Spans& ended_;
};

otel::trace::StartSpanOptions child_of(const otel::trace::Span& parent, otel::trace::SpanKind kind = {}) {
  otel::trace::StartSpanOptions options;
  options.parent = parent.GetContext();
  options.kind = kind;
  return options;
}

struct Root {
  static constexpr const char* name = "root";
  static constexpr std::size_t spans = 1;
  static void record(otel::trace::Tracer& tracer, std::size_t) { tracer.StartSpan("root")->End(); }
};

struct Lifecycle {
  static constexpr const char* name = "lifecycle";
  static constexpr std::size_t spans = 2;
  static void record(otel::trace::Tracer& tracer, std::size_t i) {
    otel::trace::StartSpanOptions options;
    options.kind = otel::trace::SpanKind::kServer;
    const auto root = tracer.StartSpan("request", options);
    const auto child = tracer.StartSpan("query", child_of(*root, otel::trace::SpanKind::kClient));
    child->SetAttribute("db.system", "redis");
    child->SetAttribute("db.rows", static_cast<std::int64_t>(i));
    child->AddEvent("first_row");
    child->SetStatus(otel::trace::StatusCode::kOk);
    child->End();
    root->End();
  }
};

struct Pipeline {
  static constexpr const char* name = "pipeline";
  static constexpr std::size_t spans = 4;
  static void record(otel::trace::Tracer& tracer, std::size_t) {
    otel::trace::StartSpanOptions options;
    options.kind = otel::trace::SpanKind::kServer;
    const auto root = tracer.StartSpan("request", options);
    for (const char* const child : {"parse", "execute", "reply"}) tracer.StartSpan(child, child_of(*root))->End();
    root->End();
  }
};

std::size_t spans_in(const Request& request) {
  std::size_t count = 0;
  for (const auto& resource : request.resource_spans()) {
    for (const auto& scope : resource.scope_spans()) count += static_cast<std::size_t>(scope.spans_size());
  }
  return count;
}

enum class Until : std::uint8_t { built, encoded, compressed };

template <class Shape, Until until>
void BM_span_otlp_cycle(benchmark::State& state) {
  Spans ended;
  sdk::TracerProvider provider{std::make_unique<Keeper>(ended)};
  const auto tracer = provider.GetTracer("bench");
  const auto record = [&] {
    ended.clear();
    for (std::size_t i = 0; i < span_cycle::roots; ++i) Shape::record(*tracer, i);
  };
  span_cycle::Gzip gzip;
  std::string bytes;
  std::string_view compressed;
  std::size_t spans = 0;
  record();
  const std::size_t passes = Passes{state, span_cycle::roots}.run(
      [&] {
        google::protobuf::Arena arena;  // as its OTLP exporters do
        auto* const request = google::protobuf::Arena::CreateMessage<Request>(&arena);
        otel::exporter::otlp::OtlpRecordableUtils::PopulateRequest({ended.data(), ended.size()}, request);
        spans += spans_in(*request);
        if constexpr (until != Until::built) request->SerializeToString(&bytes);
        if constexpr (until == Until::compressed) compressed = gzip.compress(bytes);
      },
      [&] {
        if (until == Until::compressed && fast_telemetry::gunzip(compressed) != bytes) {
          state.SkipWithError("not what was compressed");
        }
        record();
      });
  state.counters["bytes"] = static_cast<double>(compressed.empty() ? bytes.size() : compressed.size());
  if (spans != passes * span_cycle::roots * Shape::spans) state.SkipWithError("spans are missing");
}

template <class Shape>
void add() {
  const std::string name = std::string{"BM_span_otlp_cycle/"} + Shape::name;
  benchmark::RegisterBenchmark((name + "/build").c_str(), BM_span_otlp_cycle<Shape, Until::built>);
  benchmark::RegisterBenchmark((name + "/encode").c_str(), BM_span_otlp_cycle<Shape, Until::encoded>);
  benchmark::RegisterBenchmark((name + "/gzip").c_str(), BM_span_otlp_cycle<Shape, Until::compressed>);
}

[[maybe_unused]] const bool added = [] {
  add<Root>();
  add<Lifecycle>();
  add<Pipeline>();
  return true;
}();

}  // namespace
}  // namespace otel_cpp
