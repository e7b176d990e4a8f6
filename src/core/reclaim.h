// SPDX-License-Identifier: Apache-2.0
//
// When may a run be reused? After no write can reach it: one barrier for restartable sequences, marks for locked adds.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string_view>

#include "fast_telemetry/detail/arena.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Held around every locked add: while it is up, what this thread reaches through a site is neither reused nor freed.
///
/// Async-signal-safe; marks nest. A thread picks its slot by a hash of its thread pointer; threads that share one add
/// up. There are two phases, so that whoever waits for marks does not wait for those that come after it.
class Mark {
 public:
  explicit Mark(std::size_t slot) noexcept;
  ~Mark();
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;

 private:
  std::atomic<std::uint64_t>* mark_;
};

[[nodiscard]] std::size_t mark_slot() noexcept;

/// In a forked child: the other threads' marks went with them.
void forget_marks() noexcept;

/// One retirement waits at a time. Held without any other lock.
extern constinit std::mutex barrier_mutex;

/// Prepares the process for retire_barrier(); idempotent, 0.3 µs while the process has one thread.
void register_barrier() noexcept;

/// Waits until no write that began before the call can still reach what the caller has just unpublished.
/// False: the kernel or a filter refuses membarrier, and restartable sequences are in use: nothing may be reused.
[[nodiscard]] bool retire_barrier() noexcept;

[[nodiscard]] bool barrier_works() noexcept;
inline constexpr std::string_view barrier_refused =
    "the kernel or a filter refuses membarrier, so cells of destroyed metrics are not used again";

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
