// SPDX-License-Identifier: Apache-2.0
//
// Records metrics of all kinds with hostile labels, lets readers of each temporality collect them several times, and
// writes into a folder: `<reader>-<collection>-<request>` as it would be sent, `<reader>-<collection>.jsonl`, the same
// in lines of JSON, and `<reader>-<collection>.json`, what a visitor was shown of the same snapshot, text and doubles
// in hexadecimal. Readers ending in `-split` have small requests. The last line of output is the library's version.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "fast_telemetry/build_info.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/dynamic_free.h"
#include "fast_telemetry/encoding/json_metrics.h"
#include "fast_telemetry/encoding/otlp_metrics.h"
#include "fast_telemetry/extrema.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/info_metric.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/observable.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/state_set.h"
#include "fast_telemetry/storage_info.h"

namespace ft = fast_telemetry;

namespace {

// ── what a visitor is shown, as JSON ───────────────────────────────────────────────────────────────────────────────

class ShownAsJson final : public ft::Visitor {
 public:
  std::string text;

  void begin(const ft::Collection& collection) override {
    text = "{\"time\": " + std::to_string(collection.time_unix_ns) +
           ", \"since\": " + std::to_string(collection.since_unix_ns) + ", \"families\": [";
  }
  void family(const ft::Family& family) override {
    text += (is_first_family_ ? "" : "]},") + std::string{"\n{"} + "\"scope\": " + hex(family.scope) +
            ", \"name\": " + hex(family.name) + ", \"full_name\": " + hex(family.full_name) +
            ", \"help\": " + hex(family.help) + ", \"unit\": " + std::to_string(static_cast<int>(family.unit)) +
            ", \"kind\": " + std::to_string(static_cast<int>(family.kind)) +
            ", \"delta\": " + (family.temporality == ft::Temporality::delta ? "true" : "false") + ", \"points\": [";
    is_first_family_ = false;
    is_first_point_ = true;
  }
  void sum(const ft::Series& series, const ft::NumberPoint<std::uint64_t>& point) override { number(series, point); }
  void sum(const ft::Series& series, const ft::NumberPoint<std::int64_t>& point) override { number(series, point); }
  void sum(const ft::Series& series, const ft::NumberPoint<double>& point) override { number(series, point); }
  void gauge(const ft::Series& series, const ft::NumberPoint<std::int64_t>& point) override { number(series, point); }
  void gauge(const ft::Series& series, const ft::NumberPoint<double>& point) override { number(series, point); }
  void histogram(const ft::Series& series, const ft::HistogramPoint& point) override {
    begin_point(series);
    text +=
        ", \"sum\": " + of(point.sum) + ", \"bounds\": " + list(point.bounds) + ", \"buckets\": " + list(point.buckets);
    extrema(point);
    exemplars(point.exemplars);
  }
  void histogram(const ft::Series& series, const ft::ExponentialPoint& point) override {
    begin_point(series);
    text += ", \"sum\": " + of(point.sum) + ", \"scale\": " + std::to_string(point.scale) +
            ", \"offset\": " + std::to_string(point.offset) + ", \"zero_threshold\": " + of(point.zero_threshold) +
            ", \"zero_count\": " + std::to_string(point.zero_count) + ", \"buckets\": " + list(point.buckets);
    extrema(point);
    exemplars(point.exemplars);
  }
  void info(const ft::Series& series) override {
    begin_point(series);
    text += "}";
  }
  void state_set(const ft::Series& series, std::span<const ft::State> states) override {
    begin_point(series);
    text += ", \"states\": [";
    for (const ft::State& state : states) {
      text += (&state == states.data() ? "[" : ", [") + hex(state.name) + (state.enabled ? ", 1]" : ", 0]");
    }
    text += "]}";
  }
  void end() override { text += is_first_family_ ? "]}\n" : "]}]}\n"; }

 private:
  static std::string hex(std::string_view bytes) {
    std::string digits = "\"";
    for (const char byte : bytes) {
      char two[3];
      std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(byte));
      digits += two;
    }
    return digits + "\"";
  }
  static std::string hex(std::span<const std::byte> bytes) {
    return hex(std::string_view{reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  static std::string of(double value) {
    char digits[64];
    std::snprintf(digits, sizeof digits, "\"%a\"", value);
    return digits;
  }
  static std::string of(std::uint64_t value) { return std::to_string(value); }
  static std::string of(std::int64_t value) { return std::to_string(value); }

  template <class Value>
  static std::string list(std::span<const Value> values) {
    std::string elements;
    for (const Value& value : values) elements += (elements.empty() ? "" : ", ") + of(value);
    return "[" + elements + "]";
  }

  void begin_point(const ft::Series& series) {
    text += (is_first_point_ ? "\n {" : ",\n {") + std::string{"\"born\": "} + std::to_string(series.born_unix_ns) +
            ", \"labels\": " + labels(series.labels);
    is_first_point_ = false;
  }
  static std::string labels(std::span<const ft::Label> labels) {
    std::string pairs;
    for (const ft::Label& label : labels) {
      pairs += (pairs.empty() ? "[" : ", [") + hex(view(label.key)) + ", " + hex(view(label.value)) + "]";
    }
    return "[" + pairs + "]";
  }
  template <class Value>
  void number(const ft::Series& series, const ft::NumberPoint<Value>& point) {
    begin_point(series);
    text += ", \"value\": " + of(point.value);
    exemplars({&point.exemplar, point.exemplar == nullptr ? std::size_t{0} : 1});
  }
  template <class Point>
  void extrema(const Point& point) {
    if (point.min) text += ", \"min\": " + of(*point.min);
    if (point.max) text += ", \"max\": " + of(*point.max);
  }
  void exemplars(std::span<const ft::Exemplar* const> exemplars) {
    std::string all;
    for (const ft::Exemplar* const exemplar : exemplars) {
      if (exemplar == nullptr) continue;
      all += (all.empty() ? "{" : ", {") + std::string{"\"value\": "} + of(exemplar->value) +
             ", \"time\": " + std::to_string(exemplar->time_unix_ns) + ", \"trace_id\": " + hex(exemplar->trace_id) +
             ", \"span_id\": " + hex(exemplar->span_id) + ", \"labels\": " + labels(exemplar->labels) + "}";
    }
    text += ", \"exemplars\": [" + all + "]}";
  }

  bool is_first_family_ = true;
  bool is_first_point_ = true;
};

// ── what is recorded ───────────────────────────────────────────────────────────────────────────────────────────────

enum class Command : std::uint8_t { get, set, del };
constexpr ft::Label label(Command command) { return ft::from_enumerator("command", command); }
enum class Bad : std::uint8_t { quote, newline, bytes };
constexpr ft::Label label(Bad bad) {
  switch (bad) {
    case Bad::quote: return {"bad", "\"{}\\"};
    case Bad::newline: return {"bad", "\n\r\t"};
    case Bad::bytes: return {"bad", "\xC0\xAF\xED\xA0\x80\xFF"};
  }
  return {};
}

struct Metrics {
  ft::Registry registry;
  ft::Scope scope{registry, "shop", {{"instance", "größe \xFF"}}};
  ft::Scope inner{scope, "cart", {}};

  ft::Counter plain{registry, {.name = "plain"}};
  ft::Counter never{registry, {.name = "never_written"}};
  ft::Labeled<ft::Counter, Command, Bad> requests{scope,
                                                  {.name = "requests", .help = "Requests, \"quoted\"\n\xFF\xFE."}};
  ft::Counter huge{scope, {.name = "huge"}};
  ft::FloatCounter cost{inner, {.name = "cost", .unit = ft::Unit::joules}};
  ft::UpDownCounter open{scope, {.name = "open", .help = "Connections."}};
  ft::Gauge<std::int64_t> limit{scope, {.name = "limit", .unit = ft::Unit::bytes}};
  ft::Gauge<double> load{scope, {.name = "load", .unit = ft::Unit::ratio}};
  ft::MaxGauge<std::int64_t> most{scope, {.name = "most"}};
  ft::MinGauge<double> least{scope, {.name = "least", .unit = ft::Unit::volts}};
  ft::Labeled<ft::Histogram, Bad> latency{scope, {.name = "latency", .help = "Time."}, ft::buckets::latency};
  ft::Histogram large{scope, {.name = "large"}, ft::Bounds{std::uint64_t{1} << 60U, (std::uint64_t{1} << 60U) + 1}};
  ft::FloatHistogram change{scope, {.name = "change", .unit = ft::Unit::meters}, ft::FloatBounds{-1.5, 0, 2.25}};
  ft::Distribution sizes{
      scope, {.name = "sizes", .unit = ft::Unit::bytes}, ft::Range{64, 1'000'000'000}, {.extrema = true}};
  ft::FloatDistribution voltages{scope, {.name = "voltages"}, ft::FloatRange{1e-3, 1e3}, {.scale = 0}};
  ft::Labeled<ft::StateSet<Command>, Bad> state{scope, {.name = "state", .help = "What is done."}};
  ft::InfoMetric version{inner, {.name = "version"}, {{"number", "1.2.3"}, {"text", "\xFF"}}};
  ft::DynamicFree<ft::Counter> users{scope, {.name = "users"}, {.max_series = 500}};
  ft::DynamicFree<ft::UpDownCounter> queued{scope, {.name = "queued"}, {.max_series = 500}};
  std::uint64_t computed = 0;
  ft::ObservableCounter<std::uint64_t> observed{scope, {.name = "observed"}, [this] { return computed; }};
  ft::ObservableCounter<double> observed_seconds{scope, {.name = "observed_time", .unit = ft::Unit::seconds}, [this] {
                                                   return static_cast<double>(computed) / 3;
                                                 }};
  ft::ObservableUpDownCounter<std::int64_t> observed_level{
      scope, {.name = "observed_level"}, [this] { return 10 - static_cast<std::int64_t>(computed); }};
  ft::ObservableGauge<double> observed_gauge{scope, {.name = "observed_gauge"}, [] { return 0.5; }};
  std::unique_ptr<ft::Counter> late;

  static ft::TraceRef trace(std::size_t n, bool with_span) {
    ft::TraceRef made{};
    made.trace_id[0] = static_cast<std::byte>(n + 1);
    made.trace_id[15] = std::byte{0xFF};
    if (with_span) made.span_id[7] = static_cast<std::byte>(n + 1);
    return made;
  }

  void record(std::size_t round) {
    const std::uint64_t n = 10 * round + 3;
    plain.add(n);
    for (const Command command : {Command::get, Command::del}) {
      requests.with(command, Bad::quote).add(n, trace(round, true));
      requests.with(command, Bad::bytes).add(2 * n, trace(round, false));
      requests.with(command, static_cast<Bad>(17)).add(1);
    }
    if (round == 0) huge.add(~std::uint64_t{0} - 1000);
    cost.add(0.1 * static_cast<double>(n), trace(round, true));
    round % 2 == 0 ? open.add(static_cast<std::int64_t>(n)) : open.sub(100);
    limit.set(-static_cast<std::int64_t>(n));
    load.set(1.0 / static_cast<double>(n));
    for (std::uint64_t i = 0; i < 50; ++i) {
      most.observe(static_cast<std::int64_t>(i * n));
      least.observe(-0.25 * static_cast<double>(i * n));
      latency.with(Bad::newline).record(i * i * i * 1'000'000 * n, trace(i, i % 2 == 0));
      latency.with(Bad::bytes).record(i);
      change.record(static_cast<double>(i % 7) - 3, trace(i, true));
      sizes.record(i * i * i * n, trace(i, true));
      voltages.record(0.01 * static_cast<double>(i * n));
    }
    large.record(n);
    if (round == 2) large.record((std::uint64_t{1} << 60U) + 1);
    state.with(Bad::newline).set(static_cast<Command>(round % 3));
    for (std::uint64_t i = 0; i < 200; i += round % 2 + 1) {
      users.at({{"user", i}, {"text", std::string(i % 40, 'x')}}).add(i + n);
      queued.at({{"queue", i}}).sub(static_cast<std::int64_t>(i));
    }
    computed += n;
    if (round == 2) {
      late = std::make_unique<ft::Counter>(scope, ft::Info{.name = "late"});
      late->add(5);
    }
    if (round == 4) late = nullptr;
  }
};

/// A reader, and the encoders that it shows its collections.
class Exporter {
 public:
  Exporter(std::string name, ft::Registry& registry, const ft::ReaderOptions& options, std::filesystem::path folder)
      : name_{std::move(name)}, folder_{std::move(folder)}, reader_{registry, options} {}

  void collect(std::size_t round) {
    const ft::Snapshot& snapshot = reader_.collect();
    const ft::StorageInfo storage = ft::storage_info();  // once: it may change between two visits
    ShownAsJson shown;
    snapshot.visit(shown, storage);
    snapshot.visit(whole_, storage);
    snapshot.visit(split_, storage);
    snapshot.visit(lines_, storage);
    write(name_, round, shown, whole_);
    write(name_ + "-split", round, shown, split_);
    std::ofstream lines{folder_ / (name_ + "-" + std::to_string(round) + ".jsonl"), std::ios::binary};
    for (const ft::OtlpJsonMetricEncoder::Line& line : lines_.lines()) lines << line.text;
    if (round % 3 != 1) reader_.accept();  // else the next window is this one and more
  }

 private:
  void write(const std::string& name, std::size_t round, const ShownAsJson& shown,
             const ft::OtlpMetricEncoder& encoder) const {
    const std::string collection = name + "-" + std::to_string(round);
    std::ofstream{folder_ / (collection + ".json"), std::ios::binary} << shown.text;
    for (std::size_t i = 0; i < encoder.requests().size(); ++i) {
      std::ofstream{folder_ / (collection + "-" + std::to_string(i)), std::ios::binary} << encoder.requests()[i].bytes;
    }
  }

  static inline const ft::ResourceAttribute scope_attributes[] = {{"part", "cart \xFF"}, {"number", 7}};
  static inline const ft::OtlpMetricOptions split_options{.max_request_bytes = 8000,
                                                          .scope_name = "shop\xFF",
                                                          .scope_version = "2.0",
                                                          .scope_attributes = scope_attributes,
                                                          .schema_url = "https://example.com/1.0.0"};
  std::string name_;
  std::filesystem::path folder_;
  ft::Reader reader_;
  static constexpr ft::ResourceAttribute resource[] = {{"service.name", "größe\xFF"}};
  ft::OtlpMetricEncoder whole_{resource};
  ft::OtlpMetricEncoder split_{resource, split_options};
  ft::OtlpJsonMetricEncoder lines_{resource};
};

void run(const std::filesystem::path& folder) {
  Metrics metrics;
  std::vector<std::unique_ptr<Exporter>> exporters;
  const auto exporter = [&](const char* name, const ft::ReaderOptions& options) {
    exporters.push_back(std::make_unique<Exporter>(name, metrics.registry, options, folder));
  };
  using ft::Temporality;
  using ft::Totals;
  exporter("cumulative", {});
  exporter("delta", {.temporality = Temporality::delta, .totals = Totals::up_down_counters});
  exporter("lowmemory", {.temporality = Temporality::delta, .totals = Totals::up_down_counters_and_observables});
  exporter("differences", {.temporality = Temporality::delta});
  for (std::size_t round = 0; round < 7; ++round) {
    if (round != 3) metrics.record(round);
    for (const auto& each : exporters) each->collect(round);
  }
  const ft::Text version = ft::library_version();
  std::cout << std::string_view{version.data(), version.size()} << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: recorded_metrics FOLDER\n";
    return 2;
  }
  run(argv[1]);
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
