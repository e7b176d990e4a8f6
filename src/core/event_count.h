// SPDX-License-Identifier: Apache-2.0
//
// EventCount: threads that sleep until something happened, wherever it happens.
#pragma once

#include <atomic>
#include <chrono>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What a condition variable is for, where the one that notifies can hold no lock: a signal handler, a record.
///
///     const std::uint32_t seen = events.seen();
///     if (!condition()) events.wait(seen, until);  // and look again: others' events wake, too
///
/// Meant to be immortal: who notifies must not meet one that is gone.
class EventCount {
 public:
  constexpr EventCount() noexcept = default;

  /// To be read before the condition is looked at: what is notified after that is not slept through.
  [[nodiscard]] std::uint32_t seen() const noexcept { return count_.load(std::memory_order_seq_cst); }

  /// Async-signal-safe. An atomic add, and a system call if somebody sleeps.
  void notify_all() noexcept;

  /// Sleeps, if nothing was notified since `seen`, until something is, at the latest until then.
  void wait(std::uint32_t seen, std::chrono::steady_clock::time_point until) noexcept;

 private:
  // Sequentially consistent, both: the notifier adds to the one and then reads the other, the sleeper the other way
  // round (the kernel compares `count_`), so that one of them sees what the other wrote.
  std::atomic<std::uint32_t> count_{0};
  std::atomic<std::uint32_t> sleepers_{0};
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
