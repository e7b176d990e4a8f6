// SPDX-License-Identifier: Apache-2.0
//
// The value of an HTTP Retry-After field.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// RFC 9110, section 10.2.3: a number of seconds, or a date in any of the three forms of section 5.6.7. Nothing for
/// what is neither; zero or less for a date that is past; a year at most.
[[nodiscard]] std::optional<std::chrono::seconds> parse_retry_after(std::string_view value,
                                                                    std::chrono::seconds unix_now) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
