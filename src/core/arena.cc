// SPDX-License-Identifier: Apache-2.0
#include "arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

constinit std::uint32_t shards = 0;
constinit std::uint32_t layout_shards = 0;
constinit Arena per_cpu_arena{Copies::of_shards};
constinit Arena gauge_arena{Copies::of_fields};
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

/// Whether a run is worth asking which of its pages were written.
bool is_long(std::size_t cells) noexcept { return cells > page_cells; }

/// Anonymous memory, all zero, that no page is spent on before it is touched. Null: refused.
///
/// Mapped without access first: under mlockall(MCL_FUTURE) an accessible mapping would be filled with pages at once,
/// every shard of every CPU. Unlocked before it becomes accessible, it stays lazy.
char* map_lazily(std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t room = bytes + alignment;
  void* const mapped = mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* const start = static_cast<char*>(mapped);
  const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(start) & (alignment - 1);
  const std::size_t before = misaligned == 0 ? 0 : alignment - misaligned;
  char* const base = start + before;
  if (before != 0) munmap(start, before);
  if (room - before > bytes) munmap(base + bytes, room - before - bytes);

  munlock(base, bytes);
  if (mprotect(base, bytes, PROT_READ | PROT_WRITE) != 0) {
    munmap(base, bytes);
    return nullptr;
  }
  // Huge pages would give every CPU 2 MiB for its first cell. Refusal costs memory, not correctness.
  madvise(base, bytes, MADV_NOHUGEPAGE);
  return base;
}

}  // namespace

/// The process's page map (Linux, "pagemap"): opened anew each time, because after a fork it would show the parent's.
class PageMap {
 public:
  PageMap() noexcept : file_{open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)} {}
  ~PageMap() {
    if (file_ >= 0) close(file_);
  }
  PageMap(const PageMap&) = delete;
  PageMap& operator=(const PageMap&) = delete;

  /// Fills `entries` with one word per page from `begin` on. False: it cannot be read.
  bool read(const void* begin, std::uint64_t* entries, std::size_t count) const noexcept {
    const auto page = reinterpret_cast<std::uintptr_t>(begin) / static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const auto bytes = static_cast<ssize_t>(count * sizeof *entries);
    return pread(file_, entries, static_cast<std::size_t>(bytes), static_cast<off_t>(page * sizeof *entries)) == bytes;
  }

 private:
  int file_;
};

void mark_written(std::uint64_t* cell, std::size_t shard) noexcept {
  auto* const header = const_cast<std::uint64_t*>(shard_start(copy_in_shard(cell, shard)));
  const std::uint64_t bit = page_bits(cell, 1);
  // Release: a fold that reads the bit (acquire) may still miss the add that follows, as any add under way may be; what
  // must not happen is an add that stays invisible, and the bit is never taken back.
  if ((load(header) & bit) == 0) __atomic_fetch_or(header, bit, __ATOMIC_RELEASE);
}

bool Arena::start(std::uint32_t copies) noexcept {
  copies_ = copies;
  refusals_ = 0;  // of a larger arena
  return map_extent();
}

bool Arena::map_extent() noexcept {
  const std::size_t count = extent_count_.load(std::memory_order_relaxed);
  if (count == max_extents) return false;
  // A refusal is remembered: a program at its limit must not make five system calls for each record it loses. Every
  // 1 024th attempt (arbitrary) asks again.
  if (refusals_ != 0 && refusals_++ % 1024 != 0) return false;

  const std::size_t bytes = extent_bytes();
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  constexpr std::size_t next_free_bytes = stride_cells * sizeof *Extent::next_free;
  const std::size_t written_bytes = copies_ * sizeof *Extent::written;
  char* const base = map_lazily(bytes, stride_bytes);
  char* const beside = base == nullptr ? nullptr : map_lazily(next_free_bytes + written_bytes, page);
  if (beside == nullptr) {
    if (base != nullptr) munmap(base, bytes);
    refusals_ = std::max(refusals_, 1U);
    return false;
  }
  refusals_ = 0;
  Extent& extent = extents_[count];
  extent.wiped_on_fork = madvise(base, bytes, MADV_WIPEONFORK) == 0;
  extent.base = reinterpret_cast<std::uint64_t*>(base);
  extent.next_free = reinterpret_cast<std::uint32_t*>(beside);
  extent.written = reinterpret_cast<std::atomic<std::uint64_t>*>(beside + next_free_bytes);
  // Release: pairs with the acquire in extents(): a fold that counts this extent sees its base.
  extent_count_.store(count + 1, std::memory_order_release);
  return true;
}

std::uint64_t* Arena::allocate(SizeClass& size) noexcept {
  if (size.free != 0) {
    const std::uint32_t place = size.free;
    size.free = extents_[place / stride_cells].next_free[place % stride_cells];
    return at(place);
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

void Arena::free(SizeClass& size, const std::uint64_t* run) noexcept {
  const std::uint32_t freed = place(run);
  extents_[freed / stride_cells].next_free[freed % stride_cells] = size.free;
  size.free = freed;
}

void Arena::note_written_pages() noexcept {
  if (kind_ == Copies::of_fields || layout_shards == 0) return;
  const PageMap page_map;
  for (std::size_t i = 0; i < extents(); ++i) {
    const Extent& extent = extents_[i];
    note_written(extent, page_bits(extent.base, extent.used.load(std::memory_order_relaxed)), page_map);
  }
}

void Arena::note_written(const Extent& extent, std::uint64_t pages, const PageMap& page_map) noexcept {
  // Bit 63: there is a page; bit 62: it is swapped out. Neither: never touched.
  constexpr std::uint64_t exists = std::uint64_t{3} << 62;
  constexpr std::size_t shards_at_once = 8;
  std::array<std::uint64_t, shards_at_once * stride_cells / page_cells> entries;
  const std::size_t per_shard = stride_bytes / static_cast<std::size_t>(sysconf(_SC_PAGESIZE));

  for (std::size_t begin = 0; begin < layout_shards; begin += shards_at_once) {
    const std::size_t end = std::min<std::size_t>(begin + shards_at_once, layout_shards);
    const auto is_known = [pages](const auto& written) {
      return (written.load(std::memory_order_relaxed) & pages) == pages;
    };
    if (std::all_of(extent.written + begin, extent.written + end, is_known)) continue;
    const bool told = page_map.read(extent.base + begin * stride_cells, entries.data(), (end - begin) * per_shard);
    for (std::size_t shard = begin; shard < end; ++shard) {
      std::uint64_t found = told ? 0 : ~std::uint64_t{0};
      for (std::size_t bit = 0; told && bit < 64; ++bit) {
        const std::uint64_t entry = entries[(shard - begin) * per_shard + bit * per_shard / 64];
        found |= std::uint64_t{(entry & exists) != 0} << bit;
      }
      extent.written[shard].fetch_or(found, std::memory_order_relaxed);
    }
  }
}

const Arena::Extent& Arena::extent_of(const std::uint64_t* cell) const noexcept {
  return extents_[place(cell) / stride_cells];
}

bool Arena::may_be_written(const Extent& extent, const std::uint64_t* cell, std::size_t cells,
                           std::size_t shard) const noexcept {
  if (kind_ == Copies::of_fields) return true;
  // Acquire: pairs with the release in mark_written.
  const std::uint64_t written = shard < layout_shards
                                    ? extent.written[shard].load(std::memory_order_relaxed)
                                    : __atomic_load_n(extent.base + shard * stride_cells, __ATOMIC_ACQUIRE);
  return (written & page_bits(cell, cells)) != 0;
}

/// Calls `use(copy, first, last)` for the cells of a run that may differ from zero, page by page.
template <class Use>
void Arena::for_each_part(const std::uint64_t* run, std::size_t cells, Pages pages, Use use) const noexcept {
  const Extent& extent = extent_of(run);
  const auto offset = static_cast<std::size_t>(run - extent.base);
  for (std::size_t shard = 0; shard < copies_; ++shard) {
    const bool must_ask = pages == Pages::written || shard >= layout_shards;
    for (std::size_t begin = 0; begin < cells;) {
      const std::size_t end = std::min(cells, ((offset + begin) / page_cells + 1) * page_cells - offset);
      if (!must_ask || may_be_written(extent, run + begin, end - begin, shard)) {
        use(run + shard * stride_cells, begin, end);
      }
      begin = end;
    }
  }
}

void Arena::sum(const std::uint64_t* run, std::size_t cells, std::uint64_t* sums) const noexcept {
  sum(run, cells, sums, Pages::all);
}

void Arena::sum(const std::uint64_t* run, std::size_t cells, std::uint64_t* sums, Pages pages) const noexcept {
  std::fill_n(sums, cells, 0);
  for_each_part(run, cells, pages, [sums](const std::uint64_t* copy, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) sums[i] += load(copy + i);
  });
}

double Arena::sum_double(const std::uint64_t* cell) const noexcept {
  double sum = 0;
  for_each_part(cell, 1, Pages::all, [&sum](const std::uint64_t* copy, std::size_t, std::size_t) {
    sum += std::bit_cast<double>(load(copy));
  });
  return sum;
}

std::uint64_t Arena::take_greatest(const std::uint64_t* cell, std::atomic<std::uint64_t>& all_time) const noexcept {
  std::uint64_t taken = 0;
  for_each_part(cell, 1, Pages::all, [&](const std::uint64_t* copy, std::size_t, std::size_t) {
    std::uint64_t seen = load(copy);
    // Not an exchange whose result is merged afterwards: for a moment the value would be nowhere.
    while (seen != 0) {
      std::uint64_t before = all_time.load(std::memory_order_relaxed);
      while (before < seen && !all_time.compare_exchange_weak(before, seen, std::memory_order_relaxed)) {
      }
      // Release: pairs with the acquire in greatest().
      if (__atomic_compare_exchange_n(const_cast<std::uint64_t*>(copy), &seen, 0, false, __ATOMIC_RELEASE,
                                      __ATOMIC_RELAXED)) {
        taken = std::max(taken, seen);
        break;
      }
    }
  });
  return taken;
}

std::uint64_t Arena::greatest(const std::uint64_t* cell) const noexcept {
  std::uint64_t greatest = 0;
  for_each_part(cell, 1, Pages::all, [&](const std::uint64_t* copy, std::size_t, std::size_t) {
    greatest = std::max(greatest, __atomic_load_n(copy, __ATOMIC_ACQUIRE));
  });
  return greatest;
}

void Arena::last_sum(const std::uint64_t* run, std::size_t cells, std::uint64_t* sums) noexcept {
  if (is_long(cells) && layout_shards != 0) note_written(extent_of(run), page_bits(run, cells), PageMap{});
  sum(run, cells, sums, is_long(cells) ? Pages::written : Pages::all);
}

void Arena::zero(std::uint64_t* run, std::size_t cells) const noexcept {
  const Pages pages = is_long(cells) ? Pages::written : Pages::all;
  for_each_part(run, cells, pages, [](const std::uint64_t* copy, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      // Storing would make a page that no CPU wrote real. Atomic: folds read all cells, also those of no run.
      if (load(copy + i) != 0) __atomic_store_n(const_cast<std::uint64_t*>(copy) + i, 0, __ATOMIC_RELAXED);
    }
  });
}

std::uint32_t Arena::place(const std::uint64_t* run) const noexcept {
  for (std::size_t i = extents(); i-- > 0;) {
    const std::uint64_t* const base = extents_[i].base;
    if (run < base || run >= base + stride_cells) continue;
    return static_cast<std::uint32_t>(i * stride_cells + static_cast<std::size_t>(run - base));
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
    for_each_part(extent.base + header_cells, used - header_cells, Pages::written,
                  [out](const std::uint64_t* copy, std::size_t begin, std::size_t end) {
                    for (std::size_t cell = begin; cell < end; ++cell) out[header_cells + cell] += load(copy + cell);
                  });
  }
}

std::size_t Arena::committed_bytes() const noexcept {
  std::size_t pages = 0;
  for (std::size_t i = 0; i < extents(); ++i) {
    pages += (extents_[i].used.load(std::memory_order_relaxed) + page_cells - 1) / page_cells;
  }
  return pages * page_cells * sizeof(std::uint64_t) * copies_;
}

void Arena::wipe_in_child(bool kernel_wipes) noexcept {
  for (std::size_t i = 0; i < extents(); ++i) {
    if (!kernel_wipes || !extents_[i].wiped_on_fork) madvise(extents_[i].base, extent_bytes(), MADV_DONTNEED);
    for (std::size_t shard = 0; kind_ == Copies::of_shards && shard < layout_shards; ++shard) {
      extents_[i].written[shard].store(0, std::memory_order_relaxed);
    }
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
