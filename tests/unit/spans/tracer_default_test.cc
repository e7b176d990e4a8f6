// SPDX-License-Identifier: Apache-2.0
//
// What tracers go by that have no sampler and no limits of their own.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "fast_telemetry/spans/drain.h"
#include "fast_telemetry/spans/tracer.h"

namespace ft = fast_telemetry;

namespace tracer_default_test {

/// Puts back what the process began with: other tests of the program go by it.
class Restored {
 public:
  Restored() = default;
  ~Restored() {
    ft::set_default_sampler(ft::Sampler::process_default());
    ft::set_default_span_limits({});
  }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;
};

bool records(const ft::Tracer& tracer) { return tracer.root("root").is_recording(); }

bool records_child(const ft::Tracer& tracer, std::uint8_t flags) {
  ft::SpanContext parent{};
  parent.trace_id = ft::random_trace_id();
  parent.span_id = ft::random_span_id();
  parent.flags = flags;
  return tracer.child(parent, "child").is_recording();
}

// Mutation seen red: tracers that exist left out.
TEST(DefaultSampler, is_that_of_all_tracers_without_one_of_their_own) {
  const Restored restored;
  const ft::Tracer before{"before"};
  const ft::Tracer own{"own", {.sampler = ft::Sampler::always_on()}};
  EXPECT_TRUE(records(before));
  EXPECT_FALSE(records_child(before, 0));

  ft::set_default_sampler(ft::Sampler::always_off());
  const ft::Tracer after{"after"};
  EXPECT_FALSE(records(before));
  EXPECT_FALSE(records(after));
  EXPECT_FALSE(records_child(after, ft::sampled_flag));
  EXPECT_TRUE(records(own));

  ft::set_default_sampler(ft::Sampler::trace_id_ratio(1));
  EXPECT_TRUE(records(before));
  EXPECT_TRUE(records(after));
  EXPECT_TRUE(records_child(after, 0));
}

// Mutation seen red: has_default_sampler not cleared.
TEST(DefaultSampler, is_no_longer_that_of_a_tracer_that_is_given_its_own_until_it_is_taken_back) {
  const Restored restored;
  ft::Tracer tracer{"tracer"};
  tracer.set_sampler(ft::Sampler::always_on());
  ft::set_default_sampler(ft::Sampler::always_off());
  EXPECT_TRUE(records(tracer));
  tracer.set_sampler(ft::Sampler::process_default());
  EXPECT_FALSE(records(tracer));
}

TEST(DefaultSampler, is_parent_based_again_when_it_is_set_to_itself) {
  const Restored restored;
  const ft::Tracer tracer{"tracer"};
  ft::set_default_sampler(ft::Sampler::always_off());
  ft::set_default_sampler(ft::Sampler::process_default());
  EXPECT_TRUE(records(tracer));
  EXPECT_FALSE(records_child(tracer, 0));
  EXPECT_TRUE(records_child(tracer, ft::sampled_flag));
  // Within another one it knows of no other default.
  ft::set_default_sampler(ft::Sampler::parent_based(ft::Sampler::process_default()));
  EXPECT_TRUE(records(tracer));
}

/// How many attributes a span of the tracer keeps, of three.
std::uint32_t kept(const ft::Tracer& tracer) {
  struct Sink final : ft::SpanSink {
    std::uint32_t attributes = 0;
    ft::SinkAnswer span(const ft::SpanRecord& record) override {
      attributes = record.attribute_count();
      return ft::SinkAnswer::taken;
    }
  } sink;
  ft::Span span = tracer.root("root");
  span.set_attribute("a", 1);
  span.set_attribute("b", 2);
  span.set_attribute("c", 3);
  span.end();
  while (!ft::drain_spans(sink).is_complete) {
  }
  return sink.attributes;
}

// Mutations seen red: tracers that exist left out; has_default_limits always true.
TEST(DefaultSpanLimits, are_those_of_all_tracers_without_limits_of_their_own) {
  const Restored restored;
  const ft::Tracer before{"before"};
  const ft::Tracer own{"own", {.limits = {.attributes = 2}}};
  EXPECT_EQ(kept(before), 3U);
  ft::set_default_span_limits({.attributes = 1});
  const ft::Tracer after{"after"};
  EXPECT_EQ(kept(before), 1U);
  EXPECT_EQ(kept(after), 1U);
  EXPECT_EQ(kept(own), 2U);
  ft::set_default_span_limits({});
  EXPECT_EQ(kept(after), 3U);
}

// Under the thread sanitizer: defaults that change while tracers are made and used. In the end all go by the last one.
// Mutation seen red, in one of some runs: a tracer that does not look again after it has applied a default.
TEST(DefaultSampler, reaches_tracers_that_are_made_meanwhile) {
  const Restored restored;
  for (int round = 0; round < 50; ++round) {
    ft::set_default_sampler(ft::Sampler::always_on());
    std::vector<ft::Tracer> tracers;
    std::thread maker{[&tracers] {
      for (int i = 0; i < 20; ++i) {
        tracers.emplace_back("made meanwhile");
        ft::Span span = tracers.back().root("root");
        span.set_attribute("key", 1);
      }
    }};
    ft::set_default_span_limits({.attributes = 1});
    ft::set_default_sampler(ft::Sampler::always_off());
    maker.join();
    for (const ft::Tracer& tracer : tracers) EXPECT_FALSE(records(tracer));
    ft::set_default_span_limits({});
  }
}

}  // namespace tracer_default_test
