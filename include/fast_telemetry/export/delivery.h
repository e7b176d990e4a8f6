// SPDX-License-Identifier: Apache-2.0
//
// How exporters deliver: DeliveryOptions are the limits, DeliveryInfo is the accounting, DeliveryPolicy decides when an
// endpoint that failed is asked again. For programs that export, and for exporters of one's own.
#pragma once

#include <array>
#include <chrono>
#include <limits>
#include <optional>
#include <span>

#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// A payload is one request's body. Payloads of an exporter wait in one queue and are sent one after another.
struct DeliveryOptions {
  /// Of one attempt: from resolving the name to the last byte of the answer.
  std::chrono::milliseconds attempt_timeout{10'000};
  /// A payload that waits for longer is dropped, however often it was tried.
  std::chrono::milliseconds max_age{300'000};

  // What OpenTelemetry's own exporters do: 1 to 5 s at first, 1.5 times as much after each failure, 30 s at most.
  std::chrono::milliseconds initial_backoff{1'000};
  std::chrono::milliseconds max_backoff{30'000};
  double backoff_multiplier = 1.5;

  /// Of all payloads that wait, some 256 bytes for each included. When a new one has no room, the oldest are dropped:
  /// they are the next to be too old, and the new ones say what happens now, which is what an outage is looked at for.
  std::size_t max_queue_bytes = std::size_t{32} << 20U;
};

/// What became of what an exporter was given. Items are what the payloads are made of: spans, data points, lines.
///
/// items = delivered + unconfirmed + rejected + dropped() + queued, always.
struct DeliveryInfo {
  /// In seconds; those that Prometheus's clients have by default. The last is that of DeliveryOptions::attempt_timeout.
  static constexpr std::array<double, 11> attempt_bounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

  std::uint64_t items = 0;        ///< given
  std::uint64_t delivered = 0;    ///< the receiver says that it has them
  std::uint64_t unconfirmed = 0;  ///< sent, and will not be again, but it did not say so: a 200 with garbage, DogStatsD
  std::uint64_t rejected = 0;     ///< it took the others of their payload (OTLP's partial success)
  std::uint64_t queued = 0;       ///< wait

  std::uint64_t dropped_refused = 0;     ///< the receiver answered with what is not worth a second try, such as 400
  std::uint64_t dropped_too_large = 0;   ///< it answered 413, or the payload alone exceeds a limit of ours
  std::uint64_t dropped_too_old = 0;     ///< DeliveryOptions::max_age; may have arrived if an attempt had no answer
  std::uint64_t dropped_queue_full = 0;  ///< DeliveryOptions::max_queue_bytes; the same
  std::uint64_t dropped_shutdown = 0;    ///< waited when the exporter was closed, or came later; the same
  std::uint64_t dropped_no_memory = 0;

  std::uint64_t attempts = 0;    ///< requests begun
  std::uint64_t retries = 0;     ///< of them, those with a payload that had been tried before
  std::uint64_t unanswered = 0;  ///< of them, those that ended without an answer: no connection, a reset, a timeout
  std::uint64_t timed_out = 0;   ///< of these, those that took too long
  std::uint64_t attempt_ns = 0;  ///< all attempts took together
  /// How many took no longer than attempt_bounds[i], and longer than the bound before; the last: longer than all.
  std::array<std::uint64_t, 12> attempt_buckets = {};
  std::uint64_t sent_bytes = 0;          ///< of bodies, of all attempts
  std::uint64_t replies_unreadable = 0;  ///< too large, or not what the protocol says
  std::uint64_t queued_bytes = 0;        ///< of DeliveryOptions::max_queue_bytes

  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_refused + dropped_too_large + dropped_too_old + dropped_queue_full + dropped_shutdown +
           dropped_no_memory;
  }
};

/// What one round of delivering did, and when the next one is worth while.
struct DeliveryReport {
  DeliveryInfo counts;  ///< of this round; but for `queued` and `queued_bytes`, which are as they are now
  /// Until the next attempt may be made. Nothing: the queue is empty. Zero: there was no time for all of it.
  std::optional<std::chrono::nanoseconds> next_attempt_in = {};

  [[nodiscard]] bool is_complete() const noexcept { return !next_attempt_in.has_value(); }
};

/// An exporter's accounting, and what it is called: "otlp_spans".
struct ExporterDelivery {
  Text exporter;
  DeliveryInfo info;
};

/// Visits the accounting of exporters, 32 at most, as families of their own (`fast_telemetry_delivery_items`, …) with
/// the label `exporter`, without Visitor::begin and end: give it to Snapshot::visit after the visitor. The same
/// exporters in the same order each time, because encoders know a series by its place.
void visit_families(std::span<const ExporterDelivery> exporters, Visitor& visitor);

/// An endpoint's circuit.
enum class Circuit : std::uint8_t {
  closed,     ///< the last attempt had an answer that was no plea to come later
  open,       ///< it had not: nothing is sent before the wait is over
  half_open,  ///< the wait is over: one payload is tried, and decides
};

/// When an endpoint is asked again. The wait belongs to the endpoint, not to a payload: while it lasts no payload is
/// tried, and new ones queue. After a failure it is a random part of a bound (full jitter, so that many clients of one
/// receiver do not come back together), which grows with each failure and begins anew with the first success; or it is
/// exactly what the receiver asked for, max_age at most.
///
/// Reads no clock: times are nanoseconds on any scale that does not fall, such as now_ns(). Not thread-safe.
class DeliveryPolicy {
 public:
  /// Of the options it uses those of the back-off and max_age. Throws std::invalid_argument when they make no sense: a
  /// duration below zero, a maximum below the initial bound, a multiplier below 1.
  DeliveryPolicy(const DeliveryOptions& options, std::uint64_t seed);

  /// The endpoint answered, if only with a refusal.
  void succeeded() noexcept;
  /// There was no answer, or one that asks to come again, perhaps after a time. A time of zero or less says nothing.
  void failed(std::int64_t now_ns, std::optional<std::chrono::nanoseconds> retry_after = {}) noexcept;

  /// The next attempt may be made at once: for one before the program ends.
  void skip_wait() noexcept { not_before_ns_ = std::numeric_limits<std::int64_t>::min(); }

  /// Zero: at once.
  [[nodiscard]] std::chrono::nanoseconds wait(std::int64_t now_ns) const noexcept;
  [[nodiscard]] Circuit circuit(std::int64_t now_ns) const noexcept;
  /// Since the last success.
  [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }

 private:
  [[nodiscard]] std::uint64_t random_below(std::uint64_t bound) noexcept;

  double initial_ns_;
  double max_ns_;
  double multiplier_;
  std::int64_t max_retry_after_ns_;
  std::uint64_t random_;
  std::uint64_t failures_ = 0;
  double bound_ns_;                 ///< of the next wait
  std::int64_t not_before_ns_ = 0;  ///< while failures_ != 0
};

FAST_TELEMETRY_END_NAMESPACE
