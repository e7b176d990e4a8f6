// SPDX-License-Identifier: Apache-2.0
//
// Out of memory: at whichever allocation it happens, no span is lost, doubled or half written.
#include <gtest/gtest.h>

#include <new>
#include <string>

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

}  // namespace otlp_out_of_memory_test
