// SPDX-License-Identifier: Apache-2.0
//
// How writers of spans call for a drain before its time.
#pragma once

#include "core/event_count.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Set when a chunk is taken and more than half of the budget is in use; cleared by who is about to drain for it. Half,
/// so that writers have the other half to fill until the drain is under way.
extern constinit std::atomic<bool> span_pressure;

/// Notified when the pressure is set. Those who drive exporters sleep at it, and use it for their own calls, too.
extern constinit EventCount collector_events;

/// Sets the pressure. Once until it is cleared, it costs what EventCount::notify_all does. Async-signal-safe.
void call_for_drain() noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
