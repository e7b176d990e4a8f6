// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/telemetry.md.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/runtime/telemetry.h>
#include <fast_telemetry/spans/span.h>
#include <fast_telemetry/testing/ignoring_visitor.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <optional>

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace telemetry_page {

ft::TelemetryOptions shop_options() {
  ft::TelemetryOptions options;
  options.resource = {{"service.name", "shop"}};
  options.otlp_metrics = {{.http = {.endpoint = "http://collector:4318"}}};
  options.otlp_spans = {{.http = {.endpoint = "http://collector:4318"}}};
  options.prometheus = {{.address = "0.0.0.0"}};
  options.metrics = {.interval = 10s, .timeout = 5s, .at_start = true};
  return options;
}

void say(const ft::TelemetryReport& report) {
  for (const ft::ExporterReport& exporter : report.exporters) {
    const ft::DeliveryInfo& delivery = exporter.delivery;
    if (!exporter.is_complete) {
      std::printf("%s: %llu of %llu delivered, %llu wait\n", exporter.name.c_str(),
                  static_cast<unsigned long long>(delivery.delivered), static_cast<unsigned long long>(delivery.items),
                  static_cast<unsigned long long>(delivery.queued));
    }
  }
  if (report.spans_waiting != 0) std::puts("some spans have not been exported");
}

class Reactor {
 public:
  using Time = std::chrono::steady_clock::time_point;
  void call_at(Time, auto) {}
};

void drive(ft::Telemetry& telemetry, Reactor& reactor) {
  const auto next = telemetry.collect_once(20ms);
  reactor.call_at(next, [&] { drive(telemetry, reactor); });
}

class Cache {
 public:
  explicit Cache(ft::Registry& registry = ft::default_registry(), ft::Telemetry* telemetry = nullptr)
      : hits_{registry, {.name = "cache_hits", .help = "Look-ups that found something."}}, telemetry_{telemetry} {}

  void find() { hits_.add(); }
  void before_the_host_sleeps() {
    if (telemetry_ != nullptr) telemetry_->force_flush(1s);
  }

 private:
  ft::Counter hits_;
  ft::Telemetry* telemetry_;
};

TEST(Snippets, telemetry) {
  const ft::TelemetryOptions options = shop_options();
  EXPECT_EQ(options.resource.attributes().size(), 1u);
  struct : ft::IgnoringVisitor {
    void end() override { ++collections; }
    int collections = 0;
  } visitor;
  ft::Telemetry telemetry{{.background_thread = false}};
  telemetry.add_visitor("own", visitor, {.interval = 10s, .timeout = 1s, .at_start = true});
  Reactor reactor;
  drive(telemetry, reactor);
  EXPECT_EQ(visitor.collections, 1);
  Cache cache{ft::default_registry(), &telemetry};
  cache.find();
  cache.before_the_host_sleeps();
  EXPECT_EQ(visitor.collections, 2);
  say(telemetry.shutdown(10s));
}

}  // namespace telemetry_page
