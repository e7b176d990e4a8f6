// SPDX-License-Identifier: Apache-2.0
//
// Metrics whose values no write records, from registration to bytes in both text formats. The other cases of this
// folder are shown to the encoders; these are registered.
#include <gtest/gtest.h>

#include "fast_telemetry/build_info.h"
#include "fast_telemetry/encoding/open_metrics.h"
#include "fast_telemetry/encoding/prometheus_text.h"
#include "fast_telemetry/observable.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/state_set.h"
#include "tests/golden/golden.h"

namespace ft = fast_telemetry;

namespace registered_metrics_test {

enum class Breaker : std::uint8_t { closed, open };
constexpr ft::Label label(Breaker state) {
  switch (state) {
    case Breaker::closed: return {"state", "closed"};
    case Breaker::open: return {"state", "\"open\"\n# EOF"};
  }
  return {};
}

enum class Upstream : std::uint8_t { a, b };
constexpr ft::Label label(Upstream upstream) { return ft::from_enumerator("upstream", upstream); }

struct Metrics {
  explicit Metrics(ft::Registry& registry)
      : scope{registry, "proxy"},
        build{ft::build_info(scope, {.version = "1.2.3", .revision = "q\"\\\n# EOF\n\xff", .compiler = "cc 7"})} {
    breaker.with(Upstream::b).set(Breaker::open);
  }

  ft::Scope scope;
  ft::InfoMetric build;
  ft::Labeled<ft::StateSet<Breaker>, Upstream> breaker{scope, {.name = "breaker", .help = "Of the upstream."}};
  ft::ObservableGauge<double> load{scope, {.name = "load", .unit = ft::Unit::ratio}, [] { return 0.25; }};
  ft::ObservableUpDownCounter<std::int64_t> held{scope, {.name = "held", .unit = ft::Unit::bytes}, [] { return -7; }};
  ft::Labeled<ft::ObservableCounter<std::uint64_t>, Upstream> packets{
      scope, {.name = "packets"}, [](auto& observer) { observer.observe(18'446'744'073'709'551'615u, Upstream::b); }};
  ft::ObservableCounter<double> cpu{scope, {.name = "cpu", .unit = ft::Unit::seconds}, [](auto&) {}};
};

template <class Encoder>
std::string text() {
  ft::Registry registry;
  const Metrics metrics{registry};
  ft::Reader reader{registry};
  ft::ByteBuffer out;
  Encoder encoder{out};
  for (int collection = 0; collection < 2; ++collection) {  // the second from what was kept
    out.clear();
    reader.collect().visit(encoder);
  }
  return std::string{out.view()};
}

// P-9, P-24, P-25, P-27, S-21: among them a series that was not reported, and a family without any.
TEST(RegisteredMetrics, are_written_as_reviewed) {
  EXPECT_TRUE(ft::golden_matches("prometheus_text/registered_metrics.txt", text<ft::PrometheusTextEncoder>()));
  EXPECT_TRUE(ft::golden_matches("open_metrics/registered_metrics.txt", text<ft::OpenMetricsEncoder>()));
}

}  // namespace registered_metrics_test
