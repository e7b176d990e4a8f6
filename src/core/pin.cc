// SPDX-License-Identifier: Apache-2.0
//
// The waiting half of pins: sleepable RCU, with the kernel's membarrier where readers would need a fence.
#include "pin.h"

#include <sched.h>

#include <array>
#include <new>

#include "arena.h"
#include "fast_telemetry/clock.h"
#include "reclaim.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

constinit Site pins{};
constinit std::uint32_t pin_phase = 0;

namespace {

/// Pairs of phases: a forked child goes on in the next, since threads that pinned before it existed cannot unpin, and
/// the one that forked may unpin without having pinned. Arbitrary, and more than processes nest.
constexpr std::uint32_t generations = 16;
constexpr std::uint32_t phases = 2 * generations;
static_assert(no_phase == phases);

constinit SizeClass run_size{&per_cpu_arena, (phases + 1) * phase_bytes / sizeof(std::uint64_t)};

std::uint64_t sum(std::uint32_t phase, std::size_t cell) noexcept {
  std::uint64_t total = 0;
  per_cpu_arena.sum(pins.cells + phase * phase_bytes / sizeof(std::uint64_t) + cell, 1, &total);
  return total;
}

/// Unpins are read first: a thread that is seen to unpin is then seen to have pinned.
bool is_unpinned(std::uint32_t phase) noexcept {
  const std::uint64_t unpinned = sum(phase, 1);
  return retire_barrier() && sum(phase, 0) == unpinned;
}

bool drains(std::uint32_t phase, std::int64_t patience_ns) noexcept {
  const std::int64_t begin = now_ns();
  while (!is_unpinned(phase)) {
    if (!barrier_works() || now_ns() - begin > patience_ns) return false;
    sched_yield();
  }
  return true;
}

}  // namespace

void start_pins() {
  const bool locked = arena_lock.lock();
  std::uint64_t* const cells = pins.cells != nullptr ? pins.cells : per_cpu_arena.allocate(run_size);
  __atomic_store_n(&pins.cells, cells, __ATOMIC_RELEASE);
  if (locked) arena_lock.unlock();
  if (cells == nullptr) throw std::bad_alloc{};
}

bool wait_for_pins(std::int64_t patience_ns) noexcept {
  if (pins.cells == nullptr) return true;
  // The other phase may have a pin that read the phase long ago and was only then counted. It saw what the caller did
  // before the last barrier, but perhaps not what it did after.
  const std::uint32_t current = pin_phase;
  if (!drains(current ^ 1, patience_ns)) return false;
  __atomic_store_n(&pin_phase, current ^ 1, __ATOMIC_RELAXED);
  // The last barrier also orders what the pinned threads read before what the caller frees.
  return drains(current, patience_ns) && retire_barrier();
}

void forget_pins() noexcept { pin_phase = (pin_phase / 2 + 1) % generations * 2; }

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
