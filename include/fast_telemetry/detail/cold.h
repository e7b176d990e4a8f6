// SPDX-License-Identifier: Apache-2.0
//
// What a write falls back to when anything is unusual: compiled, out of line, cold.
#pragma once

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct RunOwner;

/// What a metric owns of its storage. All zero before construction and after destruction (static storage is zeroed
/// before any constructor runs), which makes a record at such a time a counted drop.
struct Site {
  std::uint64_t* cells = nullptr;      ///< the run in shard 0; null until the first write
  RunOwner* owner = nullptr;           ///< null: there is no metric
  std::uint64_t* exemplars = nullptr;  ///< a slot per cell, at the cell's offset; null until the first that is kept
};

/// Each attaches a run of cells if there is none and applies the value with one locked instruction in an extra shard.
/// Async-signal-safe; allocates address space at most, never heap memory.
[[gnu::cold, gnu::noinline]] void cold_add(Site& site, std::size_t offset, std::uint64_t value) noexcept;
[[gnu::cold, gnu::noinline]] void cold_add(Site& site, std::size_t offset, double value) noexcept;

/// For one part of an observation whose other part counts the drop when there is no cell: one observation, one drop.
[[gnu::cold, gnu::noinline]] void cold_add_part(Site& site, std::size_t offset, std::uint64_t value) noexcept;
[[gnu::cold, gnu::noinline]] void cold_add_part(Site& site, std::size_t offset, double value) noexcept;

[[gnu::cold, gnu::noinline]] void cold_max(Site& site, std::size_t offset, std::uint64_t value) noexcept;
[[gnu::cold, gnu::noinline]] void cold_max_part(Site& site, std::size_t offset, std::uint64_t value) noexcept;

/// Gauges: one plain copy of the cell; attaches it and stores.
[[gnu::cold, gnu::noinline]] void cold_set(Site& site, std::size_t offset, std::uint64_t bits) noexcept;

/// Why a record was not kept.
enum class Drop : std::uint8_t {
  no_metric,      ///< before the metric's constructor or after its destructor
  no_memory,      ///< no address space for its cells
  reentrant,      ///< a first write in a signal handler that interrupted another first write on the same thread
  not_finite,     ///< NaN given to a floating-point metric that is no gauge, or infinity to one that adds up
  negative,       ///< a negative amount given to a floating-point counter or distribution
  no_such_index,  ///< a counter of a set that is not in it
};
inline constexpr std::size_t drop_reasons = 6;

[[gnu::cold, gnu::noinline]] void count_drop(Drop reason) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
