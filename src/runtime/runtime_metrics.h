// SPDX-License-Identifier: Apache-2.0
//
// What the runtime counts about exporters and sweeps. In the registry, so that every exporter of it shows them.
#pragma once

#include <stdexcept>
#include <string>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/export/delivery.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/sweeper.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What became of items that a receiver was given.
enum class DeliveryOutcome : std::uint8_t { delivered, unconfirmed, rejected };
constexpr Label label(DeliveryOutcome outcome) noexcept {
  switch (outcome) {
    case DeliveryOutcome::delivered: return {"outcome", "delivered"};
    case DeliveryOutcome::unconfirmed: return {"outcome", "unconfirmed"};
    case DeliveryOutcome::rejected: return {"outcome", "rejected"};
  }
  return {};
}

enum class DeliveryDrop : std::uint8_t { refused, too_large, too_old, queue_full, shutdown, no_memory };
constexpr Label label(DeliveryDrop reason) noexcept {
  switch (reason) {
    case DeliveryDrop::refused: return {"reason", "refused"};
    case DeliveryDrop::too_large: return {"reason", "too_large"};
    case DeliveryDrop::too_old: return {"reason", "too_old"};
    case DeliveryDrop::queue_full: return {"reason", "queue_full"};
    case DeliveryDrop::shutdown: return {"reason", "shutdown"};
    case DeliveryDrop::no_memory: return {"reason", "no_memory"};
  }
  return {};
}

/// The families of visit_families(exporters, visitor), of one exporter; but for the histogram of attempts, which a
/// metric cannot be given: `fast_telemetry_delivery_attempt_time_seconds` is its sum.
class DeliveryMetrics {
 public:
  /// Throws what registration throws.
  explicit DeliveryMetrics(const Scope& scope);

  void count(const DeliveryInfo& change) noexcept;

 private:
  Labeled<Counter, DeliveryOutcome> items_;
  Labeled<Counter, DeliveryDrop> dropped_;
  Counter attempts_;
  Counter retries_;
  Counter unanswered_;
  Counter timed_out_;
  Counter replies_unreadable_;
  FloatCounter attempt_;
  Counter sent_;
  Gauge<std::int64_t> queued_;
  Gauge<std::int64_t> queue_;
};

/// How an exporter was driven.
struct ExportMetrics {
  explicit ExportMetrics(const Scope& scope)
      : exports{scope, {.name = "exports", .help = "Exports made."}},
        skipped{scope, {.name = "skipped_exports", .help = "Exports that were not made because one took too long."}},
        duration{scope, {.name = "export_duration", .help = "Time to collect, encode and deliver."}, buckets::latency} {
  }

  Counter exports;
  Counter skipped;
  Histogram duration;
};

struct SweepMetrics {
  explicit SweepMetrics(const Scope& scope)
      : sweeps{scope, {.name = "sweeps", .help = "Sweeps for idle series."}},
        evicted{scope, {.name = "evicted_series", .help = "Series that were idle, and whose memory was taken."}},
        forgotten{scope,
                  {.name = "forgotten_series", .help = "Evicted series that every reader had seen the last of."}} {}

  Counter sweeps;
  Counter evicted;
  Counter forgotten;
};

/// Makes metrics with the first of the values `stem`, `stem_2`, … that the registry does not have them with already:
/// there may be several of a kind. `make(value)` throws std::invalid_argument for those that it has.
template <class Make>
auto with_free_label(const std::string& stem, Make make) {
  constexpr int most = 100;  // then it is not for the value's sake
  for (int n = 2;; ++n) {
    try {
      return make(n == 2 ? stem : stem + '_' + std::to_string(n - 1));
    } catch (const std::invalid_argument&) {
      if (n > most) throw;
    }
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
