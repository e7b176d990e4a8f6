// SPDX-License-Identifier: Apache-2.0
//
// What is kept of dynamic series that come and go for hours: nothing of those that are gone.
#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/encoding/open_metrics.h"
#include "fast_telemetry/encoding/prometheus_text.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/sweeper.h"
#include "fast_telemetry/testing/virtual_clock.h"

namespace ft = fast_telemetry;

namespace dynamic_churn_test {

using namespace std::chrono_literals;

std::size_t heap_bytes() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Ids are not used again, so whatever is kept by id has to go with its series. Mutation seen red: LineCache::end
// without compact().
TEST(DynamicChurn, leaves_nothing_behind_in_encoders_and_readers) {
  if (!ft::storage_info().exact_retirement) GTEST_SKIP() << "no membarrier here";

  ft::VirtualClock clock;
  ft::Registry registry;
  ft::Scope scope{registry};
  ft::Dynamic<ft::Counter, 1> requests{scope, {.name = "requests"}, {"tenant"}};
  ft::Dynamic<ft::Distribution, 1> latency{scope, {.name = "latency"}, {"tenant"}, {}, ft::Range::latency()};
  ft::Sweeper sweeper{registry, {.idle_sweeps = 1}};
  ft::Reader reader{registry, {.finals = ft::Finals::held}};
  ft::ByteBuffer out;
  ft::PrometheusTextEncoder text{out};
  ft::OpenMetricsEncoder open_metrics{out};
  const std::string padding(200, 'x');

  std::uint64_t next = 0;
  // Ten minutes in which so many tenants come, are scraped, go, are still shown, and are forgotten.
  const auto live_through = [&](unsigned tenants) {
    for (unsigned i = 0; i < tenants; ++i) {
      const std::string tenant = padding + std::to_string(next++);
      requests.at(tenant).add();
      latency.at(tenant).record(1ms);
    }
    std::uint64_t forgotten = 0;
    for (int minute = 0; minute < 10; ++minute) {
      out.clear();
      reader.collect().visit(text);
      reader.collect().visit(open_metrics);
      reader.accept();
      clock.advance(1min);
      forgotten += sweeper.sweep().forgotten;
    }
    out = ft::ByteBuffer{};  // whose size is the caller's business
    ASSERT_EQ(forgotten, 2 * tenants);
  };
  for (int round = 0; round < 10; ++round) live_through(50);
  const std::size_t settled = heap_bytes();
  for (int round = 0; round < 60; ++round) live_through(50);
  EXPECT_LT(heap_bytes(), settled + 256 * 1024) << "after " << next << " tenants";
}

}  // namespace dynamic_churn_test
