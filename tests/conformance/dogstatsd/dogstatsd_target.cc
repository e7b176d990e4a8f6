// SPDX-License-Identifier: Apache-2.0
//
// A program that exports to the agent at the URL it is given. Each line of its input adds to its metrics and exports
// once; each line of its output is `ok` or why the export is unfinished.
#include <cstdint>
#include <iostream>
#include <string>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/export/dogstatsd.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/labeled.h"

namespace ft = fast_telemetry;

namespace {

enum class Method : std::uint8_t { get, put };
constexpr ft::Label label(Method method) { return ft::from_enumerator("method", method); }

struct Metrics {
  explicit Metrics(ft::Registry& registry) : scope{registry, "proxy", {{"zone", "a"}}} {}

  ft::Scope scope;
  ft::Labeled<ft::Counter, Method> requests{scope, {.name = "requests"}};
  ft::FloatCounter cpu{scope, {.name = "cpu", .unit = ft::Unit::seconds}};
  ft::UpDownCounter open{scope, {.name = "open"}};
  ft::Gauge<double> load{scope, {.name = "load"}};
  ft::Gauge<std::int64_t> limit{scope, {.name = "limit"}};
  ft::Dynamic<ft::Counter, 1> tenants{scope, {.name = "tenants"}, {"tenant"}};
};

}  // namespace

int main(int argc, char** argv) {
  const auto address = argc == 2 ? ft::DogStatsdAddress::parse(argv[1]) : std::nullopt;
  if (!address) {
    std::cerr << "usage: dogstatsd_target URL\n";
    return 2;
  }
  ft::Registry registry;
  Metrics metrics{registry};
  ft::DogStatsdExporter exporter{registry, {.address = *address, .lines = {.tags = {{"env", "prod"}}}}};
  std::string line;
  while (std::getline(std::cin, line)) {
    metrics.requests.with(Method::get).add(3);
    metrics.requests.with(Method::put).add(1'000'000'007);
    metrics.cpu.add(0.25);
    metrics.open.add(5);
    metrics.open.sub(2);
    metrics.load.set(0.125);  // to both servers, unlike to agents, a sign would mean a change
    metrics.limit.set(1'234'567'890'123);
    metrics.tenants.at("x|c\ny:1|c,z=#").add(2);
    exporter.export_once(std::chrono::steady_clock::now() + std::chrono::seconds{10});
    const ft::DogStatsdReport& report = exporter.report();
    std::cout << (report.is_complete() ? "ok" : report.error.message()) << std::endl;
  }
}
