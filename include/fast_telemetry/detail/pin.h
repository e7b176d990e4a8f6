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

/// One phase more than there are, for which nobody waits: what unpin() gets for what was not pinned.
inline constexpr std::uint32_t no_phase = 32;

/// Any thread, any signal handler; pins nest. Returns what unpin() needs, since the phase may change in between.
/// After start_pins() only: an unpin that is counted for a pin that was not would be waited for in vain for ever.
inline std::uint32_t pin() noexcept {
  const std::uint32_t phase = __atomic_load_n(&pin_phase, __ATOMIC_RELAXED);
  add_part(pins, phase * phase_bytes, std::uint64_t{1});  // a part: no record, and so never a dropped one
  return phase;
}

inline void unpin(std::uint32_t phase) noexcept {
  add_part(pins, phase * phase_bytes + sizeof(std::uint64_t), std::uint64_t{1});
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
