// SPDX-License-Identifier: Apache-2.0
#include "src/runtime/span_fan_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/runtime/borrowed_exporters.h"
#include "tests/support/made_record.h"
#include "tests/support/sink_with_room.h"

namespace ft = fast_telemetry;
using testing::ElementsAre;
using testing::IsEmpty;

namespace span_fan_out_test {

class SpanFanOutTest : public testing::Test {
 protected:
  SpanFanOutTest() {
    fan_out.add(first_exporter);
    fan_out.add(second_exporter);
  }

  ft::SinkAnswer give(const char* name) {
    made.header.set_name(name, 1);
    const ft::SinkAnswer answer = fan_out.span(made.record());
    made.header.set_name("?", 1);  // a record lives no longer than its call; its tracer does
    return answer;
  }

  ft::MadeRecord made;
  ft::SinkWithRoom first;
  ft::SinkWithRoom second;
  ft::detail::SinkExporter first_exporter{"first", first};
  ft::detail::SinkExporter second_exporter{"second", second};
  ft::detail::SpanFanOut fan_out;
};

TEST_F(SpanFanOutTest, every_exporter_gets_every_span_once) {
  EXPECT_EQ(give("a"), ft::SinkAnswer::taken);
  EXPECT_EQ(give("b"), ft::SinkAnswer::taken);
  EXPECT_THAT(first.names(), ElementsAre("a", "b"));
  EXPECT_THAT(second.names(), ElementsAre("a", "b"));
}

TEST_F(SpanFanOutTest, while_the_first_is_full_the_span_stays_in_the_buffer) {
  first.room = 0;
  EXPECT_EQ(give("a"), ft::SinkAnswer::full);
  EXPECT_FALSE(fan_out.holds_one());
  EXPECT_THAT(second.names(), IsEmpty());
}

// Mutation: the span is given to all again.
TEST_F(SpanFanOutTest, a_span_that_some_have_is_held_for_the_others_and_comes_first) {
  second.room = 0;
  EXPECT_EQ(give("a"), ft::SinkAnswer::taken);
  EXPECT_TRUE(fan_out.holds_one());
  EXPECT_EQ(give("b"), ft::SinkAnswer::full) << "nothing overtakes it";
  EXPECT_FALSE(fan_out.pass_on_held());
  second.room = 5;
  EXPECT_EQ(give("c"), ft::SinkAnswer::taken);
  EXPECT_FALSE(fan_out.holds_one());
  EXPECT_THAT(first.names(), ElementsAre("a", "c"));
  EXPECT_THAT(second.names(), ElementsAre("a", "c"));
}

TEST_F(SpanFanOutTest, what_is_held_can_be_passed_on_without_another_span) {
  second.room = 0;
  EXPECT_EQ(give("a"), ft::SinkAnswer::taken);
  second.room = 1;
  EXPECT_TRUE(fan_out.pass_on_held());
  EXPECT_THAT(second.names(), ElementsAre("a"));
}

TEST_F(SpanFanOutTest, a_sink_that_throws_loses_its_span_and_no_other_does) {
  first.throws = true;
  EXPECT_EQ(give("a"), ft::SinkAnswer::taken);
  EXPECT_THAT(second.names(), ElementsAre("a"));
  EXPECT_EQ(first_exporter.info().items, 1u);
  EXPECT_EQ(first_exporter.info().dropped_refused, 1u);
  EXPECT_EQ(second_exporter.info().delivered, 1u);
}

TEST_F(SpanFanOutTest, after_stop_nobody_is_given_anything) {
  EXPECT_EQ(fan_out.stop(), nullptr) << "no call is under way";
  EXPECT_EQ(give("a"), ft::SinkAnswer::full);
  EXPECT_THAT(first.names(), IsEmpty());
}

/// Stops the fan-out in the middle of its own call, as a thread would that waits for this one.
class StoppedSink final : public ft::SpanSink {
 public:
  ft::SinkAnswer span(const ft::SpanRecord&) override {
    stopped_in = fan_out->stop();
    return ft::SinkAnswer::taken;
  }
  ft::detail::SpanFanOut* fan_out = nullptr;
  const ft::SpanExporter* stopped_in = nullptr;
};

// Mutation: stop() returns null; or is not looked at between two exporters.
TEST(SpanFanOut, a_call_under_way_is_named_and_none_comes_after_it) {
  StoppedSink sink;
  ft::SinkWithRoom next;
  ft::detail::SinkExporter stuck{"stuck", sink};
  ft::detail::SinkExporter other{"other", next};
  ft::detail::SpanFanOut fan_out;
  fan_out.add(stuck);
  fan_out.add(other);
  sink.fan_out = &fan_out;
  EXPECT_EQ(fan_out.span(ft::MadeRecord{}.record()), ft::SinkAnswer::taken);
  EXPECT_EQ(sink.stopped_in, &stuck);
  EXPECT_THAT(next.names(), IsEmpty());
}

}  // namespace span_fan_out_test
