// SPDX-License-Identifier: Apache-2.0
//
// Out of memory: at whichever allocation it happens, no span is lost, doubled or half written, and a collection of
// metrics that is visited anew is what it would have been.
#include <gtest/gtest.h>

#include <new>
#include <string>

#include "fast_telemetry/encoding/otlp_metrics.h"
#include "fast_telemetry/encoding/otlp_spans.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/otlp_text.h"
#include "tests/support/random_spans.h"

namespace ft = fast_telemetry;

namespace otlp_out_of_memory_test {

constexpr std::size_t recorded = 200;

/// Calls `attempt` twice, the second time with memory, when the n-th allocation of the first time failed.
template <class Attempt>
bool fails_at(std::uint64_t n, Attempt attempt) {
  ft::fail_allocation(n);
  try {
    attempt();
  } catch (const std::bad_alloc&) {
    ft::fail_allocation(0);
    attempt();
    return true;
  }
  ft::fail_allocation(0);
  return false;
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

// Mutation seen red: the bytes of the span at which it happened stay.
TEST(OtlpOutOfMemory, leaves_everything_as_it_was) {
  const ft::Tracer one{"one"};
  const ft::Tracer other{"other", {.version = "1"}};
  std::uint64_t failures = 0;
  for (bool failed = true; failed; failures += failed) {
    ft::OtlpSpanEncoder encoder{{{"service.name", "s"}}};
    ft::RandomSpans random{6};
    for (std::size_t i = 0; i < recorded; ++i) random.record(i % 3 == 0 ? other : one);
    ft::OtlpSpanEncoder::Request request{};
    failed = fails_at(failures + 1, [&] {
      ft::drain_spans(encoder);
      request = encoder.finish();
    });
    EXPECT_EQ(request.count, recorded) << failures;
    EXPECT_EQ(occurrences(ft::otlp_request_text(request.bytes), "    span\n      trace_id"), recorded) << failures;
  }
  EXPECT_GT(failures, 5U);
}

constexpr std::size_t points = 150;

/// By hand, without an allocation of its own.
void show_metrics(ft::Visitor& visitor) {
  static constexpr ft::Label labels[] = {{"key", "va\xFFlue"}};
  static constexpr double bounds[] = {1, 2, 2};
  static constexpr std::uint64_t counts[] = {1, 2, 3, 4};
  const ft::Exemplar exemplar{.value = 3, .time_unix_ns = 7, .trace_id = {}, .span_id = {}, .labels = labels};
  const ft::Exemplar* const exemplars[] = {nullptr, &exemplar, nullptr, nullptr};
  visitor.begin({.time_unix_ns = 9, .since_unix_ns = 5, .temporality = ft::Temporality::cumulative});
  for (std::uint64_t i = 0; i < points; ++i) {
    if (i % 40 == 0) {
      const bool is_histogram = i / 40 % 2 == 1;
      visitor.family({.scope = "a longer scope",
                      .name = is_histogram ? "histogram" : "counter",
                      .full_name = "full",
                      .help = "He\xFFlp.",
                      .unit = ft::Unit::none,
                      .kind = is_histogram ? ft::Kind::histogram : ft::Kind::counter});
    }
    const ft::Series series{i, 3, labels};
    if (i / 40 % 2 == 1) {
      visitor.histogram(series,
                        ft::HistogramPoint{.bounds = bounds, .buckets = counts, .sum = 1, .exemplars = exemplars});
    } else {
      visitor.sum(series, ft::NumberPoint<std::uint64_t>{i, &exemplar});
    }
  }
  visitor.end();
}

std::string all_requests(const ft::OtlpMetricEncoder& encoder) {
  std::string text;
  for (const auto& request : encoder.requests()) text.append(request.bytes).append("|");
  return text;
}

// That begin() leaves nothing of what was written before, the steady-state test shows.
TEST(OtlpOutOfMemory, lets_a_collection_of_metrics_be_visited_anew) {
  constexpr ft::OtlpMetricOptions options{.max_request_bytes = 2500};
  ft::OtlpMetricEncoder undisturbed{{{"service.name", "s"}}, options};
  show_metrics(undisturbed);
  ASSERT_GT(undisturbed.requests().size(), 3U);
  std::uint64_t failures = 0;
  for (bool failed = true; failed; failures += failed) {
    ft::OtlpMetricEncoder encoder{{{"service.name", "s"}}, options};
    failed = fails_at(failures + 1, [&] { show_metrics(encoder); });
    EXPECT_EQ(all_requests(encoder), all_requests(undisturbed)) << failures;
  }
  EXPECT_GT(failures, 10U);
}

}  // namespace otlp_out_of_memory_test
