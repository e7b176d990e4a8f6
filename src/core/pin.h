// SPDX-License-Identifier: Apache-2.0
//
// Waiting until nobody has pinned what was taken out of an index.
#pragma once

#include "fast_telemetry/detail/pin.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Gives the pins their cells; idempotent. Throws std::bad_alloc. With no lock held that nests below arena_lock.
void start_pins();

/// Waits until every pin that was there at the call is gone: what the caller took out of an index before can be freed.
/// False: somebody stayed pinned for so long (a thread that was stopped), or the kernel refuses membarrier; then
/// nothing may be freed yet. With sweep_mutex held and no other lock.
[[nodiscard]] bool wait_for_pins(std::int64_t patience_ns) noexcept;

/// In a forked child: the other threads' pins went with them.
void forget_pins() noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
