// SPDX-License-Identifier: Apache-2.0
//
// A request of spans allocates nothing once the encoder has seen one like it. Parity: W-45.
#include <gtest/gtest.h>

#include "fast_telemetry/encoding/otlp_spans.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/random_spans.h"

namespace ft = fast_telemetry;

namespace otlp_steady_state_test {

// Every kind of content, text that has to be repaired included. Mutations to try: a new scratch buffer for each text; a
// new vector of runs for each request.
TEST(OtlpSteadyState, allocates_nothing) {
  const ft::Tracer one{"one"};
  const ft::Tracer other{"other", {.version = "1"}};
  ft::OtlpSpanEncoder encoder{{{"service.name", "s"}}};
  for (int round = 0; round < 5; ++round) {
    ft::RandomSpans random{5};
    for (int i = 0; i < 200; ++i) random.record(i % 3 == 0 ? other : one);
    const std::uint64_t before = ft::allocations();
    EXPECT_EQ(ft::drain_spans(encoder).spans, 200U);
    EXPECT_GT(encoder.finish().bytes.size(), 10'000U);
    if (round > 0) {
      EXPECT_EQ(ft::allocations(), before) << "round " << round;
    }
  }
}

}  // namespace otlp_steady_state_test
