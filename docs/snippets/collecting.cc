// SPDX-License-Identifier: Apache-2.0
//
// The samples of docs/guide/collecting.md.
#include <fast_telemetry/distribution.h>
#include <fast_telemetry/encoding/prometheus_text.h>
#include <fast_telemetry/process_info.h>
#include <fast_telemetry/quantile.h>
#include <fast_telemetry/snapshot.h>
#include <fast_telemetry/storage_info.h>
#include <fast_telemetry/testing/ignoring_visitor.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string_view>

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace collecting_page {

/// Looks at the p99 of every distribution.
class SlowestPercent final : public ft::IgnoringVisitor {
 public:
  void histogram(const ft::Series&, const ft::ExponentialPoint& point) override {
    const std::optional<ft::Quantile> p99 = ft::quantile(point, 0.99);
    if (p99) report(p99->value, p99->low, p99->high);
  }

  double value = 0;

 private:
  void report(double estimate, double low, double high) {
    EXPECT_LE(low, estimate);
    EXPECT_GE(high, estimate);
    value = estimate;
  }
};

TEST(Snippet, quantile) {
  ft::Registry registry;
  ft::Distribution latency{registry, {.name = "latency"}, ft::Range::latency()};
  for (int i = 0; i < 100; ++i) latency.record(i < 90 ? 1ms : 80ms);

  ft::Reader reader{registry};
  SlowestPercent slowest;
  reader.collect().visit(slowest);

  EXPECT_NEAR(slowest.value, 0.080, 0.080 * 0.044);
}

TEST(Snippet, process_info) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::ByteBuffer text;
  ft::PrometheusTextEncoder encoder{text};

  reader.collect().visit(encoder, ft::storage_info(), ft::process_info());

  EXPECT_NE(text.view().find("\nprocess_resident_memory_bytes "), std::string_view::npos);
}

/// Whether the process is about to meet its memory limit.
bool is_short_of_memory() {
  const ft::ProcessInfo process = ft::process_info();
  if (!process.cgroup_memory_limit_bytes || !process.cgroup_memory_usage_bytes) return false;  // no limit, or unknown
  return *process.cgroup_memory_usage_bytes > *process.cgroup_memory_limit_bytes / 10 * 9;
}

TEST(Snippet, process_info_by_itself) { static_cast<void>(is_short_of_memory()); }

}  // namespace collecting_page
