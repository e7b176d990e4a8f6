// SPDX-License-Identifier: Apache-2.0
//
// What OTLP/HTTP says about an answer's status.
#pragma once

#include "delivery_queue.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// OTLP, "OTLP/HTTP Response", "Retryable Response Codes": these four and no others. Redirections are not followed, so
/// they are refusals.
[[nodiscard]] constexpr AttemptVerdict verdict_of_otlp_status(long status) noexcept {
  switch (status) {
    case 429:
    case 502:
    case 503:
    case 504: return AttemptVerdict::retry;
    case 413: return AttemptVerdict::too_large;
    default: return status >= 200 && status < 300 ? AttemptVerdict::delivered : AttemptVerdict::refused;
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
