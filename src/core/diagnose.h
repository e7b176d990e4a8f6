// SPDX-License-Identifier: Apache-2.0
//
// How the library's own code speaks to the diagnostics hook.
#pragma once

#include <string>
#include <string_view>

#include "fast_telemetry/diagnostics.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Delivers a message, or counts it as suppressed. Never with a lock held, never from a recording call.
void diagnose(std::string_view component, std::string_view message) noexcept;

/// The text, at most 256 bytes of it, with control characters and bytes above ASCII replaced by `?`: safe to print.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
