// SPDX-License-Identifier: Apache-2.0
//
// What an exposer counts about itself.
#pragma once

#include "fast_telemetry/counter.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// How a request for the metrics was answered.
enum class ScrapeOutcome : std::uint8_t {
  ok,
  too_large,  ///< more than ExposerOptions::max_body_bytes
  too_late,   ///< not ready when the scraper would give up waiting
  busy,       ///< too much is still on its way to clients that read slowly
  failed,     ///< out of memory
};

constexpr Label label(ScrapeOutcome outcome) noexcept {
  switch (outcome) {
    case ScrapeOutcome::ok: return {"outcome", "ok"};
    case ScrapeOutcome::too_large: return {"outcome", "too_large"};
    case ScrapeOutcome::too_late: return {"outcome", "too_late"};
    case ScrapeOutcome::busy: return {"outcome", "busy"};
    case ScrapeOutcome::failed: return {"outcome", "failed"};
  }
  return {};
}

enum class RejectedRequest : std::uint8_t { method, path, body };

constexpr Label label(RejectedRequest reason) noexcept {
  switch (reason) {
    case RejectedRequest::method: return {"reason", "method"};
    case RejectedRequest::path: return {"reason", "path"};
    case RejectedRequest::body: return {"reason", "body"};
  }
  return {};
}

/// Why the server ended a connection, other than its having been idle for long.
enum class ClosedConnection : std::uint8_t {
  made_room,      ///< waiting longest when another came in and all places were taken
  no_room,        ///< came in when all places were taken by responses under way
  slow_request,   ///< ExposerOptions::request_timeout
  slow_response,  ///< ExposerOptions::response_timeout
  not_accepted,   ///< the process had no file descriptor or no memory for it
};

constexpr Label label(ClosedConnection reason) noexcept {
  switch (reason) {
    case ClosedConnection::made_room: return {"reason", "made_room"};
    case ClosedConnection::no_room: return {"reason", "no_room"};
    case ClosedConnection::slow_request: return {"reason", "slow_request"};
    case ClosedConnection::slow_response: return {"reason", "slow_response"};
    case ClosedConnection::not_accepted: return {"reason", "not_accepted"};
  }
  return {};
}

struct ExposerMetrics {
  /// Throws what registration throws.
  explicit ExposerMetrics(const Scope& scope)
      : scrapes{scope, {.name = "scrapes", .help = "Requests for the metrics, by how they were answered."}},
        duration{scope,
                 {.name = "scrape_duration", .help = "Time to collect, render and compress an exposition."},
                 buckets::latency},
        rendered{scope, {.name = "rendered", .help = "Expositions before compression.", .unit = Unit::bytes}},
        sent{scope, {.name = "sent", .help = "Expositions as handed to the network.", .unit = Unit::bytes}},
        rejected{scope, {.name = "rejected_requests", .help = "Requests that no path and method of ours serves."}},
        closed{scope, {.name = "closed_connections", .help = "Connections ended by the server to protect itself."}} {}

  Labeled<Counter, ScrapeOutcome> scrapes;
  Histogram duration;
  Counter rendered;
  Counter sent;
  Labeled<Counter, RejectedRequest> rejected;
  Labeled<Counter, ClosedConnection> closed;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
