// SPDX-License-Identifier: Apache-2.0
//
// One sweep over one dynamic metric.
#pragma once

#include <vector>

#include "dynamic_index.h"
#include "process.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// One sweep at a time: what it takes out of an index, only the wait of a later one makes free. Outermost of all locks.
extern constinit std::mutex sweep_mutex;

/// Evicts and forgets in the order in which that is safe:
///
///  1. wait_for_pins: who pinned before is gone;
///  2. free what the last sweep took out of the index, take out what was evicted before, everybody has and nobody uses;
///  3. clear the word `cells` of what is idle, one barrier for all, fold what they had a last time.
class Sweep {
 public:
  Sweep(DynamicIndex& index, RegistryState& registry, unsigned idle_sweeps) noexcept
      : index_{index}, registry_{registry}, idle_sweeps_{idle_sweeps} {}

  /// With no lock held. `pins_gone`: what wait_for_pins() said after the last sweep of this index.
  void run(bool pins_gone);

  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }
  [[nodiscard]] std::uint64_t forgotten() const noexcept { return forgotten_; }
  [[nodiscard]] bool refused() const noexcept { return refused_; }

 private:
  void free_unlinked();
  void unlink_finished();
  void find_idle();
  void evict_unwritten(DynamicSeries& series);
  void note_evicted(DynamicSeries& series) noexcept;
  void take(DynamicSeries& series);
  [[nodiscard]] bool may_be_evicted(const DynamicSeries& series) const noexcept;
  [[nodiscard]] std::uint64_t observed(const DynamicSeries& series) const;
  [[nodiscard]] bool is_finished(const DynamicSeries& series, std::int64_t now) const noexcept;
  [[nodiscard]] bool unlink(DynamicSeries& series) noexcept;

  DynamicIndex& index_;
  RegistryState& registry_;
  unsigned idle_sweeps_;
  std::vector<DynamicSeries*> idle_;
  std::vector<Process::Quarantined> free_now_;
  std::uint64_t evicted_ = 0;
  std::uint64_t forgotten_ = 0;
  bool refused_ = false;
};

/// Moves what the series' run has to `earlier` and gives the run up: `free_now`, or the quarantine while a fold is
/// under way. With Process::mutex held, after a barrier that followed the clearing of `cells`. False: the series has
/// been written again meanwhile, or there is no memory; then it goes on with its run.
bool retire_series(DynamicSeries& series, const Instrument& shape,
                   std::vector<Process::Quarantined>& free_now) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
