// SPDX-License-Identifier: Apache-2.0
//
// Fork: no lock is held by a thread that is not there, and the child's cells start at zero.
#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <new>

#include "clock.h"
#include "dynamic_index.h"
#include "exemplars.h"
#include "observe.h"
#include "pin.h"
#include "process.h"
#include "reclaim.h"
#include "series_pool.h"
#include "sweep.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// One word that the kernel wipes in every child, however it was made.
constinit std::atomic<std::uint64_t*> alive{nullptr};
constinit bool arena_lock_taken = false;

void begin_child() noexcept {
  Process& state = process();
  // Asked of the word, not only of madvise: QEMU's user mode (7.2) answers MADV_WIPEONFORK with 0 and wipes nothing.
  std::uint64_t* const word = alive.load(std::memory_order_acquire);
  const bool kernel_wipes = word != nullptr && __atomic_load_n(word, __ATOMIC_RELAXED) == 0;
  per_cpu_arena.wipe_in_child(kernel_wipes);
  gauge_arena.wipe_in_child(kernel_wipes);
  exemplar_arena.wipe_in_child(kernel_wipes);
  forget_marks();
  forget_pins();
  release_clock_in_child();
  // Runs in quarantine were wiped with all others.
  state.fold_active = false;
  free_runs(state.quarantine);
  const std::int64_t now = wall_clock_ns();
  for (RegistryState* const registry : state.registries) let_go_of_all(*registry);
  for (Instrument* const instrument : state.instruments) {
    instrument->born_unix_ns = now;
    instrument->base = nullptr;
    instrument->earlier.store(nullptr, std::memory_order_relaxed);
    if (instrument->has_index()) instrument->dynamic->forget(now);
    if (instrument->extrema) instrument->extrema->forget();
    if (instrument->observed) instrument->observed->begin_child(now);
  }
  end_runs_of_other_threads();
  new (&state.run_ended) std::condition_variable;  // threads of the parent may wait there
  ++state.fork_generation;
  state.forked_unix_ns = now;
  // What the parent counted, the parent reports.
  state.finals_dropped = 0;
  state.callbacks_failed = 0;
  state.callbacks_late = 0;
  state.callbacks_skipped = 0;
  forget_drops();
  if (word != nullptr) __atomic_store_n(word, 1, __ATOMIC_RELAXED);
}

/// Of living metrics. With Process::mutex held.
template <class Use>
void for_each_index(Use use) {
  for (Instrument* const instrument : process().instruments) {
    if (instrument->has_index()) use(*instrument->dynamic);
  }
}

// Not barrier_mutex: who holds it may wait for a mark of this very thread, if fork is called in a signal handler on top
// of a record. The child makes it anew.
void before_fork() noexcept {
  process().fold_mutex.lock();
  process().mutex.lock();
  for_each_index([](DynamicIndex& index) { index.lock(); });
  lock_series_pools();
  // Not taken when fork is called in a signal handler that interrupted this very thread's attach.
  arena_lock_taken = arena_lock.lock();
}

void unlock_all() noexcept {
  if (arena_lock_taken) arena_lock.unlock();
  unlock_series_pools();
  for_each_index([](DynamicIndex& index) { index.unlock(); });
  process().mutex.unlock();
  process().fold_mutex.unlock();
}

void after_fork_in_child() noexcept {
  new (&barrier_mutex) std::mutex;
  new (&sweep_mutex) std::mutex;
  // The arena lock first: freeing quarantined runs takes it.
  if (arena_lock_taken) arena_lock.unlock();
  arena_lock_taken = false;
  begin_child();
  unlock_all();
}

}  // namespace

std::unique_lock<std::mutex> lock_process() {
  notice_bare_clone();
  return std::unique_lock{process().mutex};
}

void install_fork_handlers() noexcept {
  pthread_atfork(before_fork, unlock_all, after_fork_in_child);
  void* const page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  if (madvise(page, 4096, MADV_WIPEONFORK) != 0) {  // Linux 4.14
    munmap(page, 4096);
    return;
  }
  auto* const word = static_cast<std::uint64_t*>(page);
  *word = 1;
  // Release: pairs with the acquire in notice_bare_clone, which other threads may be in already.
  alive.store(word, std::memory_order_release);
}

void notice_bare_clone() noexcept {
  const std::uint64_t* const word = alive.load(std::memory_order_acquire);
  if (word == nullptr || __atomic_load_n(word, __ATOMIC_RELAXED) != 0) return;
  // No handler ran, so any lock may be held by a thread that exists in the parent only. This child has one thread.
  new (&barrier_mutex) std::mutex;
  new (&process().fold_mutex) std::mutex;
  new (&process().mutex) std::mutex;
  new (&sweep_mutex) std::mutex;
  for_each_index([](DynamicIndex& index) { index.renew_locks(); });
  renew_series_pool_locks();
  arena_lock.unlock();
  begin_child();
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
