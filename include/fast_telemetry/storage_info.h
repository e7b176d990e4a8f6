// SPDX-License-Identifier: Apache-2.0
//
// What the library holds, which write path is active, and what could not be recorded.
#pragma once

#include "fast_telemetry/cardinality.h"
#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// How records reach their cells.
enum class WritePath : std::uint8_t {
  restartable_sequence,  ///< one plain add on the CPU's own cell
  locked,                ///< one locked add on a shared shard: always correct, at several times the cost
};

struct StorageInfo {
  WritePath path;
  std::string_view path_reason;  ///< why it is locked; empty otherwise
  bool exact_retirement;         ///< false where the kernel refuses membarrier: cells of destroyed metrics are kept
  std::string_view retirement_reason;  ///< why it is not exact; empty otherwise
  std::uint32_t shards;                ///< CPUs with cells of their own, and the shards for locked adds
  std::uint64_t metrics;               ///< registered and unregistered, alive
  std::uint64_t cells;                 ///< attached to metrics
  std::uint64_t reserved_bytes;        ///< address space
  std::uint64_t committed_bytes;       ///< of that, pages with cells of metrics and exemplars: what can become resident
  std::uint64_t resident_bytes;        ///< memory: pages that were written (0 where the kernel does not say)
  std::uint64_t dropped_no_metric;     ///< records before a metric's constructor or after its destructor
  std::uint64_t dropped_no_memory;     ///< records whose metric could get no cells
  std::uint64_t dropped_reentrant;     ///< first writes in a signal handler on top of another first write
  std::uint64_t
      dropped_not_finite;  ///< NaN given to a metric of doubles that is no gauge, or infinity to one that adds up
  std::uint64_t dropped_negative;               ///< negative amounts given to a FloatCounter or FloatDistribution
  std::uint64_t dropped_no_such_index;          ///< adds to a counter that a CounterSet does not have
  std::uint64_t finals_held;                    ///< series of destroyed metrics whose final value is kept for readers
  std::uint64_t finals_dropped;                 ///< series whose final value was given up before every reader had it
  std::uint64_t callbacks_failed;               ///< calls of observable metrics' callbacks that threw
  std::uint64_t callbacks_late;                 ///< that returned after their collection's time was spent
  std::uint64_t callbacks_skipped;              ///< that were not made, because that time was spent
  std::vector<CardinalityReport> dynamic = {};  ///< one per dynamic metric of any registry, by name
};

/// Reads the state of the process-wide storage. Costs some system calls; thread-safe.
[[nodiscard]] StorageInfo storage_info();

/// Visits the same figures as families of their own (`fast_telemetry_dropped_records`, …), without Visitor::begin and
/// end: Snapshot::visit with a StorageInfo does that after a snapshot's families. Their names are refused at
/// registration of other metrics.
void visit_families(const StorageInfo& info, Visitor& visitor);

FAST_TELEMETRY_END_NAMESPACE
