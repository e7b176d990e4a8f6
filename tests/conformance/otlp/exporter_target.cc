// SPDX-License-Identifier: Apache-2.0
//
// A program that exports by OTLP over HTTP, for the receivers that read it back.
//
//     exporter_target values URL none|gzip   records and exports at each line of its input
//     exporter_target threads URL            exports with every preference to URL/<preference>, while threads record
#include <fast_telemetry/counter.h>
#include <fast_telemetry/distribution.h>
#include <fast_telemetry/dynamic.h>
#include <fast_telemetry/export/otlp_metric_exporter.h>
#include <fast_telemetry/export/otlp_span_exporter.h>
#include <fast_telemetry/gauge.h>
#include <fast_telemetry/histogram.h>
#include <fast_telemetry/info_metric.h>
#include <fast_telemetry/labeled.h>
#include <fast_telemetry/observable.h>
#include <fast_telemetry/spans/tracer.h>
#include <fast_telemetry/state_set.h>

#include <atomic>
#include <exception>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace {

enum class Method : std::uint8_t { get, put };
constexpr ft::Label label(Method method) { return ft::from_enumerator("method", method); }

ft::Exporter::Time soon() { return std::chrono::steady_clock::now() + 20s; }

void print(const ft::Exporter& exporter, const std::string& name) {
  const ft::DeliveryInfo info = exporter.info();
  std::cout << "\"" << name << "\": {\"items\": " << info.items << ", \"delivered\": " << info.delivered
            << ", \"unconfirmed\": " << info.unconfirmed << ", \"rejected\": " << info.rejected
            << ", \"dropped\": " << info.dropped() << ", \"queued\": " << info.queued
            << ", \"retries\": " << info.retries << "}";
}

// ---- values ----

struct Values {
  ft::Registry registry;
  ft::Scope scope{registry, "shop", {{"zone", "größe \"a\"\\"}}};
  ft::Labeled<ft::Counter, Method> requests{scope, {.name = "requests", .help = "By method."}};
  ft::FloatCounter cost{scope, {.name = "cost"}};
  ft::UpDownCounter open{scope, {.name = "open"}};
  ft::Gauge<std::int64_t> limit{scope, {.name = "limit", .unit = ft::Unit::bytes}};
  ft::Gauge<double> load{scope, {.name = "load", .unit = ft::Unit::ratio}};
  ft::FloatHistogram change{scope, {.name = "change"}, ft::FloatBounds{0.5, 1, 2.5}};
  ft::Distribution sizes{scope, {.name = "sizes", .unit = ft::Unit::bytes}, ft::Range{1, 1'000'000}};
  ft::InfoMetric version{scope, {.name = "version"}, {{"number", "1.2.3"}}};
  ft::StateSet<Method> state{scope, {.name = "state"}};

  void record() {
    requests.with(Method::get).add(3);
    requests.with(Method::put).add(1'000'000'007);
    cost.add(0.25);
    open.add(5);
    open.sub(2);
    limit.set(-1'234'567'890'123);
    load.set(0.125);
    for (const double value : {0.25, 0.5, 0.75, 2.0, 100.0}) change.record(value);
    for (const std::uint64_t value : {1U, 10U, 100U, 1000U, 1000U}) sizes.record(value);
    state.set(Method::put);
  }
};

void export_values(const std::string& url, const std::string& compression) {
  Values values;
  ft::OtlpMetricExporterOptions options{.http = {.endpoint = url}};
  if (compression == "gzip") options.http.compression = ft::OtlpCompression::gzip;
  options.http.delivery.attempt_timeout = 5s;
  ft::OtlpMetricExporter exporter{
      values.registry, {{"service.name", "shop"}, {"compression", ft::Text{compression}}}, options};
  for (std::string line; std::getline(std::cin, line);) {
    values.record();
    exporter.flush(soon());
    std::cout << "{";
    print(exporter, "metrics");
    std::cout << "}" << std::endl;
  }
}

// ---- threads ----

constexpr std::uint64_t writers = 3;
constexpr std::uint64_t operations = 300'000;  // of each
constexpr std::uint64_t per_span = 500;

struct Metrics {
  ft::Registry registry;
  ft::Scope scope{registry, "shop", {}};
  ft::Labeled<ft::Counter, Method> requests{scope, {.name = "requests"}};
  ft::UpDownCounter open{scope, {.name = "open"}};
  ft::Histogram latency{scope, {.name = "latency"}, ft::Bounds{10, 100, 500}};
  ft::Distribution sizes{scope, {.name = "sizes"}, ft::Range{1, 10'000}};
  ft::Dynamic<ft::Counter, 1> users{scope, {.name = "users"}, {"user"}, {.max_series = 100}};
  std::atomic<std::uint64_t> computed{0};
  ft::ObservableCounter<std::uint64_t> observed{scope, {.name = "observed"}, [this] { return computed.load(); }};

  void record(std::uint64_t n) {
    requests.with(n % 2 == 0 ? Method::get : Method::put).add(1);
    n % 4 == 0 ? open.sub(1) : open.add(1);
    latency.record(n % 1000);
    sizes.record(n % 5000);
    users.at(n % 50).add(n);
    computed.fetch_add(1);
  }
};

ft::OtlpHttpOptions to(const std::string& url) {
  ft::OtlpHttpOptions options{.endpoint = url, .compression = ft::OtlpCompression::gzip};
  options.delivery.initial_backoff = 1ms;  // the receiver fails often
  options.delivery.max_backoff = 5ms;
  return options;
}

void export_while_threads_record(const std::string& url) {
  Metrics metrics;
  const ft::Tracer tracer{"shop"};
  const ft::ResourceAttribute resource[] = {{"service.name", "shop"}};
  ft::OtlpMetricExporter cumulative{metrics.registry, resource, {.http = to(url + "/cumulative")}};
  ft::OtlpMetricExporter delta{
      metrics.registry, resource, {.http = to(url + "/delta"), .temporality = ft::OtlpTemporality::delta}};
  // The metrics of one series in several requests.
  ft::OtlpMetricExporter low_memory{metrics.registry,
                                    resource,
                                    {.http = to(url + "/low_memory"),
                                     .temporality = ft::OtlpTemporality::low_memory,
                                     .encoding = {.max_request_bytes = 4000}}};
  ft::OtlpSpanExporter spans{resource, {.http = to(url + "/spans"), .encoding = {.max_request_bytes = 4000}}};

  std::atomic<std::uint64_t> running{writers};
  std::vector<std::thread> threads;
  for (std::uint64_t writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      for (std::uint64_t n = 0; n < operations; ++n) {
        metrics.record(n);
        if (n % per_span != 0) continue;
        ft::Span span = tracer.root("operation");
        span.set_attribute("number", static_cast<std::int64_t>(writer * operations + n));
      }
      --running;
    });
  }
  while (running != 0) {
    for (ft::Exporter* const exporter : {static_cast<ft::Exporter*>(&cumulative), static_cast<ft::Exporter*>(&delta),
                                         static_cast<ft::Exporter*>(&low_memory)}) {
      exporter->export_once(soon());
    }
    ft::drain_spans(spans);
    spans.export_once(soon());
  }
  for (std::thread& thread : threads) thread.join();
  ft::drain_spans(spans);
  std::cout << "{\"writers\": " << writers << ", \"operations\": " << operations << ", \"per_span\": " << per_span;
  for (ft::Exporter* const exporter : {static_cast<ft::Exporter*>(&cumulative), static_cast<ft::Exporter*>(&delta),
                                       static_cast<ft::Exporter*>(&low_memory), static_cast<ft::Exporter*>(&spans)}) {
    // What waits may be totals of before: the last collection is the one after it.
    for (int i = 0; i < 2; ++i) {
      ft::DeliveryReport report = exporter->flush(soon());
      while (!report.is_complete()) {
        // No synchronisation: the back-off, which an exporter leaves to who drives it. A few milliseconds (to()).
        std::this_thread::sleep_for(*report.next_attempt_in);
        report = exporter->deliver(soon());
      }
    }
  }
  std::cout << ", ";
  print(cumulative, "cumulative");
  std::cout << ", ";
  print(delta, "delta");
  std::cout << ", ";
  print(low_memory, "low_memory");
  std::cout << ", ";
  print(spans, "spans");
  std::cout << "}" << std::endl;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments{argv + 1, argv + argc};
  if (arguments.size() == 3 && arguments[0] == "values") {
    export_values(arguments[1], arguments[2]);
  } else if (arguments.size() == 2 && arguments[0] == "threads") {
    export_while_threads_record(arguments[1]);
  } else {
    std::cerr << "usage: exporter_target values URL none|gzip | threads URL\n";
    return 2;
  }
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
