// SPDX-License-Identifier: Apache-2.0
//
// The library's clock: what timers and spans read. For code that measures by itself.
#pragma once

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Nanoseconds since a moment that is one for the whole process; never falls as one thread sees it, and does not follow
/// steps of the wall clock. Differences are durations: `latency.record(std::chrono::nanoseconds{now_ns() - start})`.
///
/// Where the kernel itself keeps time by the processor's counter (Linux clock sources `tsc`, `arch_sys_counter`, and
/// `kvm-clock` or `hyperv_clocksource_tsc_page` on a counter that neither stops nor changes its pace), the counter is
/// read directly: 12 ns instead of 27 for clock_gettime on the machine of the README's table, almost all of it the
/// counter's own instruction. Its pace is measured against CLOCK_MONOTONIC and corrected at most once a second, by
/// whoever reads the clock then (some 300 ns). What it may be off by: the bracket of one such comparison (below 1 µs),
/// plus what the system's clock itself changes its pace by in the second until the next (500 µs at most, the limit of
/// adjtimex; usually nanoseconds). The processor may read its counter some 10 ns early or late among its neighbours.
/// Elsewhere, and in the first 10 ms, this is clock_gettime(CLOCK_MONOTONIC).
///
/// Any thread, any signal handler, any time.
[[nodiscard]] std::int64_t now_ns() noexcept;

/// now_ns() as it was at the kernel's last tick: CLOCK_MONOTONIC_COARSE, 1 to 10 ms old, for a third of the cost. On
/// the scale of now_ns(), never ahead of it by more than that may be off by, and never falling by itself. Any thread,
/// any signal handler.
[[nodiscard]] std::int64_t coarse_now_ns() noexcept;

/// The wall-clock time of a recent reading of now_ns(), in nanoseconds since 1970 (UTC, as the system says it). The
/// distance between the two clocks is read anew once a second: after a step of the wall clock, readings of up to a
/// second later are still told in the old time. Any thread, any signal handler.
[[nodiscard]] std::int64_t unix_ns(std::int64_t now_ns) noexcept;

enum class ClockSource : std::uint8_t {
  system,        ///< clock_gettime
  counter,       ///< the processor's counter
  virtual_time,  ///< a test's (testing/virtual_clock.h)
};

/// What now_ns() reads at present.
[[nodiscard]] ClockSource clock_source() noexcept;

FAST_TELEMETRY_END_NAMESPACE
