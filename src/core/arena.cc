// SPDX-License-Identifier: Apache-2.0
#include "arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

constinit std::uint32_t shards = 0;
constinit std::uint32_t layout_shards = 0;
constinit Arena per_cpu_arena;
constinit Arena gauge_arena;
constinit SignalLock arena_lock;

namespace {

constexpr std::size_t page_cells = 4096 / sizeof(std::uint64_t);
static_assert(stride_cells / page_cells == 64, "one bit per page of a shard fits one cell");

std::uint64_t load(const std::uint64_t* cell) noexcept { return __atomic_load_n(cell, __ATOMIC_RELAXED); }

const std::uint64_t* shard_start(const std::uint64_t* cell) noexcept {
  // Extents are aligned to the stride, so the low bits of a cell's address are its offset in its shard.
  return reinterpret_cast<const std::uint64_t*>(reinterpret_cast<std::uintptr_t>(cell) & ~(stride_bytes - 1));
}

/// The bits of the pages that `cells` cells from `cell` on lie in.
std::uint64_t page_bits(const std::uint64_t* cell, std::size_t cells) noexcept {
  const auto offset = static_cast<std::size_t>(cell - shard_start(cell));
  const std::size_t first = offset / page_cells;
  const std::size_t last = (offset + cells - 1) / page_cells;
  return (~std::uint64_t{0} << first) & (~std::uint64_t{0} >> (63 - last));
}

}  // namespace

void mark_written(std::uint64_t* cell, std::size_t shard) noexcept {
  auto* const header = const_cast<std::uint64_t*>(shard_start(copy_in_shard(cell, shard)));
  const std::uint64_t bit = page_bits(cell, 1);
  // Release: a fold that reads the bit (acquire) may still miss the add that follows, as any add under way may be; what
  // must not happen is an add that stays invisible, and the bit is never taken back.
  if ((load(header) & bit) == 0) __atomic_fetch_or(header, bit, __ATOMIC_RELEASE);
}

bool Arena::start(std::uint32_t copies) noexcept {
  copies_ = copies;
  return map_extent();
}

bool Arena::map_extent() noexcept {
  const std::size_t count = extent_count_.load(std::memory_order_relaxed);
  if (count == max_extents) return false;
  const std::size_t bytes = extent_bytes();
  const std::size_t room = bytes + stride_bytes;
  // Mapped without access first: under mlockall(MCL_FUTURE) an accessible mapping would be filled with pages at once,
  // every shard of every CPU. Unlocked before it becomes accessible, it stays lazy.
  void* const mapped = mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return false;
  char* const start = static_cast<char*>(mapped);
  const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(start) & (stride_bytes - 1);
  const std::size_t before = misaligned == 0 ? 0 : stride_bytes - misaligned;
  char* const base = start + before;
  if (before != 0) munmap(start, before);
  if (room - before > bytes) munmap(base + bytes, room - before - bytes);

  munlock(base, bytes);
  if (mprotect(base, bytes, PROT_READ | PROT_WRITE) != 0) {
    munmap(base, bytes);
    return false;
  }
  // Huge pages would give every CPU 2 MiB for its first cell. Refusal costs memory, not correctness.
  madvise(base, bytes, MADV_NOHUGEPAGE);
  Extent& extent = extents_[count];
  extent.wiped_on_fork = madvise(base, bytes, MADV_WIPEONFORK) == 0;
  extent.base = reinterpret_cast<std::uint64_t*>(base);
  // Release: pairs with the acquire in extents(): a fold that counts this extent sees its base.
  extent_count_.store(count + 1, std::memory_order_release);
  return true;
}

std::uint64_t* Arena::allocate(SizeClass& size) noexcept {
  if (!size.free.empty()) {
    std::uint64_t* const run = size.free.back();
    size.free.pop_back();
    return run;
  }
  if (copies_ == 0) return nullptr;
  for (std::size_t i = extents(); i-- > 0;) {
    Extent& extent = extents_[i];
    const std::size_t used = extent.used.load(std::memory_order_relaxed);
    if (used + size.cells > stride_cells) continue;
    extent.used.store(used + size.cells, std::memory_order_relaxed);
    return extent.base + used;
  }
  return map_extent() ? allocate(size) : nullptr;
}

bool Arena::may_be_written(const std::uint64_t* cell, std::size_t cells, std::size_t shard) const noexcept {
  if (shard < layout_shards || copies_ == 1) return true;
  // Acquire: pairs with the release in mark_written.
  const std::uint64_t written = __atomic_load_n(shard_start(cell + shard * stride_cells), __ATOMIC_ACQUIRE);
  return (written & page_bits(cell, cells)) != 0;
}

void Arena::zero(std::uint64_t* run, std::size_t cells) const noexcept {
  for (std::size_t shard = 0; shard < copies_; ++shard) {
    if (!may_be_written(run, cells, shard)) continue;
    std::uint64_t* const copy = copy_in_shard(run, shard);
    for (std::size_t i = 0; i < cells; ++i) {
      // A page that no CPU wrote reads as zero; storing would make it real.
      if (load(copy + i) != 0) __atomic_store_n(copy + i, 0, __ATOMIC_RELAXED);
    }
  }
}

void Arena::sum(const std::uint64_t* run, std::size_t cells, std::uint64_t* sums) const noexcept {
  std::fill_n(sums, cells, 0);
  for (std::size_t shard = 0; shard < copies_; ++shard) {
    if (!may_be_written(run, cells, shard)) continue;
    const std::uint64_t* const copy = run + shard * stride_cells;
    for (std::size_t i = 0; i < cells; ++i) sums[i] += load(copy + i);
  }
}

double Arena::sum_double(const std::uint64_t* cell) const noexcept {
  double sum = 0;
  for (std::size_t shard = 0; shard < copies_; ++shard) {
    if (may_be_written(cell, 1, shard)) sum += std::bit_cast<double>(load(cell + shard * stride_cells));
  }
  return sum;
}

std::uint64_t Arena::place(const std::uint64_t* run) const noexcept {
  for (std::size_t i = extents(); i-- > 0;) {
    const std::uint64_t* const base = extents_[i].base;
    if (run >= base && run < base + stride_cells) return i * stride_cells + static_cast<std::uint64_t>(run - base);
  }
  return 0;
}

void Arena::fold(std::vector<std::uint64_t>& sums) const {
  const std::size_t count = extents();
  sums.resize(count * stride_cells);
  for (std::size_t i = 0; i < count; ++i) {
    const Extent& extent = extents_[i];
    const std::size_t used = extent.used.load(std::memory_order_relaxed);
    std::uint64_t* const out = sums.data() + i * stride_cells;
    std::fill_n(out, used, 0);
    for (std::size_t shard = 0; shard < copies_; ++shard) {
      const std::uint64_t* const copy = extent.base + shard * stride_cells;
      for (std::size_t begin = header_cells; begin < used;) {
        const std::size_t end = std::min(used, (begin / page_cells + 1) * page_cells);
        if (may_be_written(extent.base + begin, end - begin, shard)) {
          for (std::size_t cell = begin; cell < end; ++cell) out[cell] += load(copy + cell);
        }
        begin = end;
      }
    }
  }
}

void Arena::wipe_in_child() noexcept {
  for (std::size_t i = 0; i < extents(); ++i) {
    if (!extents_[i].wiped_on_fork) madvise(extents_[i].base, extent_bytes(), MADV_DONTNEED);
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
