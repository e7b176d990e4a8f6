// SPDX-License-Identifier: Apache-2.0
//
// This library's spans. Used as its documentation says: a tracer that is kept, names and keys that are literals, the
// buffers' default budget, and an encoder that stays.
#include <thread>

#include "fast_telemetry/build_info.h"
#include "fast_telemetry/encoding/otlp_spans.h"
#include "fast_telemetry/spans/drain.h"
#include "fast_telemetry/spans/tracer.h"
#include "span_subject.h"

namespace ft = fast_telemetry;

namespace contention {
namespace {

class FastSpans final : public SpanSubject {
 public:
  explicit FastSpans(const SpanSetting& setting) : scenario_{setting.scenario}, flow_{setting.flow} {
    measure_capacity();
    at_begin_ = ft::span_info();
    exporter_ = std::thread{[this, interval = setting.export_interval] {
      while (flow_.wait_for_export(interval)) export_all();
    }};
  }
  ~FastSpans() override {
    flow_.stop();
    exporter_.join();
  }

  void record(std::uint64_t first, std::size_t count) override {
    switch (scenario_) {
      case Scenario::root: return root(count);
      case Scenario::lifecycle: return lifecycle(first, count);
      case Scenario::pipeline: return pipeline(count);
    }
  }

  [[nodiscard]] SpanTotals totals() const override {
    const ft::SpanInfo now = ft::span_info();
    return {now.recorded - at_begin_.recorded, now.dropped() - at_begin_.dropped()};
  }

  [[nodiscard]] std::uint64_t capacity() const override { return capacity_; }

 private:
  void root(std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) const ft::Span span = tracer_.root("root");
  }

  void lifecycle(std::uint64_t first, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
      const ft::Span root = tracer_.root("request", {.kind = ft::SpanKind::server});
      ft::Span child = root.child("query", {.kind = ft::SpanKind::client});
      child.set_attribute("db.system", "redis");
      child.set_attribute("db.rows", first + i);
      child.add_event("first_row");
      child.set_status(ft::SpanStatus::ok);
    }
  }

  void pipeline(std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
      const ft::Span root = tracer_.root("request", {.kind = ft::SpanKind::server});
      {
        const ft::Span parse = root.child("parse");
      }
      {
        const ft::Span execute = root.child("execute");
      }
      {
        const ft::Span reply = root.child("reply");
      }
    }
  }

  void export_all() {
    for (bool is_complete = false; !is_complete;) {
      const auto begin = std::chrono::steady_clock::now();
      is_complete = ft::drain_spans(encoder_).is_complete;
      const ft::OtlpSpanEncoder::Request request = encoder_.finish();
      if (request.count == 0) continue;
      flow_.deliver(request.count, request.bytes.size(), std::chrono::steady_clock::now() - begin);
    }
  }

  /// By some that are recorded and thrown away.
  void measure_capacity() {
    record(0, 8192);
    const ft::SpanInfo info = ft::span_info();
    capacity_ = info.budget_bytes / (info.used_bytes / info.buffered);
    while (!ft::drain_spans(encoder_).is_complete) static_cast<void>(encoder_.finish());
    static_cast<void>(encoder_.finish());
  }

  Scenario scenario_;
  SpanFlow& flow_;
  ft::Tracer tracer_{"bench", {.sampler = ft::Sampler::always_on()}};
  ft::OtlpSpanEncoder encoder_{{{"service.name", "bench"}}};
  std::uint64_t capacity_ = 0;
  ft::SpanInfo at_begin_{};
  std::thread exporter_;
};

const SpanRegistration fast{
    {"fast", std::string{view(ft::library_version())},
     "a tracer that is kept and samples always, explicit parents, buffers of the default 64 MiB; drained into an OTLP "
     "encoder that stays, at each export interval and when a writer waits for room",
     [](const SpanSetting& setting) -> std::unique_ptr<SpanSubject> { return std::make_unique<FastSpans>(setting); }}};

}  // namespace
}  // namespace contention
