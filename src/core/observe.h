// SPDX-License-Identifier: Apache-2.0
//
// Calling the callbacks of observable metrics: once each per collection, within a time budget, with no lock held, never
// one callback in two threads.
#pragma once

#include <cstdint>
#include <thread>

#include "fast_telemetry/detail/callback.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct Observed;
struct ReaderState;

/// A call under way. On the stack of the thread that collects, and in Process::runs.
struct ObservationRun {
  Observed& observed;
  const ReaderState& reader;
  std::int64_t deadline_ns;
  std::thread::id thread = std::this_thread::get_id();
  ObservationRun* next = nullptr;
  Callback orphan = {};  ///< the callback itself, when it destroyed its metric
};

/// Calls the registry's callbacks for one collection. False: the reader is collecting already, and this is one of its
/// own callbacks.
[[nodiscard]] bool observe_all(ReaderState& reader);

/// In a forked child: runs of threads that are not there are over. With Process::mutex held.
void end_runs_of_other_threads() noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
