// SPDX-License-Identifier: Apache-2.0
//
// Sweeper: takes the memory of series that nobody writes any more. For the program that owns a registry.
#pragma once

#include "fast_telemetry/registry.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct SweeperOptions {
  /// A series is evicted when so many sweeps in a row found its value unchanged; at most 255. 0 evicts also what is
  /// being written, for tests.
  unsigned idle_sweeps = 3;
};

struct SweepResult {
  std::uint64_t evicted = 0;    ///< series whose cells were taken; their final values are held for readers
  std::uint64_t forgotten = 0;  ///< series whose final value every reader has, and that no handle refers to
  /// Why nothing could be evicted, or empty: the kernel or a filter refuses membarrier.
  Text refusal;
};

/// Evicts idle series of a registry's dynamic metrics. Call `sweep` at regular intervals from one thread, a minute
/// apart or so; without a sweeper, series stay for ever.
///
/// Exact: what was added before, during and after an eviction is reported once. A series that is written again while
/// its final value is held or while a handle refers to it goes on as the same series; after that the same labels are a
/// new one, with a birth time of its own. UpDownCounters and gauges are evicted only at zero and while no handle refers
/// to them. Writers and readers go on meanwhile; creating a series and collecting wait for some microseconds at most
/// per thousand series.
class Sweeper {
 public:
  /// Throws std::invalid_argument for options out of range.
  explicit Sweeper(Registry& registry, SweeperOptions options = {});
  ~Sweeper();
  Sweeper(const Sweeper&) = delete;
  Sweeper& operator=(const Sweeper&) = delete;

  /// Throws std::bad_alloc; what it has not evicted then, the next one does.
  SweepResult sweep();

 private:
  struct State;
  State* state_;
};

FAST_TELEMETRY_END_NAMESPACE
