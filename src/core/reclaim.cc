// SPDX-License-Identifier: Apache-2.0
#include "reclaim.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "signal_lock.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

constinit std::mutex barrier_mutex;

namespace {

// Two phases (see Mark) for each of four generations of processes. A thread that forks in a signal handler may have
// marks up, and in the child takes them down when the handler returns: in its parent's generation, where nobody waits
// for them. Four: arbitrary; that many forks in a chain, each within the handler of the one before, would have to go
// wrong.
constexpr unsigned fork_generations = 4;
constinit std::array<std::array<std::atomic<std::uint64_t>, extra_shards>, 2 * fork_generations> marks{};
constinit std::atomic<unsigned> phase{0};

constinit std::atomic<bool> barrier_registered{false};

// Linux 5.10; spelled out because older kernel headers lack the names.
[[maybe_unused]] constexpr int expedited_rseq = 1 << 7;
[[maybe_unused]] constexpr int register_expedited_rseq = 1 << 8;

// At library start, while there is one thread: 0.3 µs. With threads running the kernel takes 10 ms.
[[gnu::constructor]] void register_at_start() noexcept { register_barrier(); }

}  // namespace

// Acquire and release: pairs with the same in retire_barrier. One of the two changes this counter first: either the
// retiring side sees this mark and waits, or this side sees the word that was cleared.
Mark::Mark(std::size_t slot) noexcept : mark_{&marks[phase.load(std::memory_order_relaxed)][slot]} {
  mark_->fetch_add(1, std::memory_order_acq_rel);
}

// Release: pairs with the acquire in retire_barrier; the add under the mark is visible to the fold that follows.
Mark::~Mark() { mark_->fetch_sub(1, std::memory_order_release); }

void forget_marks() noexcept {
  const unsigned next = (phase.load(std::memory_order_relaxed) / 2 + 1) % fork_generations * 2;
  for (const unsigned fresh : {next, next + 1}) {
    for (auto& mark : marks[fresh]) mark.store(0, std::memory_order_relaxed);
  }
  phase.store(next, std::memory_order_relaxed);
}

std::size_t mark_slot() noexcept {
  // Thread pointers are page-aligned or nearly so; Fibonacci hashing spreads what is left.
  const auto pointer = reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
  return static_cast<std::size_t>((pointer >> 6) * 0x9E3779B97F4A7C15ULL >> 61) % extra_shards;
}

void register_barrier() noexcept {
#if FAST_TELEMETRY_RSEQ
  const int saved_errno = errno;
  if (!barrier_registered.load(std::memory_order_relaxed) &&
      syscall(SYS_membarrier, register_expedited_rseq, 0, 0) == 0) {
    barrier_registered.store(true, std::memory_order_relaxed);
  }
  errno = saved_errno;
#endif
}

bool barrier_works() noexcept {
  return FAST_TELEMETRY_RSEQ == 0 || shards == 0 || barrier_registered.load(std::memory_order_relaxed);
}

bool retire_barrier() noexcept {
  const std::lock_guard one_at_a_time{barrier_mutex};
  // The barrier orders what the caller stored before everything that restartable sequences do from here on.
#if FAST_TELEMETRY_RSEQ
  if (shards != 0 && syscall(SYS_membarrier, expedited_rseq, 0, 0) != 0) {
    barrier_registered.store(false, std::memory_order_relaxed);  // a filter that came after the start
    return false;
  }
#endif
  // A mark set after the word was cleared belongs to a thread that sees it cleared, so each counter need only pass zero
  // once. New marks go to the current phase: first the other one drains, then the two change places and the rest
  // drains.
  const unsigned current = phase.load(std::memory_order_relaxed);
  for (const unsigned waited_for : {current ^ 1U, current}) {
    phase.store(waited_for ^ 1U, std::memory_order_relaxed);
    for (auto& mark : marks[waited_for]) {
      // Acquire: pairs with the release that takes the mark down; the locked add before it is visible to the fold
      // after. Release, and a change though it adds nothing: pairs with the acquire that sets a mark, see there.
      for (unsigned attempt = 0; mark.fetch_add(0, std::memory_order_acq_rel) != 0; ++attempt) wait_for_others(attempt);
    }
  }
  return true;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
