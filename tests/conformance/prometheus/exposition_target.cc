// SPDX-License-Identifier: Apache-2.0
//
// What run_prometheus.py has scraped: a metric of every type, told over stdin what to do. Prints its port, then one
// line per command.
//
//   add N                      N more of everything (see Metrics::add)
//   counter HEX N              a counter `fuzz` with the label value HEX (bytes in hexadecimal), N added
//   help NUMBER HEX            a gauge `fuzz_help_NUMBER` with that help text
//   dynamic HEX N              N more of every dynamic metric's series with the label value HEX (see Dynamics::add)
//   evict                      every dynamic series that is not written meanwhile
//   pushed HEX N               a delta reader collects; it must have had N in all of that series of `by_value`
//   trace HEX MS               an observation of so many milliseconds with those ids (16 and 8 bytes)
//   quit
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <iostream>
#include <map>
#include <string>

#include "fast_telemetry/build_info.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/counter_set.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/dynamic_free.h"
#include "fast_telemetry/export/exposer.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/observable.h"
#include "fast_telemetry/state_set.h"
#include "fast_telemetry/sweeper.h"
#include "fast_telemetry/testing/recording_visitor.h"

namespace ft = fast_telemetry;

namespace {

enum class Method : std::uint8_t { get, put };
constexpr ft::Label label(Method method) {
  switch (method) {
    case Method::get: return {"method", "GET"};
    case Method::put: return {"method", "say \"put\"\\\n}"};
  }
  return {};
}

enum class Outcome : std::uint8_t { ok, failed };
constexpr ft::Label label(Outcome outcome) { return ft::from_enumerator("outcome", outcome); }

using namespace std::chrono_literals;

struct Metrics {
  explicit Metrics(const ft::Scope& scope)
      : plain{scope, {.name = "plain", .help = "A counter. \"Quotes\", a back\\slash,\na second line and # EOF\n."}},
        received{scope, {.name = "received", .help = "A counter with a unit.", .unit = ft::Unit::bytes}},
        by_enum{scope, {.name = "by_enum", .help = "A counter per method and outcome."}},
        whole{scope, {.name = "whole", .help = "A whole number."}},
        real{scope, {.name = "real", .help = "A real number."}},
        not_a_number{scope, {.name = "not_a_number", .help = "Not a number."}},
        endless{scope, {.name = "endless", .help = "Without end."}},
        state_by_enum{scope, {.name = "state_by_enum", .help = "A gauge per outcome."}},
        latency{scope, {.name = "latency", .help = "A histogram of durations."}, ft::buckets::durations(10us, 5ms, 1s)},
        size{scope, {.name = "size", .help = "A histogram of integers."}, ft::Bounds{1, 1'000'000, 10'000'000'000}},
        level{scope, {.name = "level", .help = "A histogram of doubles."}, ft::FloatBounds{-2.5, 0, 0.1, 1e22}},
        latency_by_enum{
            scope, {.name = "latency_by_enum", .help = "A histogram per outcome."}, ft::buckets::durations(1ms)},
        build{ft::build_info(scope, {.version = "1.2.3", .revision = label(Method::put).value, .compiler = "cc 7"})},
        state{scope, {.name = "state", .help = "A state set."}},
        observed{scope, {.name = "observed", .help = "A counter that is read."}, [this] { return plain.value(); }},
        observed_level{
            scope, {.name = "observed_level", .help = "A gauge that is read."}, [this] { return real.get(); }},
        observed_by_enum{scope,
                         {.name = "observed_by_enum", .help = "Read for one outcome of two."},
                         [this](auto& observer) { observer.observe(whole.get(), Outcome::failed); }},
        traced{scope, {.name = "traced", .help = "A distribution with exemplars."}, ft::Range::latency()},
        traced_requests{scope,
                        {.name = "traced_requests", .help = "A histogram with exemplars."},
                        ft::buckets::durations(100ms, 1s)},
        traced_by_enum{scope, {.name = "traced_by_enum", .help = "A counter with exemplars."}} {}

  void add(std::uint64_t n) {
    plain.add(n);
    received.add(1'000'000'007 * n);
    by_enum.with(Method::get, Outcome::ok).add(2 * n);
    by_enum.with(Method::put, Outcome::failed).add(3 * n);
    by_enum.with(static_cast<Method>(200), Outcome::ok).add(5 * n);
    whole.set(-static_cast<std::int64_t>(n));
    real.set(0.1 * static_cast<double>(n));
    not_a_number.set(std::numeric_limits<double>::quiet_NaN());
    endless.set(-std::numeric_limits<double>::infinity());
    state_by_enum.with(Outcome::failed).set(static_cast<std::int64_t>(7 * n));
    state.set(n == 0 ? Method::get : Method::put);
    for (std::uint64_t i = 0; i < n; ++i) {
      latency.record(10us);
      latency.record(2s);
      size.record(1'000'001);
      level.record(-3.0);
      level.record(0.1);
      level.record(1e300);
      latency_by_enum.with(Outcome::ok).record(1500us);
    }
  }

  void trace(const ft::TraceRef& trace, std::chrono::milliseconds time) {
    traced.record(time, trace);
    traced_requests.record(time, trace);
    traced_by_enum.with(Outcome::failed).add(2, trace);
  }

  ft::Counter plain;
  ft::Counter received;
  ft::Labeled<ft::Counter, Method, Outcome> by_enum;
  ft::Gauge<std::int64_t> whole;
  ft::Gauge<double> real;
  ft::Gauge<double> not_a_number;
  ft::Gauge<double> endless;
  ft::Labeled<ft::Gauge<std::int64_t>, Outcome> state_by_enum;
  ft::Histogram latency;
  ft::Histogram size;
  ft::FloatHistogram level;
  ft::Labeled<ft::Histogram, Outcome> latency_by_enum;
  ft::InfoMetric build;
  ft::StateSet<Method> state;
  ft::ObservableCounter<std::uint64_t> observed;
  ft::ObservableGauge<double> observed_level;
  ft::Labeled<ft::ObservableUpDownCounter<std::int64_t>, Outcome> observed_by_enum;
  ft::Distribution traced;
  ft::Histogram traced_requests;
  ft::Labeled<ft::Counter, Outcome> traced_by_enum;
};

constexpr ft::Info traffic[] = {{.name = "traffic_requests", .help = "First of two."},
                                {.name = "traffic", .help = "Second of two.", .unit = ft::Unit::bytes}};

/// Series by label values that come with the command, in a registry's scope of their own.
struct Dynamics {
  explicit Dynamics(const ft::Scope& scope)
      : by_value{scope, {.name = "by_value", .help = "A counter per value."}, {"value"}},
        time_by_value{scope,
                      {.name = "time_by_value", .help = "A histogram per value."},
                      {"value"},
                      {},
                      ft::buckets::durations(10us, 1s)},
        free{scope, {.name = "free", .help = "A counter per set of labels."}},
        traffic_by_value{scope, traffic, {"value"}},
        limited{scope, {.name = "limited", .help = "A counter with room for three."}, {"value"}, {.max_series = 3}} {}

  void add(const std::string& value, std::uint64_t n) {
    by_value.at(value).add(n);
    time_by_value.at(value).record(10us);
    free.at({{"second", value}, {"first", n}}).add(n);
    traffic_by_value.at(value).add_values({{n, 10 * n}});
    limited.at(value).add(n);
  }

  ft::Dynamic<ft::Counter, 1> by_value;
  ft::Dynamic<ft::Histogram, 1> time_by_value;
  ft::DynamicFree<ft::Counter> free;
  ft::Dynamic<ft::CounterSet<2>, 1> traffic_by_value;
  ft::Dynamic<ft::Counter, 1> limited;
};

/// Adds up what a delta reader has of `dynamic_by_value`, by value.
class Pushed {
 public:
  explicit Pushed(ft::Registry& registry) : reader_{registry, {.temporality = ft::Temporality::delta}} {}

  std::uint64_t of(const std::string& value) {
    const ft::RecordingVisitor seen{reader_};
    for (const auto& family : seen.families()) {
      if (family.full_name != "dynamic_by_value") continue;
      for (const auto& point : family.points) {
        totals_[point.labels.empty() ? "" : point.labels[0].second] += std::get<std::uint64_t>(point.value);
      }
    }
    reader_.accept();
    return totals_[value];
  }

 private:
  ft::Reader reader_;
  std::map<std::string, std::uint64_t> totals_;
};

std::string from_hexadecimal(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return bytes;
}

}  // namespace

int main() {
  ft::Registry registry;
  Metrics metrics{ft::Scope{registry, "target", {{"zone", "größe \"q\" \\ \n }"}}}};
  Dynamics dynamics{ft::Scope{registry, "dynamic"}};
  ft::Sweeper sweeper{registry, {.idle_sweeps = 1}};
  Pushed pushed{registry};
  std::deque<ft::Counter> fuzz;
  std::deque<ft::Gauge<std::int64_t>> helps;

  ft::Exposer exposer{registry, {.port = 0}};
  if (const std::error_code error = exposer.start()) {
    std::cerr << "exposition_target: " << error.message() << "\n";
    return 1;
  }
  std::cout << exposer.port() << std::endl;

  std::string command;
  while (std::cin >> command && command != "quit") {
    if (command == "add") {
      std::uint64_t n = 0;
      std::cin >> n;
      metrics.add(n);
    } else if (command == "counter") {
      std::string value;
      std::uint64_t n = 0;
      std::cin >> value >> n;
      const std::string bytes = from_hexadecimal(value);
      fuzz.emplace_back(ft::Scope{registry, "", {{"value", bytes}}},
                        ft::Info{.name = "fuzz", .help = "Hostile labels."})
          .add(n);
    } else if (command == "dynamic" || command == "pushed") {
      std::string value;
      std::uint64_t n = 0;
      std::cin >> value >> n;
      if (value == "-") value.clear();
      if (command == "dynamic") {
        dynamics.add(from_hexadecimal(value), n);
      } else if (const std::uint64_t had = pushed.of(from_hexadecimal(value)); had != n) {
        std::cout << "had " << had << std::endl;
        continue;
      }
    } else if (command == "evict") {
      sweeper.sweep();  // the first one only looks
      const ft::SweepResult result = sweeper.sweep();
      if (!result.refusal.empty()) {
        std::cout << "refused: " << std::string_view{result.refusal.data(), result.refusal.size()} << std::endl;
        continue;
      }
      if (sweeper.sweep().forgotten != 0 || dynamics.by_value.series_count() != 0) {
        std::cout << "series are left, or forgotten before everybody had them" << std::endl;
        continue;
      }
    } else if (command == "trace") {
      std::string ids;
      std::int64_t ms = 0;
      std::cin >> ids >> ms;
      const std::string bytes = from_hexadecimal(ids);
      ft::TraceRef trace{};
      std::memcpy(&trace, bytes.data(), std::min(bytes.size(), sizeof trace));
      metrics.trace(trace, std::chrono::milliseconds{ms});
    } else if (command == "help") {
      std::string number;
      std::string text;
      std::cin >> number >> text;
      const std::string name = "fuzz_help_" + number;
      const std::string bytes = from_hexadecimal(text);
      helps.emplace_back(registry, ft::Info{.name = ft::Name::checked(name), .help = bytes});
    } else {
      std::cerr << "exposition_target: no such command: " << command << "\n";
      return 1;
    }
    std::cout << "ok" << std::endl;
  }
}
