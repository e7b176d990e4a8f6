// SPDX-License-Identifier: Apache-2.0
//
// Pins: what a thread has found in an index stays in memory until it unpins. For code that records by labels.
#pragma once

#include "fast_telemetry/detail/percpu.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Counts pins and unpins in cells per CPU, so that pinning writes no memory that threads share. Two cells for each
/// phase: who waits for pins changes the phase first and so waits for no later ones (sleepable RCU's scheme).
/// Null cells: nothing can be pinned yet.
extern Site pins;
extern std::uint32_t pin_phase;

/// Cells: those of one phase are pins, then unpins.
inline constexpr std::size_t phase_bytes = 2 * sizeof(std::uint64_t);

/// Any thread, any signal handler; pins nest. Returns what unpin() needs, since the phase may change in between.
inline std::uint32_t pin() noexcept {
  const std::uint32_t phase = __atomic_load_n(&pin_phase, __ATOMIC_RELAXED);
  add(pins, phase * phase_bytes, std::uint64_t{1});
  return phase;
}

inline void unpin(std::uint32_t phase) noexcept {
  add(pins, phase * phase_bytes + sizeof(std::uint64_t), std::uint64_t{1});
}

/// Pins for a scope.
class Pin {
 public:
  Pin() noexcept : phase_{pin()} {}
  ~Pin() { unpin(phase_); }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

 private:
  std::uint32_t phase_;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
