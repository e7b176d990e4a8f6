// SPDX-License-Identifier: Apache-2.0
//
// opentelemetry-cpp's spans. Used as its documentation says: one tracer that is kept, and a BatchSpanProcessor, which
// "batches the ended spans and send them to exporter in bulk" (docs/public/sdk/GettingStarted.rst), so that writers
// wait for no export. Attributes are given with the start (trace/tracer.h: "Optionally sets attributes at Span creation
// from the given key/value pairs"), which saves two calls that lock the span; parents by their context, which saves
// making each span the current one.
//
// Its processor drops silently but for a warning, which is counted here.
#include <google/protobuf/arena.h>
#include <opentelemetry/exporters/otlp/otlp_recordable.h>
#include <opentelemetry/exporters/otlp/otlp_recordable_utils.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>
#include <opentelemetry/sdk/common/global_log_handler.h>
#include <opentelemetry/sdk/resource/resource.h>
#include <opentelemetry/sdk/trace/batch_span_processor_factory.h>
#include <opentelemetry/sdk/trace/batch_span_processor_options.h>
#include <opentelemetry/sdk/trace/exporter.h>
#include <opentelemetry/sdk/trace/processor.h>
#include <opentelemetry/sdk/trace/samplers/always_on_factory.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/trace/tracer.h>
#include <opentelemetry/version.h>

#include <atomic>

#include "span_subject.h"

namespace contention {
namespace {

namespace otel = opentelemetry;
namespace otlp = opentelemetry::exporter::otlp;
namespace sdk = opentelemetry::sdk::trace;
namespace log = opentelemetry::sdk::common::internal_log;

/// Some 64 MiB of spans, which is the budget of this library's buffers. Batches stay at the default of 512: larger ones
/// were no faster, neither for writers nor sustained.
constexpr std::size_t queue_size = 65536;

class DropCounter final : public log::LogHandler {
 public:
  void Handle(log::LogLevel, const char*, int, const char* text,
              const otel::sdk::common::AttributeMap&) noexcept override {
    if (std::string_view{text}.starts_with("BatchSpanProcessor queue is full")) dropped.fetch_add(1);
  }
  std::atomic<std::uint64_t> dropped{0};
};

/// Of the process, for ever.
DropCounter& drop_counter() {
  static auto* const counter = new DropCounter;
  static const bool is_set = [] {
    log::GlobalLogHandler::SetLogHandler(otel::nostd::shared_ptr<log::LogHandler>{counter});
    return true;
  }();
  static_cast<void>(is_set);
  return *counter;
}

/// Encodes as the exporters of OTLP do, and sends nothing.
class Exporter final : public sdk::SpanExporter {
 public:
  explicit Exporter(SpanFlow& flow) : flow_{flow} {}

  std::unique_ptr<sdk::Recordable> MakeRecordable() noexcept override {
    return std::make_unique<otlp::OtlpRecordable>();
  }
  otel::sdk::common::ExportResult Export(
      const otel::nostd::span<std::unique_ptr<sdk::Recordable>>& spans) noexcept override {
    const auto begin = std::chrono::steady_clock::now();
    google::protobuf::Arena arena;
    auto* const request =
        google::protobuf::Arena::CreateMessage<otel::proto::collector::trace::v1::ExportTraceServiceRequest>(&arena);
    otlp::OtlpRecordableUtils::PopulateRequest(spans, request);
    request->SerializeToString(&bytes_);
    flow_.deliver(count(*request), bytes_.size(), std::chrono::steady_clock::now() - begin);
    return otel::sdk::common::ExportResult::kSuccess;
  }
  bool ForceFlush(std::chrono::microseconds) noexcept override { return true; }
  bool Shutdown(std::chrono::microseconds) noexcept override { return true; }

 private:
  static std::uint64_t count(const otel::proto::collector::trace::v1::ExportTraceServiceRequest& request) {
    std::uint64_t spans = 0;
    for (const auto& resource : request.resource_spans()) {
      for (const auto& scope : resource.scope_spans()) spans += static_cast<std::uint64_t>(scope.spans_size());
    }
    return spans;
  }

  SpanFlow& flow_;
  std::string bytes_;
};

sdk::BatchSpanProcessorOptions processor_options(std::chrono::milliseconds export_interval) {
  sdk::BatchSpanProcessorOptions options;
  options.max_queue_size = queue_size;
  options.schedule_delay_millis = export_interval;
  return options;
}

class OtelSpans final : public SpanSubject {
 public:
  explicit OtelSpans(const SpanSetting& setting)
      : scenario_{setting.scenario},
        dropped_at_begin_{drop_counter().dropped.load()},
        provider_{sdk::TracerProviderFactory::Create(
            sdk::BatchSpanProcessorFactory::Create(std::make_unique<Exporter>(setting.flow),
                                                   processor_options(setting.export_interval)),
            otel::sdk::resource::Resource::Create({{"service.name", "bench"}}), sdk::AlwaysOnSamplerFactory::Create())},
        tracer_{provider_->GetTracer("bench")} {
    server_.kind = otel::trace::SpanKind::kServer;
  }

  void record(std::uint64_t first, std::size_t count) override {
    switch (scenario_) {
      case Scenario::root: root(count); break;
      case Scenario::lifecycle: lifecycle(first, count); break;
      case Scenario::pipeline: pipeline(count); break;
    }
    recorded_.fetch_add(count * spans_per_operation(scenario_));
  }

  [[nodiscard]] SpanTotals totals() const override {
    return {recorded_.load(), drop_counter().dropped.load() - dropped_at_begin_};
  }

  [[nodiscard]] std::uint64_t capacity() const override { return queue_size; }

 private:
  void root(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) tracer_->StartSpan("root")->End();
  }

  void lifecycle(std::uint64_t first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto root = tracer_->StartSpan("request", server_);
      otel::trace::StartSpanOptions options;
      options.kind = otel::trace::SpanKind::kClient;
      options.parent = root->GetContext();
      const auto child = tracer_->StartSpan("query", {{"db.system", "redis"}, {"db.rows", first + i}}, options);
      child->AddEvent("first_row");
      child->SetStatus(otel::trace::StatusCode::kOk);
      child->End();
      root->End();
    }
  }

  void pipeline(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto root = tracer_->StartSpan("request", server_);
      otel::trace::StartSpanOptions options;
      options.parent = root->GetContext();
      for (const char* const name : {"parse", "execute", "reply"}) tracer_->StartSpan(name, options)->End();
      root->End();
    }
  }

  Scenario scenario_;
  std::uint64_t dropped_at_begin_;
  std::atomic<std::uint64_t> recorded_{0};
  otel::trace::StartSpanOptions server_;
  std::unique_ptr<sdk::TracerProvider> provider_;
  otel::nostd::shared_ptr<otel::trace::Tracer> tracer_;
};

const SpanRegistration otel_cpp{
    {"otel-cpp", OPENTELEMETRY_VERSION " (ABI " OPENTELEMETRY_ABI_VERSION ")",
     "a tracer that is kept and samples always, explicit parents, attributes given at the start; a BatchSpanProcessor "
     "with a queue of 65 536 spans (some 64 MiB), batches of 512, the export interval as its delay; OtlpRecordable, "
     "PopulateRequest, SerializeToString",
     [](const SpanSetting& setting) -> std::unique_ptr<SpanSubject> { return std::make_unique<OtelSpans>(setting); }}};

}  // namespace
}  // namespace contention
