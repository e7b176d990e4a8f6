// A struct of metrics is the unit people write: members register themselves into a scope.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/encoding/prometheus_text.h>
#include <fast_telemetry/gauge.h>
#include <fast_telemetry/histogram.h>
#include <fast_telemetry/labeled.h>
#include <fast_telemetry/snapshot.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

namespace ft = fast_telemetry;

enum class Method : std::uint8_t { get, put, remove };

constexpr ft::Label label(Method m) {
  switch (m) {
    case Method::get: return {"method", "get"};
    case Method::put: return {"method", "put"};
    case Method::remove: return {"method", "delete"};
  }
  return {};  // past the last enumerator: this is how the library learns that there are three
}

enum class Phase : std::uint8_t { parse, execute, reply };

constexpr ft::Label label(Phase p) { return ft::from_enumerator("phase", p); }

struct ServiceMetrics {
  explicit ServiceMetrics(ft::Registry& registry, const char* listener)
      : scope{registry, "service", {{"listener", listener}}} {}

  ft::Scope scope;
  ft::Counter requests{scope, {.name = "requests", .help = "Requests read completely."}};
  ft::Labeled<ft::Counter, Method, Phase> failures{scope, {.name = "failures", .help = "Failed requests."}};
  ft::Histogram latency{scope, {.name = "latency", .help = "First byte to last byte."}, ft::buckets::latency};
  ft::Gauge<double> load{scope, {.name = "load", .help = "Share of workers busy.", .unit = ft::Unit::ratio}};
};

int main() {
  ft::Registry registry;
  ServiceMetrics metrics{registry, "public"};
  {
    std::vector<std::jthread> workers;
    for (int w = 0; w < 4; ++w) {
      workers.emplace_back([&metrics] {
        for (int i = 0; i < 10'000; ++i) {
          metrics.requests.add();
          if (i % 100 == 0) metrics.failures.with(Method::put, Phase::execute).add();
          metrics.latency.record(std::chrono::microseconds{i % 700});
        }
      });
    }
  }
  metrics.load.set(0.25);

  ft::ByteBuffer text;
  ft::PrometheusTextEncoder encoder{text};
  ft::Reader reader{registry};
  reader.collect().visit(encoder);
  std::fwrite(text.view().data(), 1, text.view().size(), stdout);
}
