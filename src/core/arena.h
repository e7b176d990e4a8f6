// SPDX-License-Identifier: Apache-2.0
//
// The arenas: extents of cells, handed out in contiguous runs. See docs/design/storage.md.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <vector>

#include "fast_telemetry/detail/arena.h"
#include "signal_lock.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Extents an arena may grow to: 1 024, that is 33 million cells. Arbitrary, and far above what fits in memory at many
/// CPUs; it bounds the table below.
inline constexpr std::size_t max_extents = 1024;

/// Free runs of one length. Runs are reused only for their own length: metrics come back in the shapes they had.
struct SizeClass {
  std::size_t cells;
  std::vector<std::uint64_t*> free;
};

/// One kind of extents: per-CPU cells (a copy per shard) or gauges (one copy).
///
/// Constant-initialised and never destroyed: a first write may come before any constructor or after all destructors.
class Arena {
 public:
  constexpr Arena() noexcept = default;

  /// Sets the number of copies and maps the first extent. Called once, before any other member.
  /// False: the address space was refused; the next allocate() tries again.
  [[nodiscard]] bool start(std::uint32_t copies) noexcept;

  /// Takes a zeroed run, mapping an extent when none has room. Null: no address space, or 1 024 extents in use.
  /// Call with lock() held; touches no heap.
  [[nodiscard]] std::uint64_t* allocate(SizeClass& size) noexcept;

  /// Gives back a run that is zero in all shards. Call with lock() held.
  void free(SizeClass& size, std::uint64_t* run) { size.free.push_back(run); }

  /// Zeroes a run in every shard that could have been written. No writer can reach it any more.
  void zero(std::uint64_t* run, std::size_t cells) const noexcept;

  /// Adds up all shards of `cells` cells into `sums`. Relaxed loads: each cell is exact, the set is not of one instant.
  void sum(const std::uint64_t* run, std::size_t cells, std::uint64_t* sums) const noexcept;
  [[nodiscard]] double sum_double(const std::uint64_t* cell) const noexcept;

  /// Where a run is, as one number that is an index into an array of all cells of the arena; 0 is no place.
  [[nodiscard]] std::uint64_t place(const std::uint64_t* run) const noexcept;
  [[nodiscard]] std::uint64_t* at(std::uint64_t place) const noexcept {
    return extents_[place / stride_cells].base + place % stride_cells;
  }

  /// Fills `sums` with the totals of every cell in use, indexed by place.
  void fold(std::vector<std::uint64_t>& sums) const;

  [[nodiscard]] std::uint32_t copies() const noexcept { return copies_; }
  [[nodiscard]] std::size_t extents() const noexcept { return extent_count_.load(std::memory_order_acquire); }
  [[nodiscard]] std::size_t extent_bytes() const noexcept { return copies_ * stride_bytes; }
  [[nodiscard]] const void* extent_base(std::size_t i) const noexcept { return extents_[i].base; }

  /// After fork, in the child: where the kernel could not wipe the extents, does so by hand.
  void wipe_in_child() noexcept;

 private:
  struct Extent {
    std::uint64_t* base = nullptr;
    std::atomic<std::size_t> used{header_cells};
    bool wiped_on_fork = false;
  };

  [[nodiscard]] bool map_extent() noexcept;
  [[nodiscard]] bool may_be_written(const std::uint64_t* cell, std::size_t cells, std::size_t shard) const noexcept;

  std::uint32_t copies_ = 0;
  std::atomic<std::size_t> extent_count_{0};
  std::array<Extent, max_extents> extents_{};
};

extern constinit Arena per_cpu_arena;
extern constinit Arena gauge_arena;
extern constinit SignalLock arena_lock;

/// Shards in the layout that belong to CPUs. Unlike `shards` it does not change when the write path does.
extern constinit std::uint32_t layout_shards;

/// Records in an extra shard's header that the page of `cell` (in that shard) is about to be written, so that folds can
/// skip the pages that never were.
void mark_written(std::uint64_t* cell, std::size_t shard) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
