// SPDX-License-Identifier: Apache-2.0
//
// What a span costs its thread, every span recorded: the three shapes of parity.md's harness (BHN-7), beside the clock
// reads that they contain and beside spans in a vector behind a mutex.
//
// Bursts of 8 192 iterations (at most 8 MiB of the 64 MiB that the buffers may take) are timed; between them everything
// is drained, and what was recorded must have arrived.
#include <benchmark/benchmark.h>
#include <fast_telemetry/clock.h>
#include <fast_telemetry/encoding/json_spans.h>
#ifdef FAST_TELEMETRY_HAS_OTLP
#include <fast_telemetry/encoding/otlp_spans.h>
#endif
#include <fast_telemetry/counter.h>
#include <fast_telemetry/distribution.h>
#include <fast_telemetry/registry.h>
#include <fast_telemetry/scoped_timer.h>
#include <fast_telemetry/spans/drain.h>
#include <fast_telemetry/spans/operation.h>
#include <fast_telemetry/spans/tail_sampler.h>
#include <fast_telemetry/spans/tracer.h>

#include <atomic>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "passes.h"
#include "span_shapes.h"

namespace ft = fast_telemetry;

namespace {

constexpr std::size_t iterations = 8192;

class CountingSink final : public ft::SpanSink {
 public:
  ft::SinkAnswer span(const ft::SpanRecord& record) override {
    benchmark::DoNotOptimize(record.size_bytes());
    return ft::SinkAnswer::taken;
  }
};

/// Runs `iteration` in bursts; `spans` of them are recorded in each.
template <class Iteration>
void run_recorded(benchmark::State& state, std::uint64_t spans, Iteration iteration) {
  CountingSink sink;
  ft::drain_spans(sink);
  const ft::SpanInfo before = ft::span_info();
  std::uint64_t drained = 0;
  const std::size_t passes = Passes{state, iterations}.run(
      [&] {
        for (std::size_t i = 0; i < iterations; ++i) iteration(i);
      },
      [&] { drained += ft::drain_spans(sink).spans; });
  const ft::SpanInfo after = ft::span_info();
  const std::uint64_t expected = passes * iterations * spans;
  state.counters["recorded"] = static_cast<double>(after.recorded - before.recorded);
  state.counters["drained"] = static_cast<double>(drained);
  state.counters["dropped"] = static_cast<double>(after.dropped() - before.dropped());
  if (drained != expected || after.recorded - before.recorded != expected) state.SkipWithError("spans are missing");
}

const ft::Tracer& tracer() {
  static const ft::Tracer made{"bench"};
  return made;
}

// ---- the floor ----

void BM_clock_reads(benchmark::State& state) {
  const auto reads = state.range(0);
  Passes{state, iterations}.run([&] {
    for (std::size_t i = 0; i < iterations; ++i) {
      for (std::int64_t n = 0; n < reads; ++n) benchmark::DoNotOptimize(ft::now_ns());
    }
  });
}
BENCHMARK(BM_clock_reads)->ArgName("reads")->Arg(2)->Arg(4)->Arg(5)->Arg(8);

// ---- ours ----

template <class Shape>
void run_shape(benchmark::State& state) {
  const ft::Tracer& ours = tracer();
  run_recorded(state, Shape::spans, [&](std::size_t i) { Shape::record(ours, i); });
}

void BM_span_root(benchmark::State& state) { run_shape<span_shapes::Root>(state); }
BENCHMARK(BM_span_root);

void BM_span_lifecycle(benchmark::State& state) { run_shape<span_shapes::Lifecycle>(state); }
BENCHMARK(BM_span_lifecycle);

void BM_span_pipeline(benchmark::State& state) { run_shape<span_shapes::Pipeline>(state); }
BENCHMARK(BM_span_pipeline);

// Eight attributes, of which two are strings that are not literals.
void record_attributes(std::size_t i) {
  static const std::string route = "/api/v1/orders/{id}";
  static const std::string peer = "10.20.30.40";
  ft::Span span = tracer().root("request", {.kind = ft::SpanKind::server});
  span.set_attribute("http.request.method", "GET");
  span.set_attribute("http.route", route);
  span.set_attribute("http.response.status_code", 200);
  span.set_attribute("client.address", peer);
  span.set_attribute("client.port", i);
  span.set_attribute("url.scheme", "https");
  span.set_attribute("retry", false);
  span.set_attribute("load", 0.5);
}

void BM_span_attributes(benchmark::State& state) {
  run_recorded(state, 1, [](std::size_t i) { record_attributes(i); });
}
BENCHMARK(BM_span_attributes);

void BM_span_root_coarse(benchmark::State& state) {
  static const ft::Tracer coarse{"bench", {.clock = ft::SpanClock::coarse}};
  run_recorded(state, 1, [&](std::size_t) { const ft::Span span = coarse.root("root"); });
}
BENCHMARK(BM_span_root_coarse);

// ---- operations: a span, a distribution with an exemplar, an outcome, what is in flight ----

// Two clock reads, as a span alone.
void BM_operation(benchmark::State& state) {
  ft::Registry registry;
  ft::OperationMetrics<> queries{registry, {.name = "db_query"}, tracer()};
  run_recorded(state, 1, [&](std::size_t) { const auto query = queries.start("SELECT"); });
  if (queries.in_flight() != 0) state.SkipWithError("some are in flight");
}
BENCHMARK(BM_operation);

// The same in parts: four clock reads.
void BM_operation_in_parts(benchmark::State& state) {
  ft::Registry registry;
  ft::Labeled<ft::Counter, ft::Outcome> outcomes{registry, {.name = "db_query"}};
  ft::Distribution duration{registry, {.name = "db_query_duration"}, ft::Range::latency()};
  ft::UpDownCounter in_flight{registry, {.name = "db_query_in_flight"}};
  run_recorded(state, 1, [&](std::size_t) {
    in_flight.add();
    const ft::Span span = tracer().start("SELECT");
    {
      const ft::ScopedTimer timing{duration};
    }
    outcomes.with(ft::Outcome::ok).add();
    in_flight.sub();
  });
}
BENCHMARK(BM_operation_in_parts);

// The floor of one that is not recorded: two clock reads, and the distribution that waits for both.
void BM_operation_timer_alone(benchmark::State& state) {
  ft::Registry registry;
  ft::Distribution duration{registry, {.name = "db_query_duration"}, ft::Range::latency()};
  Passes{state, iterations}.run([&] {
    for (std::size_t i = 0; i < iterations; ++i) const ft::ScopedTimer timing{duration};
  });
}
BENCHMARK(BM_operation_timer_alone);

void run_unrecorded(benchmark::State& state, ft::OperationMetrics<>& queries) {
  const std::size_t passes = Passes{state, iterations}.run([&] {
    for (std::size_t i = 0; i < iterations; ++i) const auto query = queries.start("SELECT");
  });
  if (queries.count(ft::Outcome::ok) < passes * iterations) state.SkipWithError("operations are missing");
}

void BM_operation_unsampled(benchmark::State& state) {
  static const ft::Tracer off{"bench", {.sampler = ft::Sampler::always_off()}};
  ft::Registry registry;
  ft::OperationMetrics<> queries{registry, {.name = "db_query"}, off};
  run_unrecorded(state, queries);
}
BENCHMARK(BM_operation_unsampled);

void BM_operation_untraced(benchmark::State& state) {
  ft::Registry registry;
  ft::OperationMetrics<> queries{registry, {.name = "db_query"}};
  run_unrecorded(state, queries);
}
BENCHMARK(BM_operation_untraced);

// ---- not sampled ----

template <class Make>
void run_unsampled(benchmark::State& state, Make make) {
  const std::string peer = "10.20.30.40";
  Passes{state, iterations}.run([&] {
    for (std::size_t i = 0; i < iterations; ++i) {
      ft::Span span = make();
      span.set_attribute("client.address", peer);
      span.set_attribute("client.port", i);
      span.add_event("first_row");
      span.set_status(ft::SpanStatus::ok);
      benchmark::DoNotOptimize(span.is_recording());
    }
  });
}

void BM_unsampled_root(benchmark::State& state) {
  static const ft::Tracer off{"bench", {.sampler = ft::Sampler::always_off()}};
  run_unsampled(state, [&] { return off.root("root"); });
}
BENCHMARK(BM_unsampled_root);

void BM_unsampled_child(benchmark::State& state) {
  static const ft::Tracer off{"bench", {.sampler = ft::Sampler::parent_based(ft::Sampler::always_off())}};
  const ft::Span parent = off.root("root");
  benchmark::DoNotOptimize(parent.context().flags);
  run_unsampled(state, [&] { return parent.child("child"); });
}
BENCHMARK(BM_unsampled_child);

void BM_unsampled_remote_child(benchmark::State& state) {
  const ft::Tracer& ours = tracer();
  const ft::SpanContext parent{ft::random_trace_id(), ft::random_span_id(), 0, true, {}};
  run_unsampled(state, [&] { return ours.child(parent, "child"); });
}
BENCHMARK(BM_unsampled_remote_child);

void BM_unsampled_by_ratio(benchmark::State& state) {
  static const ft::Tracer some{"bench", {.sampler = ft::Sampler::trace_id_ratio(1e-12)}};
  run_unsampled(state, [&] { return some.root("root"); });
}
BENCHMARK(BM_unsampled_by_ratio);

void BM_unsampled_by_rate(benchmark::State& state) {
  static const ft::Tracer some{"bench", {.sampler = ft::Sampler::rate_limited(1e-6)}};
  run_unsampled(state, [&] { return some.root("root"); });
}
BENCHMARK(BM_unsampled_by_rate);

// ---- a vector behind a mutex ----

using PlainValue = std::variant<std::string, std::int64_t>;

struct PlainSpan {
  std::uint64_t trace_id[2];
  std::uint64_t span_id;
  std::uint64_t parent_id;
  std::string name;
  std::int64_t start;
  std::int64_t end;
  std::vector<std::pair<std::string, PlainValue>> attributes;
  std::vector<std::pair<std::string, std::int64_t>> events;
  int status;
};

class PlainSpans {
 public:
  PlainSpan start(const char* name, const PlainSpan* parent) {
    PlainSpan span{};
    span.name = name;
    span.span_id = random_();
    span.trace_id[0] = parent != nullptr ? parent->trace_id[0] : random_();
    span.trace_id[1] = parent != nullptr ? parent->trace_id[1] : random_();
    span.parent_id = parent != nullptr ? parent->span_id : 0;
    span.start = ft::now_ns();
    return span;
  }
  void end(PlainSpan&& span) {
    span.end = ft::now_ns();
    const std::lock_guard lock{mutex_};
    ended_.push_back(std::move(span));
  }
  void clear() { ended_.clear(); }

 private:
  std::mt19937_64 random_{1};
  std::mutex mutex_;
  std::vector<PlainSpan> ended_;
};

template <class Iteration>
void run_plain(benchmark::State& state, Iteration iteration) {
  PlainSpans spans;
  Passes{state, iterations}.run(
      [&] {
        for (std::size_t i = 0; i < iterations; ++i) iteration(spans, i);
      },
      [&] { spans.clear(); });
}

void BM_vector_root(benchmark::State& state) {
  run_plain(state, [](PlainSpans& spans, std::size_t) { spans.end(spans.start("root", nullptr)); });
}
BENCHMARK(BM_vector_root);

void BM_vector_lifecycle(benchmark::State& state) {
  run_plain(state, [](PlainSpans& spans, std::size_t i) {
    PlainSpan root = spans.start("request", nullptr);
    PlainSpan child = spans.start("query", &root);
    child.attributes.emplace_back("db.system", "redis");
    child.attributes.emplace_back("db.rows", static_cast<std::int64_t>(i));
    child.events.emplace_back("first_row", ft::now_ns());
    child.status = 1;
    spans.end(std::move(child));
    spans.end(std::move(root));
  });
}
BENCHMARK(BM_vector_lifecycle);

void BM_vector_pipeline(benchmark::State& state) {
  run_plain(state, [](PlainSpans& spans, std::size_t) {
    PlainSpan root = spans.start("request", nullptr);
    for (const char* const name : {"parse", "execute", "reply"}) spans.end(spans.start(name, &root));
    spans.end(std::move(root));
  });
}
BENCHMARK(BM_vector_pipeline);

// ---- drain ----

/// As many spans as `iterations`, of BM_span_lifecycle's kind.
void record_lifecycles() {
  for (std::size_t i = 0; i < iterations / 2; ++i) {
    const ft::Span root = tracer().root("request");
    ft::Span child = root.child("query");
    child.set_attribute("db.system", "redis");
    child.set_attribute("db.rows", i);
    child.add_event("first_row");
  }
}

/// Per span, every item looked at.
void BM_drain(benchmark::State& state) {
  class Looker final : public ft::SpanSink {
   public:
    ft::SinkAnswer span(const ft::SpanRecord& record) override {
      seen += record.name().size() + static_cast<std::uint64_t>(record.end_unix_ns() - record.start_unix_ns());
      for (const ft::RecordedAttribute& attribute : record.attributes()) seen += attribute.key.size();
      for (const ft::RecordedEvent& event : record.events()) seen += event.name.size();
      return ft::SinkAnswer::taken;
    }
    std::uint64_t seen = 0;
  } looker;
  ft::drain_spans(looker);
  record_lifecycles();
  std::uint64_t drained = 0;
  const std::size_t passes =
      Passes{state, iterations}.run([&] { drained += ft::drain_spans(looker).spans; }, record_lifecycles);
  benchmark::DoNotOptimize(looker.seen);
  if (drained != passes * iterations) state.SkipWithError("spans are missing");
}
BENCHMARK(BM_drain);

/// Per span, held by a tail sampler, decided, and one trace in ten passed on.
void BM_drain_tail(benchmark::State& state) {
  CountingSink sink;
  ft::TailSampler tail{{.slow_quantile = 0.99, .ratio = 0.1}, sink};
  ft::drain_spans(sink);
  record_lifecycles();
  const std::size_t passes = Passes{state, iterations}.run(
      [&] {
        ft::drain_spans(tail);
        if (!tail.flush()) state.SkipWithError("the sink is full");
      },
      record_lifecycles);
  const ft::TailSamplerInfo info = tail.info();
  state.counters["kept"] = static_cast<double>(info.kept);
  if (info.received != passes * iterations || info.kept + info.dropped() != info.received) {
    state.SkipWithError("spans are missing");
  }
}
BENCHMARK(BM_drain_tail);

/// Per span: drained into JSON, which is then forgotten.
template <class Append>
class JsonSink final : public ft::SpanSink {
 public:
  explicit JsonSink(Append append) : append_{append} {}
  ft::SinkAnswer span(const ft::SpanRecord& record) override {
    append_(out, record);
    ++encoded;
    if (out.size() < std::size_t{64} << 10U) return ft::SinkAnswer::taken;
    bytes += out.size();
    out.clear();
    return ft::SinkAnswer::taken;
  }
  ft::ByteBuffer out;
  std::uint64_t encoded = 0;
  std::uint64_t bytes = 0;

 private:
  Append append_;
};

template <class Append>
void run_json(benchmark::State& state, Append append) {
  JsonSink sink{append};
  const auto drain = [&] { ft::drain_spans(sink); };
  drain();
  sink.encoded = sink.bytes = 0;
  record_lifecycles();
  const std::size_t passes = Passes{state, iterations}.run(drain, record_lifecycles);
  state.counters["bytes"] = static_cast<double>(sink.bytes) / static_cast<double>(sink.encoded);
  if (sink.encoded != passes * iterations) state.SkipWithError("spans are missing");
}

void BM_json_line_lifecycle(benchmark::State& state) {
  run_json(state, [](ft::ByteBuffer& out, const ft::SpanRecord& record) { ft::append_json_line(out, record); });
}
BENCHMARK(BM_json_line_lifecycle);

void BM_chrome_lifecycle(benchmark::State& state) {
  run_json(state, [](ft::ByteBuffer& out, const ft::SpanRecord& record) {
    ft::append_chrome_event(out, record, {.process_id = 1, .base_unix_ns = 1'700'000'000'000'000'000});
  });
}
BENCHMARK(BM_chrome_lifecycle);

#ifdef FAST_TELEMETRY_HAS_OTLP
/// Per span: drained into OTLP requests, which are finished.
void run_otlp(benchmark::State& state, void (*record)()) {
  ft::OtlpSpanEncoder encoder{{{"service.name", "bench"}}};
  std::uint64_t encoded = 0;
  std::uint64_t bytes = 0;
  const auto encode = [&] {
    for (bool is_complete = false; !is_complete;) {
      is_complete = ft::drain_spans(encoder).is_complete;
      const ft::OtlpSpanEncoder::Request request = encoder.finish();
      encoded += request.count;
      bytes += request.bytes.size();
    }
  };
  encode();
  encoded = bytes = 0;
  record();
  const std::size_t passes = Passes{state, iterations}.run(encode, record);
  state.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(encoded);
  if (encoded != passes * iterations) state.SkipWithError("spans are missing");
}

/// Per span: recorded by this thread while another drains and encodes, nothing dropped. The recording thread waits when
/// it is four bursts ahead, so the figure is the slower side's.
void BM_sustained(benchmark::State& state) {
  const ft::SpanInfo before = ft::span_info();
  std::atomic<std::uint64_t> encoded{0};
  std::atomic<bool> is_over{false};
  std::thread exporter{[&] {
    ft::OtlpSpanEncoder encoder{{{"service.name", "bench"}}};
    for (bool is_last = false; !is_last;) {
      is_last = is_over.load();
      for (bool is_complete = false; !is_complete;) {
        is_complete = ft::drain_spans(encoder).is_complete;
        encoded.fetch_add(encoder.finish().count);
      }
    }
  }};
  std::uint64_t recorded = 0;
  Passes{state, iterations}.run([&] {
    record_lifecycles();
    recorded += iterations;
    while (recorded - encoded.load() > 4 * iterations) std::this_thread::yield();
  });
  is_over.store(true);
  exporter.join();
  const ft::SpanInfo after = ft::span_info();
  state.counters["recorded"] = static_cast<double>(after.recorded - before.recorded);
  state.counters["drained"] = static_cast<double>(after.drained - before.drained);
  state.counters["dropped"] = static_cast<double>(after.dropped() - before.dropped());
  if (encoded.load() != recorded || after.dropped() != before.dropped()) state.SkipWithError("spans are missing");
}
BENCHMARK(BM_sustained)->UseRealTime();

void BM_otlp_lifecycle(benchmark::State& state) { run_otlp(state, record_lifecycles); }
BENCHMARK(BM_otlp_lifecycle);

void BM_otlp_root(benchmark::State& state) {
  run_otlp(state, [] {
    for (std::size_t i = 0; i < iterations; ++i) tracer().root("root").end();
  });
}
BENCHMARK(BM_otlp_root);

void BM_otlp_attributes(benchmark::State& state) {
  run_otlp(state, [] {
    for (std::size_t i = 0; i < iterations; ++i) record_attributes(i);
  });
}
BENCHMARK(BM_otlp_attributes);
#endif

}  // namespace
