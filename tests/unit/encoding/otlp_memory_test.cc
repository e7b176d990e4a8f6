// SPDX-License-Identifier: Apache-2.0
//
// A request of spans allocates nothing once the encoder has seen one like it, and survives that memory runs out.
// Parity: W-45.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fast_telemetry/encoding/otlp_spans.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/otlp_text.h"
#include "tests/support/random_spans.h"

namespace ft = fast_telemetry;

namespace {

/// Every kind of content, text that has to be repaired included.
void record(const ft::Tracer& one, const ft::Tracer& other, unsigned seed) {
  ft::RandomSpans random{seed};
  for (int i = 0; i < 200; ++i) random.record(i % 3 == 0 ? other : one);
}

// Mutations to try: repaired text in a std::string; runs_ or scopes_ made anew for each request.
TEST(OtlpSteadyState, allocates_nothing) {
  const ft::Tracer one{"one"};
  const ft::Tracer other{"other", {.version = "1"}};
  ft::OtlpSpanEncoder encoder{{{"service.name", "s"}}};
  std::size_t bytes = 0;
  for (int round = 0; round < 5; ++round) {
    record(one, other, 5);
    const std::uint64_t before = ft::allocations();
    EXPECT_EQ(ft::drain_spans(encoder).spans, 200U);
    bytes = encoder.finish().bytes.size();
    if (round > 0) {
      EXPECT_EQ(ft::allocations(), before) << "round " << round;
    }
  }
  EXPECT_GT(bytes, 10'000U);
}

// Every allocation fails once: no span is lost, doubled or half written.
TEST(OtlpOutOfMemory, leaves_everything_as_it_was) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's malloc does not fail";
#endif
  const ft::Tracer one{"one"};
  const ft::Tracer other{"other", {.version = "1"}};
  std::uint64_t failures = 0;
  for (std::uint64_t n = 1;; ++n) {
    ft::OtlpSpanEncoder encoder{{{"service.name", "s"}}};
    record(one, other, 6);
    bool has_failed = false;
    const auto attempt = [&](auto what) {
      try {
        what();
      } catch (const std::bad_alloc&) {
        has_failed = true;
        what();
      }
      ft::fail_allocation(0);
    };
    std::uint64_t drained = 0;
    ft::OtlpSpanEncoder::Request request{};
    ft::fail_allocation(n);
    attempt([&] {
      ft::drain_spans(encoder);
      request = encoder.finish();
    });
    std::string text = ft::otlp_request_text(request.bytes);
    drained = request.count;
    EXPECT_EQ(drained, 200U) << n;
    std::size_t spans = 0;
    for (std::size_t at = text.find("    span\n      trace_id"); at != std::string::npos;
         at = text.find("    span\n      trace_id", at + 1)) {
      ++spans;
    }
    EXPECT_EQ(spans, 200U) << n;
    if (!has_failed) break;
    ++failures;
  }
  EXPECT_GT(failures, 5U);
}

}  // namespace
