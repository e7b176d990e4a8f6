// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/export/delivery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "fast_telemetry/encoding/prometheus_text.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace delivery_test {

constexpr std::int64_t start_ns = 1'000'000'000;

/// The longest of many waits after this many failures: close to its bound.
std::chrono::nanoseconds longest_wait(const ft::DeliveryOptions& options, int failures) {
  std::chrono::nanoseconds longest{};
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    ft::DeliveryPolicy policy{options, seed};
    for (int i = 0; i < failures; ++i) policy.failed(start_ns);
    longest = std::max(longest, policy.wait(start_ns));
  }
  return longest;
}

TEST(DeliveryPolicy, an_endpoint_that_never_failed_is_asked_at_once) {
  const ft::DeliveryPolicy policy{{}, 1};
  EXPECT_EQ(policy.wait(start_ns), 0ns);
  EXPECT_EQ(policy.circuit(start_ns), ft::Circuit::closed);
  EXPECT_EQ(policy.failures(), 0U);
}

TEST(DeliveryPolicy, the_bound_of_the_wait_grows_with_each_failure_up_to_the_maximum) {
  const ft::DeliveryOptions options{.initial_backoff = 1000ms, .max_backoff = 3000ms, .backoff_multiplier = 2};
  const std::chrono::nanoseconds bounds[] = {1s, 2s, 3s, 3s};
  int failures = 0;
  for (const std::chrono::nanoseconds bound : bounds) {
    const std::chrono::nanoseconds longest = longest_wait(options, ++failures);
    EXPECT_LE(longest, bound);
    EXPECT_GT(longest, bound - bound / 50);
  }
}

// Full jitter: each tenth of what is allowed has its share of the waits, the shortest too.
TEST(DeliveryPolicy, waits_are_spread_over_all_that_the_bound_allows) {
  std::vector<int> tenths(10);
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    ft::DeliveryPolicy policy{{.initial_backoff = 1000ms}, seed};
    policy.failed(start_ns);
    ++tenths[static_cast<std::size_t>(std::min(policy.wait(start_ns) / 100ms, std::int64_t{9}))];
  }
  for (const int count : tenths) EXPECT_NEAR(count, 1000, 150);
}

TEST(DeliveryPolicy, the_wait_passes_with_time_and_then_one_attempt_decides) {
  ft::DeliveryPolicy policy{{}, 1};
  policy.failed(start_ns, 10s);
  EXPECT_EQ(policy.circuit(start_ns), ft::Circuit::open);
  EXPECT_EQ(policy.wait(start_ns + 4'000'000'000), 6s);
  EXPECT_EQ(policy.circuit(start_ns + 9'999'999'999), ft::Circuit::open);
  EXPECT_EQ(policy.circuit(start_ns + 10'000'000'000), ft::Circuit::half_open);
  EXPECT_EQ(policy.wait(start_ns + 11'000'000'000), 0ns);
  policy.failed(start_ns + 11'000'000'000, 1s);
  EXPECT_EQ(policy.circuit(start_ns + 11'000'000'000), ft::Circuit::open);
  EXPECT_EQ(policy.failures(), 2U);
  policy.succeeded();
  EXPECT_EQ(policy.circuit(start_ns + 11'000'000'000), ft::Circuit::closed);
  EXPECT_EQ(policy.wait(start_ns + 11'000'000'000), 0ns);
}

TEST(DeliveryPolicy, a_success_begins_the_growth_anew) {
  std::chrono::nanoseconds longest{};
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    ft::DeliveryPolicy policy{{.initial_backoff = 10ms}, seed};
    for (int i = 0; i < 20; ++i) policy.failed(start_ns);
    policy.succeeded();
    policy.failed(start_ns);
    longest = std::max(longest, policy.wait(start_ns));
  }
  EXPECT_LE(longest, 10ms);
}

TEST(DeliveryPolicy, a_wait_that_was_asked_for_is_kept_to_the_nanosecond_up_to_max_age) {
  ft::DeliveryPolicy policy{{.max_age = 60s}, 1};
  policy.failed(start_ns, 45s);
  EXPECT_EQ(policy.wait(start_ns), 45s);
  policy.failed(start_ns, 61s);
  EXPECT_EQ(policy.wait(start_ns), 60s);
}

TEST(DeliveryPolicy, a_wait_of_nothing_or_less_is_answered_with_the_usual_one) {
  const ft::DeliveryOptions options{.initial_backoff = 1000ms};
  ft::DeliveryPolicy asked{options, 7};
  ft::DeliveryPolicy usual{options, 7};
  usual.failed(start_ns);
  asked.failed(start_ns, -5s);
  EXPECT_GT(usual.wait(start_ns), 0ns);
  EXPECT_EQ(asked.wait(start_ns), usual.wait(start_ns));
}

TEST(DeliveryPolicy, an_outage_of_any_length_overflows_nothing) {
  ft::DeliveryPolicy policy{{.backoff_multiplier = 1e300}, 1};
  for (int i = 0; i < 5000; ++i) policy.failed(start_ns);
  EXPECT_LE(policy.wait(start_ns), 30s);
  EXPECT_GE(policy.wait(start_ns), 0s);
  ft::DeliveryPolicy endless{
      {.max_age = std::chrono::milliseconds::max(), .max_backoff = std::chrono::milliseconds::max()}, 1};
  endless.failed(start_ns, std::chrono::nanoseconds::max());
  EXPECT_GT(endless.wait(start_ns), 1000h);
}

TEST(DeliveryInfo, is_shown_exporter_by_exporter) {
  const ft::ExporterDelivery exporters[] = {{"a",
                                             {.delivered = 1,
                                              .unconfirmed = 2,
                                              .rejected = 3,
                                              .queued = 4,
                                              .dropped_refused = 5,
                                              .dropped_too_large = 6,
                                              .dropped_too_old = 7,
                                              .dropped_queue_full = 8,
                                              .dropped_shutdown = 9,
                                              .dropped_no_memory = 10,
                                              .attempts = 11,
                                              .retries = 12,
                                              .unanswered = 13,
                                              .timed_out = 14,
                                              .attempt_ns = 1'500'000'000,
                                              .attempt_buckets = {1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3},
                                              .sent_bytes = 16,
                                              .replies_unreadable = 17,
                                              .queued_bytes = 18}},
                                            {"b", {.delivered = 100}}};
  ft::ByteBuffer text;
  ft::PrometheusTextEncoder encoder{text};
  encoder.begin({});
  ft::visit_families(exporters, encoder);
  encoder.end();
  const std::string shown{text.view()};
  const std::string prefix = "fast_telemetry_delivery_";
  for (const std::string line : {"items_total{exporter=\"a\",outcome=\"delivered\"} 1",
                                 "items_total{exporter=\"a\",outcome=\"unconfirmed\"} 2",
                                 "items_total{exporter=\"a\",outcome=\"rejected\"} 3",
                                 "queued_items{exporter=\"a\"} 4",
                                 "dropped_items_total{exporter=\"a\",reason=\"refused\"} 5",
                                 "dropped_items_total{exporter=\"a\",reason=\"too_large\"} 6",
                                 "dropped_items_total{exporter=\"a\",reason=\"too_old\"} 7",
                                 "dropped_items_total{exporter=\"a\",reason=\"queue_full\"} 8",
                                 "dropped_items_total{exporter=\"a\",reason=\"shutdown\"} 9",
                                 "dropped_items_total{exporter=\"a\",reason=\"no_memory\"} 10",
                                 "attempts_total{exporter=\"a\"} 11",
                                 "retries_total{exporter=\"a\"} 12",
                                 "unanswered_total{exporter=\"a\"} 13",
                                 "timed_out_total{exporter=\"a\"} 14",
                                 "attempt_seconds_bucket{exporter=\"a\",le=\"0.005\"} 1",
                                 "attempt_seconds_bucket{exporter=\"a\",le=\"10.0\"} 3",
                                 "attempt_seconds_bucket{exporter=\"a\",le=\"+Inf\"} 6",
                                 "attempt_seconds_sum{exporter=\"a\"} 1.5",
                                 "sent_bytes_total{exporter=\"a\"} 16",
                                 "replies_unreadable_total{exporter=\"a\"} 17",
                                 "queue_bytes{exporter=\"a\"} 18",
                                 "items_total{exporter=\"b\",outcome=\"delivered\"} 100",
                                 "attempts_total{exporter=\"b\"} 0"}) {
    EXPECT_NE(shown.find('\n' + prefix + line + '\n'), std::string::npos) << line << "\n" << shown;
  }
}

TEST(DeliveryPolicy, options_that_make_no_sense_are_refused) {
  const ft::DeliveryOptions bad[] = {{.max_age = -1ms},
                                     {.initial_backoff = -1ms},
                                     {.initial_backoff = 2s, .max_backoff = 1s},
                                     {.backoff_multiplier = 0.9},
                                     {.backoff_multiplier = std::numeric_limits<double>::quiet_NaN()}};
  for (const ft::DeliveryOptions& options : bad) {
    EXPECT_THROW((ft::DeliveryPolicy{options, 1}), std::invalid_argument);
  }
}

}  // namespace delivery_test
