// SPDX-License-Identifier: Apache-2.0
//
// The arenas: extents of cells, handed out in contiguous runs. See docs/design/storage.md.
#pragma once

#include <array>
#include <atomic>
#include <vector>

#include "fast_telemetry/detail/arena.h"
#include "signal_lock.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Extents an arena may grow to: 1 024, that is 33 million cells. Arbitrary, and far above what fits in memory at many
/// CPUs; it bounds the table below.
inline constexpr std::size_t max_extents = 1024;
static_assert(max_extents * stride_cells <= 0xffff'ffff, "a place fits 32 bits");

class Arena;
class PageMap;

/// Free runs of one length in an arena. Runs are reused only for their own length: metrics come back in the shapes they
/// had.
struct SizeClass {
  Arena* arena;
  std::size_t cells;
  std::uint32_t free = 0;  ///< place of the first one, 0: none. Each names the next in its arena's `next_free`.
};

/// What the copies of a cell are.
enum class Copies : std::uint8_t {
  of_shards,  ///< one per shard; pages of CPUs that were never written are left alone
  of_fields,  ///< one per field of a record
};

/// One kind of extents: per-CPU cells (a copy per shard), gauges (one copy) or exemplars (a copy per field).
///
/// Constant-initialised and never destroyed: a first write may come before any constructor or after all destructors.
class Arena {
 public:
  /// With a number of copies, the first run maps the first extent.
  constexpr explicit Arena(Copies kind, std::uint32_t copies = 0) noexcept : kind_{kind}, copies_{copies} {}

  /// Sets the number of copies and maps the first extent. Called once, before any other member.
  /// False: the address space was refused; the next allocate() tries again.
  [[nodiscard]] bool start(std::uint32_t copies) noexcept;

  /// Takes a zeroed run, mapping an extent when none has room. Null: no address space, or 1 024 extents in use.
  /// Call with lock() held; touches no heap.
  [[nodiscard]] std::uint64_t* allocate(SizeClass& size) noexcept;

  /// Gives back a run that is zero in all shards. Call with lock() held; touches no heap.
  void free(SizeClass& size, const std::uint64_t* run) noexcept;

  /// Finds out which pages were written, so that those that were not can be left alone: for CPUs that record little,
  /// reading would make pages (where the kernel has no shared page of zeros) or at least page tables out of nothing.
  ///
  /// A page written before the call is found. Where the kernel does not tell, every page counts as written. Costs
  /// nothing once all CPUs have written all pages in use, else some 20 µs.
  void note_written_pages() noexcept;

  /// Adds up all shards of `cells` cells into `sums`. Relaxed loads: each cell is exact, the set is not of one instant.
  void sum(const std::uint64_t* run, std::size_t cells, std::uint64_t* sums) const noexcept;
  [[nodiscard]] double sum_double(const std::uint64_t* cell) const noexcept;

  /// Empties one cell in all shards and returns the greatest value there was. `all_time` has it before the cell has
  /// not: who reads the cell first and `all_time` then misses nothing.
  [[nodiscard]] std::uint64_t take_greatest(const std::uint64_t* cell,
                                            std::atomic<std::uint64_t>& all_time) const noexcept;
  [[nodiscard]] std::uint64_t greatest(const std::uint64_t* cell) const noexcept;

  /// The same for a run that no writer can reach any more: reads what may be written only. `zero` may follow.
  void last_sum(const std::uint64_t* run, std::size_t cells, std::uint64_t* sums) noexcept;

  /// Zeroes a run after its last sum.
  void zero(std::uint64_t* run, std::size_t cells) const noexcept;

  /// Where a run is, as one number that is an index into an array of all cells of the arena; 0 is no place.
  [[nodiscard]] std::uint32_t place(const std::uint64_t* run) const noexcept;
  [[nodiscard]] std::uint64_t* at(std::uint64_t place) const noexcept {
    return extents_[place / stride_cells].base + place % stride_cells;
  }

  /// Fills `sums` with the totals of every cell in use, indexed by place. After note_written_pages().
  void fold(std::vector<std::uint64_t>& sums) const;

  [[nodiscard]] std::uint32_t copies() const noexcept { return copies_; }
  [[nodiscard]] std::size_t extents() const noexcept { return extent_count_.load(std::memory_order_acquire); }
  [[nodiscard]] std::size_t extent_bytes() const noexcept { return copies_ * stride_bytes; }
  /// Bytes of the pages that runs lie in, in all shards: what becomes resident when every CPU writes every cell.
  [[nodiscard]] std::size_t committed_bytes() const noexcept;
  [[nodiscard]] const void* extent_base(std::size_t i) const noexcept { return extents_[i].base; }

  /// After fork, in the child: where the kernel could not wipe the extents, does so by hand.
  void wipe_in_child(bool kernel_wipes) noexcept;

 private:
  /// Which pages of CPUs are looked at: all, because asking takes longer than reading a few cells, or those that are
  /// known to be written.
  enum class Pages : std::uint8_t { all, written };

  struct Extent {
    std::uint64_t* base = nullptr;
    std::atomic<std::size_t> used{header_cells};
    bool wiped_on_fork = false;

    // Beside the cells, and kept in a forked child.
    std::uint32_t* next_free = nullptr;             ///< by offset of a free run: the place of the next one
    std::atomic<std::uint64_t>* written = nullptr;  ///< by shard of a CPU: a bit per page that was ever written
  };

  [[nodiscard]] bool map_extent() noexcept;
  [[nodiscard]] const Extent& extent_of(const std::uint64_t* cell) const noexcept;
  [[nodiscard]] bool may_be_written(const Extent& extent, const std::uint64_t* cell, std::size_t cells,
                                    std::size_t shard) const noexcept;
  template <class Use>
  void for_each_part(const std::uint64_t* run, std::size_t cells, Pages pages, Use use) const noexcept;
  void sum(const std::uint64_t* run, std::size_t cells, std::uint64_t* sums, Pages pages) const noexcept;
  static void note_written(const Extent& extent, std::uint64_t pages, const PageMap& page_map) noexcept;

  Copies kind_;
  std::uint32_t copies_;
  std::uint32_t refusals_ = 0;  ///< how often in a row the address space for an extent was refused
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
