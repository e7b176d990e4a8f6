// SPDX-License-Identifier: Apache-2.0
//
// Numbers as the Prometheus text formats spell them. Never dependent on the locale.
#pragma once

#include <cstdint>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Room that each of these functions needs at `out`; each returns the end of what it wrote.
inline constexpr std::size_t longest_number = 32;

[[nodiscard]] char* write_number(char* out, std::uint64_t value) noexcept;
[[nodiscard]] char* write_number(char* out, std::int64_t value) noexcept;

/// The fewest digits that read back as the same double; whole numbers below 2^53 as integers; `NaN`, `+Inf`, `-Inf`.
[[nodiscard]] char* write_number(char* out, double value) noexcept;

/// The canonical spelling of `le` and `quantile` (OpenMetrics 1.0, "Considerations: Canonical Numbers"): as Go's `%g`,
/// and whole numbers end in `.0`. `1.0`, `0.005`, `1e-05`, `1e+06`, `+Inf`.
[[nodiscard]] char* write_canonical(char* out, double value) noexcept;

/// Nanoseconds as seconds, exactly: `1520879607.789`, and `12` where nothing follows the point.
[[nodiscard]] char* write_seconds(char* out, std::int64_t nanoseconds) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
