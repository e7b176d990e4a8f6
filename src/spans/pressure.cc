// SPDX-License-Identifier: Apache-2.0
#include "pressure.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

constinit std::atomic<bool> span_pressure{false};
constinit EventCount collector_events;

void call_for_drain() noexcept {
  // Looked at first: threads that take chunks must not fight for the word. Relaxed: what the drain finds, it reads from
  // the chunks.
  if (span_pressure.load(std::memory_order_relaxed)) return;
  if (!span_pressure.exchange(true, std::memory_order_relaxed)) collector_events.notify_all();
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
