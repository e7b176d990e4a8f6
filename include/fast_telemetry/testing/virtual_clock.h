// SPDX-License-Identifier: Apache-2.0
//
// VirtualClock: time that passes when a test says so. For tests.
#pragma once

#include "fast_telemetry/clock.h"
#include "fast_telemetry/histogram.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
void start_virtual_time(std::int64_t unix_ns) noexcept;
void advance_virtual_time(std::int64_t ns) noexcept;
void stop_virtual_time() noexcept;
}  // namespace detail

/// While one exists, time stands still for the whole library, in all threads, but for what advance() adds: timers,
/// births and times of collections, how long final values are held, the pace of diagnostics.
///
/// One at a time. Metrics that were destroyed and readers that collected in virtual time remember it: use registries of
/// the test's own. When it ends, time is again the machine's, which may be earlier.
class VirtualClock {
 public:
  /// 2001-09-09 01:46:40 UTC.
  static constexpr std::int64_t usual_start_unix_ns = 1'000'000'000'000'000'000;

  explicit VirtualClock(std::int64_t unix_ns = usual_start_unix_ns) noexcept { detail::start_virtual_time(unix_ns); }
  ~VirtualClock() { detail::stop_virtual_time(); }
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  /// Lets time pass, for every thread at once. Any thread.
  template <Duration D>
  void advance(D time) noexcept {
    detail::advance_virtual_time(static_cast<std::int64_t>(detail::nanoseconds(time)));
  }
};

FAST_TELEMETRY_END_NAMESPACE
