// SPDX-License-Identifier: Apache-2.0
//
// Schedule: when something's turn is that is done again and again. Reads no clock.
#pragma once

#include <algorithm>
#include <chrono>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Turns are whole intervals after the beginning. One that is late is taken at once; those that passed meanwhile are
/// skipped, so that turns never come in a bunch, and the next is a whole interval after the beginning again.
class Schedule {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Interval = std::chrono::milliseconds;

  /// An interval above a year is a year: it must not overflow a time.
  Schedule(Interval interval, bool at_start) noexcept
      : interval_{std::min(interval, Interval{std::chrono::hours{24 * 365}})}, at_start_{at_start} {}

  void begin(Time now) noexcept { due_ = at_start_ ? now : now + interval_; }

  [[nodiscard]] Time due() const noexcept { return due_; }
  [[nodiscard]] bool is_due(Time now) const noexcept { return now >= due_; }

  /// The turn is taken now. How many were skipped before it.
  std::uint64_t take(Time now) noexcept {
    const auto late = now < due_ ? 0 : (now - due_) / interval_;
    due_ += (late + 1) * interval_;
    return static_cast<std::uint64_t>(late);
  }

 private:
  Interval interval_;
  bool at_start_;
  Time due_ = Time::max();
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
