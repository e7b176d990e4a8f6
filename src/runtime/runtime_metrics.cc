// SPDX-License-Identifier: Apache-2.0
#include "runtime_metrics.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

DeliveryMetrics::DeliveryMetrics(const Scope& scope)
    : items_{scope, {.name = "items", .help = "Spans or data points that a receiver took or rejected, by outcome."}},
      dropped_{scope, {.name = "dropped_items", .help = "Spans or data points that were given up, by reason."}},
      attempts_{scope, {.name = "attempts", .help = "Requests begun."}},
      retries_{scope, {.name = "retries", .help = "Of them, those with what had been tried before."}},
      unanswered_{scope, {.name = "unanswered", .help = "Of them, those that ended without an answer."}},
      timed_out_{scope, {.name = "timed_out", .help = "Of these, those that took too long."}},
      replies_unreadable_{scope,
                          {.name = "replies_unreadable",
                           .help = "Answers that were too large, broke off or were not what the protocol says."}},
      attempt_{scope, {.name = "attempt_time", .help = "How long all attempts took.", .unit = Unit::seconds}},
      sent_{scope, {.name = "sent", .help = "Bodies of requests, of all attempts.", .unit = Unit::bytes}},
      queued_{scope, {.name = "queued_items", .help = "Spans or data points that wait."}},
      queue_{scope, {.name = "queue", .help = "What the queue takes.", .unit = Unit::bytes}} {}

void DeliveryMetrics::count(const DeliveryInfo& change) noexcept {
  items_.with(DeliveryOutcome::delivered).add(change.delivered);
  items_.with(DeliveryOutcome::unconfirmed).add(change.unconfirmed);
  items_.with(DeliveryOutcome::rejected).add(change.rejected);
  dropped_.with(DeliveryDrop::refused).add(change.dropped_refused);
  dropped_.with(DeliveryDrop::too_large).add(change.dropped_too_large);
  dropped_.with(DeliveryDrop::too_old).add(change.dropped_too_old);
  dropped_.with(DeliveryDrop::queue_full).add(change.dropped_queue_full);
  dropped_.with(DeliveryDrop::shutdown).add(change.dropped_shutdown);
  dropped_.with(DeliveryDrop::no_memory).add(change.dropped_no_memory);
  attempts_.add(change.attempts);
  retries_.add(change.retries);
  unanswered_.add(change.unanswered);
  timed_out_.add(change.timed_out);
  replies_unreadable_.add(change.replies_unreadable);
  attempt_.add(static_cast<double>(change.attempt_ns) / 1e9);
  sent_.add(change.sent_bytes);
  queued_.set(static_cast<std::int64_t>(change.queued));
  queue_.set(static_cast<std::int64_t>(change.queued_bytes));
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
