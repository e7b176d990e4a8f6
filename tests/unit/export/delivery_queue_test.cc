// SPDX-License-Identifier: Apache-2.0
#include "src/export/delivery_queue.h"

#include <gtest/gtest.h>

#include <string>

#include "src/export/otlp_status.h"

namespace ft = fast_telemetry;
using ft::detail::AttemptResult;
using ft::detail::AttemptVerdict;
using ft::detail::DeliveryQueue;
using namespace std::chrono_literals;

namespace delivery_queue_test {

constexpr std::int64_t second = 1'000'000'000;

/// A queue, with a clock that a test turns.
class Queue : public testing::Test {
 protected:
  void push(const std::string& bytes, std::uint64_t items) { queue.push(std::string{bytes}, items, now_ns); }

  /// The payload that is to be sent, or "".
  std::string next() {
    const DeliveryQueue::Payload* const payload = queue.next(now_ns);
    return payload == nullptr ? "" : payload->bytes;
  }
  void settle(const AttemptResult& result) { queue.settle(result, now_ns, now_ns); }

  void expect_balance() const {
    const ft::DeliveryInfo& info = queue.info();
    EXPECT_EQ(info.items, info.delivered + info.unconfirmed + info.rejected + info.dropped() + info.queued);
  }
  void TearDown() override { expect_balance(); }

  std::int64_t now_ns = 5 * second;
  DeliveryQueue queue{{.max_age = 60s, .initial_backoff = 1s, .max_queue_bytes = 3000}, 1};
};

TEST_F(Queue, payloads_are_sent_in_their_order_and_each_once) {
  EXPECT_EQ(next(), "");
  push("first", 2);
  push("second", 3);
  EXPECT_EQ(next(), "first");
  settle({.verdict = AttemptVerdict::delivered, .has_answer = true, .sent_bytes = 5});
  EXPECT_EQ(next(), "second");
  settle({.verdict = AttemptVerdict::delivered, .has_answer = true, .sent_bytes = 6});
  EXPECT_EQ(next(), "");
  EXPECT_EQ(queue.info().items, 5U);
  EXPECT_EQ(queue.info().delivered, 5U);
  EXPECT_EQ(queue.info().attempts, 2U);
  EXPECT_EQ(queue.info().retries, 0U);
  EXPECT_EQ(queue.info().unanswered, 0U);
  EXPECT_EQ(queue.info().sent_bytes, 11U);
  EXPECT_EQ(queue.info().queued_bytes, 0U);
}

TEST_F(Queue, a_failed_payload_stays_first_and_holds_back_the_others_until_the_wait_is_over) {
  push("first", 1);
  push("second", 1);
  ASSERT_EQ(next(), "first");
  settle({.verdict = AttemptVerdict::retry, .retry_after = 10s, .has_answer = true});
  EXPECT_EQ(next(), "");
  now_ns += 10 * second - 1;
  EXPECT_EQ(next(), "");
  now_ns += 1;
  EXPECT_EQ(next(), "first");
  settle({.verdict = AttemptVerdict::delivered, .has_answer = true});
  EXPECT_EQ(next(), "second");
  EXPECT_EQ(queue.info().attempts, 2U);
  EXPECT_EQ(queue.info().retries, 1U);
}

TEST_F(Queue, what_is_refused_is_dropped_and_does_not_hold_back_the_others) {
  push("refused", 2);
  push("too large", 3);
  push("fine", 1);
  ASSERT_EQ(next(), "refused");
  settle({.verdict = AttemptVerdict::refused, .has_answer = true});
  ASSERT_EQ(next(), "too large");
  settle({.verdict = AttemptVerdict::too_large, .has_answer = true});
  EXPECT_EQ(next(), "fine");
  EXPECT_EQ(queue.info().dropped_refused, 2U);
  EXPECT_EQ(queue.info().dropped_too_large, 3U);
}

TEST_F(Queue, rejected_items_are_counted_apart_and_never_more_than_there_were) {
  push("one", 10);
  push("two", 10);
  ASSERT_EQ(next(), "one");
  settle({.verdict = AttemptVerdict::delivered, .rejected = 3, .has_answer = true});
  ASSERT_EQ(next(), "two");
  settle({.verdict = AttemptVerdict::delivered, .rejected = 1000, .has_answer = true});
  EXPECT_EQ(queue.info().delivered, 7U);
  EXPECT_EQ(queue.info().rejected, 13U);
}

TEST_F(Queue, an_unreadable_reply_leaves_its_items_unconfirmed) {
  push("one", 4);
  ASSERT_EQ(next(), "one");
  settle({.verdict = AttemptVerdict::unconfirmed, .has_answer = true, .is_reply_unreadable = true});
  EXPECT_EQ(next(), "");
  EXPECT_EQ(queue.info().unconfirmed, 4U);
  EXPECT_EQ(queue.info().replies_unreadable, 1U);
}

TEST_F(Queue, a_payload_is_dropped_when_it_is_too_old_also_while_the_endpoint_is_left_alone) {
  push("old", 2);
  now_ns += 30 * second;
  push("younger", 1);
  ASSERT_EQ(next(), "old");
  settle({.verdict = AttemptVerdict::retry, .retry_after = 59s, .is_timed_out = true});
  now_ns += 30 * second;
  EXPECT_EQ(next(), "");
  EXPECT_EQ(queue.info().dropped_too_old, 0U) << "exactly max_age is not beyond it";
  now_ns += 1;
  EXPECT_EQ(next(), "");
  EXPECT_EQ(queue.info().dropped_too_old, 2U);
  EXPECT_EQ(queue.info().queued, 1U);
  EXPECT_EQ(queue.info().unanswered, 1U);
  EXPECT_EQ(queue.info().timed_out, 1U);
  now_ns += 29 * second;
  EXPECT_EQ(next(), "younger");
}

TEST_F(Queue, the_oldest_are_dropped_when_there_is_no_room) {
  const std::string payload(650, 'x');
  push("1" + payload, 1);
  push("2" + payload, 2);
  push("3" + payload, 4);
  EXPECT_EQ(queue.info().dropped(), 0U);
  push("4" + payload, 8);
  EXPECT_EQ(queue.info().dropped_queue_full, 1U);
  EXPECT_EQ(next().substr(0, 1), "2");
  push("5" + payload + payload, 16);
  EXPECT_EQ(queue.info().dropped_queue_full, 1U + 2U + 4U);
  EXPECT_LE(queue.info().queued_bytes, 3000U);
  EXPECT_EQ(queue.info().queued, 8U + 16U);
}

TEST_F(Queue, a_payload_that_alone_exceeds_the_limit_costs_the_others_nothing) {
  push("kept", 1);
  push(std::string(3000, 'x'), 2);
  EXPECT_EQ(queue.info().dropped_too_large, 2U);
  EXPECT_EQ(next(), "kept");
}

// What is kept of payloads that are gone gives way first.
TEST_F(Queue, spare_memory_costs_no_payload) {
  for (int i = 0; i < 3; ++i) push(std::string(500, 'x'), 1);
  for (int i = 0; i < 3; ++i) settle({.verdict = AttemptVerdict::delivered, .has_answer = true});
  EXPECT_EQ(queue.info().queued_bytes, 0U);
  push(std::string(2000, 'x'), 1);
  push("y", 1);
  EXPECT_EQ(queue.info().dropped(), 0U);
  EXPECT_EQ(queue.info().queued, 2U);
}

TEST_F(Queue, any_number_of_small_payloads_is_bounded_too) {
  for (int i = 0; i < 10'000; ++i) push("x", 1);
  EXPECT_LE(queue.info().queued, 3000U / 256U);
  EXPECT_EQ(queue.info().items, 10'000U);
}

TEST_F(Queue, closing_drops_what_waits_and_all_that_comes) {
  push("waits", 2);
  queue.close();
  push("comes", 3);
  EXPECT_EQ(next(), "");
  EXPECT_EQ(queue.info().dropped_shutdown, 5U);
  EXPECT_EQ(queue.info().queued_bytes, 0U);
}

TEST_F(Queue, any_answer_that_is_no_plea_to_come_later_closes_the_circuit) {
  for (const AttemptVerdict verdict :
       {AttemptVerdict::delivered, AttemptVerdict::unconfirmed, AttemptVerdict::refused, AttemptVerdict::too_large}) {
    push("one", 1);
    ASSERT_EQ(next(), "one");
    settle({.verdict = AttemptVerdict::retry, .retry_after = 1s});
    EXPECT_EQ(queue.policy().circuit(now_ns), ft::Circuit::open);
    now_ns += second;
    ASSERT_EQ(next(), "one");
    settle({.verdict = verdict, .has_answer = true});
    EXPECT_EQ(queue.policy().circuit(now_ns), ft::Circuit::closed);
  }
}

TEST_F(Queue, a_difference_is_of_all_but_what_waits) {
  push("one", 3);
  const ft::DeliveryInfo earlier = queue.info();
  ASSERT_EQ(next(), "one");
  queue.settle({.verdict = AttemptVerdict::delivered, .rejected = 1, .has_answer = true, .sent_bytes = 3}, now_ns,
               now_ns + 7);
  push("two", 5);
  const ft::DeliveryInfo change = ft::detail::difference(earlier, queue.info());
  EXPECT_EQ(change.items, 5U);
  EXPECT_EQ(change.delivered, 2U);
  EXPECT_EQ(change.rejected, 1U);
  EXPECT_EQ(change.attempts, 1U);
  EXPECT_EQ(change.attempt_ns, 7U);
  EXPECT_EQ(change.sent_bytes, 3U);
  EXPECT_EQ(change.queued, 5U);
}

// OTLP, "OTLP/HTTP Response", "Retryable Response Codes".
// Bounds are inclusive. Mutation seen red: upper_bound.
TEST_F(Queue, attempts_are_counted_by_how_long_they_took) {
  using namespace std::chrono_literals;
  const std::pair<std::chrono::nanoseconds, std::size_t> cases[] = {{0ns, 0}, {5ms, 0},  {5ms + 1ns, 1},  {10ms, 1},
                                                                    {1s, 7},  {10s, 10}, {10s + 1ns, 11}, {1h, 11}};
  for (const auto& [duration, bucket] : cases) {
    push("payload", 1);
    ASSERT_EQ(next(), "payload");
    const ft::DeliveryInfo before = queue.info();
    queue.settle({.verdict = AttemptVerdict::delivered, .has_answer = true}, now_ns, now_ns + duration.count());
    const ft::DeliveryInfo change = ft::detail::difference(before, queue.info());
    for (std::size_t i = 0; i < change.attempt_buckets.size(); ++i) {
      EXPECT_EQ(change.attempt_buckets[i], i == bucket ? 1U : 0U) << duration.count() << ' ' << i;
    }
  }
}

TEST(OtlpStatus, four_are_retried_and_no_others) {
  for (long status = 100; status < 600; ++status) {
    const bool is_retryable = status == 429 || status == 502 || status == 503 || status == 504;
    const AttemptVerdict expected = is_retryable                    ? AttemptVerdict::retry
                                    : status == 413                 ? AttemptVerdict::too_large
                                    : status >= 200 && status < 300 ? AttemptVerdict::delivered
                                                                    : AttemptVerdict::refused;
    EXPECT_EQ(ft::detail::verdict_of_otlp_status(status), expected) << status;
  }
}

}  // namespace delivery_queue_test
