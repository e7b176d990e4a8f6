// SPDX-License-Identifier: Apache-2.0
//
// The one immortal state: everything that recording and collecting share in a process.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "instrument.h"
#include "registry_state.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Constructed on first use, never destroyed, so that no order of static destruction is wrong.
///
/// Locks, in the order in which they may nest: fold_mutex, mutex, arena_lock. No user code runs under any of them.
struct Process {
  std::mutex fold_mutex;  ///< one fold at a time
  std::mutex mutex;       ///< registries, instruments, everything below

  std::map<std::size_t, SizeClass> per_cpu_sizes;
  std::map<std::size_t, SizeClass> gauge_sizes;
  std::map<std::size_t, SizeClass> exemplar_sizes;
  std::uint64_t declared_cells = 0;  ///< of all living metrics, attached or not
  std::atomic<std::uint64_t> next_id{1};
  std::uint64_t captures = 0;  ///< how many collections have begun
  std::unordered_set<Instrument*> instruments;
  std::unordered_set<RegistryState*> registries;

  /// While a fold reads cells, runs that are given back wait here: the fold may have captured them.
  bool fold_active = false;
  struct Quarantined {
    SizeClass* size;
    std::uint64_t* run;
  };
  std::vector<Quarantined> quarantine;

  std::uint64_t fork_generation = 0;
  std::int64_t forked_unix_ns = 0;  ///< when this process began, if it is a forked child
  std::uint64_t finals_dropped = 0;

  ObservationRun* runs = nullptr;     ///< callbacks that are being called
  std::condition_variable run_ended;  ///< with `mutex`
  std::uint64_t callbacks_failed = 0;
  std::uint64_t callbacks_late = 0;
  std::uint64_t callbacks_skipped = 0;
};

/// The state, with storage started. Throws std::bad_alloc at first use only.
Process& process();

/// Zeroes runs that no fold and no writer can reach and puts them up for reuse. Takes arena_lock; call without the
/// others, since a thread that forks in a signal handler can hold it while it waits for them.
void free_runs(std::vector<Process::Quarantined>& runs);

void install_fork_handlers() noexcept;

/// Process::mutex, also in the child of a bare clone, where a thread of the parent may have held it.
[[nodiscard]] std::unique_lock<std::mutex> lock_process();

/// Why writes are locked; empty when they are not.
[[nodiscard]] std::string_view locked_reason() noexcept;

[[nodiscard]] std::uint64_t drop_count(Drop reason) noexcept;
void forget_drops() noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
