// SPDX-License-Identifier: Apache-2.0
//
// The parts of process_info() that tests need apart.
#pragma once

#include <atomic>
#include <string>

#include "fast_telemetry/process_info.h"
#include "own_families.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// process_info() with its files below another root than "/" (given without the slash at its end), on a machine that
/// has started then.
[[nodiscard]] ProcessInfo read_process_info(const std::string& root, std::int64_t boot_unix_ns);

/// When the machine has started, given what its clocks say now. Two readings never agree to the nanosecond, and a start
/// time that wavers would look like a restart: it stays what was kept (0: nothing yet) unless somebody has set the
/// clock.
[[nodiscard]] std::int64_t kept_boot_time(std::atomic<std::int64_t>& kept, std::int64_t measured) noexcept;

/// All families that a ProcessInfo can show.
[[nodiscard]] std::span<const OwnFamily> process_info_families() noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
