// SPDX-License-Identifier: Apache-2.0
//
// How often an operation reads the clock. On its own, because the linker gives all calls of now_ns() to the counter
// here (--wrap).
#include <gtest/gtest.h>

#include "fast_telemetry/registry.h"
#include "fast_telemetry/spans/drain.h"
#include "fast_telemetry/spans/operation.h"
#include "tests/support/recorded_spans.h"

namespace ft = fast_telemetry;

namespace operation_clock_test {

int reads = 0;

// now_ns(), as all callers see it here, whichever write path is built: each reading is a nanosecond later than the one
// before.
extern "C" {
std::int64_t __wrap__ZN14fast_telemetry2v06now_nsEv() noexcept;         // NOLINT(bugprone-reserved-identifier)
std::int64_t __wrap__ZN14fast_telemetry9v0_locked6now_nsEv() noexcept;  // NOLINT(bugprone-reserved-identifier)
std::int64_t __wrap__ZN14fast_telemetry2v06now_nsEv() noexcept { return ++reads; }
std::int64_t __wrap__ZN14fast_telemetry9v0_locked6now_nsEv() noexcept { return ++reads; }
}

constexpr int operations = 1000;

int reads_of(ft::OperationMetrics<>& metrics) {
  metrics.start("warm").end();  // what happens once is over
  const int before = reads;
  for (int i = 0; i < operations; ++i) {
    auto operation = metrics.start("step");
    operation.span().set_attribute("key", 1);
    operation.set_outcome(ft::Outcome::error);
  }
  return reads - before;
}

// Mutation: the span is ended by Span::end().
TEST(OperationClock, is_read_twice_whatever_becomes_of_the_span) {
  ft::Registry registry;
  const ft::Tracer on{"on"};
  const ft::Tracer off{"off", {.sampler = ft::Sampler::always_off()}};
  ft::OperationMetrics<> recorded{registry, {.name = "recorded"}, on};
  ft::OperationMetrics<> unsampled{registry, {.name = "unsampled"}, off};
  ft::OperationMetrics<> untraced{registry, {.name = "untraced"}};
  EXPECT_EQ(reads_of(unsampled), 2 * operations);
  EXPECT_EQ(reads_of(untraced), 2 * operations);
  // Who becomes an exemplar reads it once more: of n in one bucket 1 + 1/2 + … + 1/n on average, which is 7.5.
  const int more = reads_of(recorded) - 2 * operations;
  EXPECT_GE(more, 0);
  EXPECT_LT(more, 100);
  int others = 0;
  for (const ft::RecordedSpan& span : ft::RecordedSpans::drain()) others += span.end_unix_ns != span.start_unix_ns + 1;
  EXPECT_EQ(others, 0);
  EXPECT_DOUBLE_EQ(recorded.duration().sum() * 1e9, 1 + operations);
}

}  // namespace operation_clock_test
