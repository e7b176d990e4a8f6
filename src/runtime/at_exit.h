// SPDX-License-Identifier: Apache-2.0
//
// What still runs when the program exits is shut down then.
#pragma once

#include <memory>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

class Runtime;

/// Has the runtime shut down when the program exits, if it is there then: after what was made since the first call of
/// this function is destroyed, and before what was there by then; the last one first. Throws std::bad_alloc.
void shut_down_at_exit(const std::shared_ptr<Runtime>& runtime);

/// Keeps for ever what a thread still uses that does not return.
void leave_behind(std::shared_ptr<Runtime> runtime) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
