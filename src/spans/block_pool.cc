// SPDX-License-Identifier: Apache-2.0
#include "block_pool.h"

#include <sys/mman.h>

#include <cerrno>
#include <initializer_list>
#include <new>

#include "core/signal_lock.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// Held while an extent is mapped, in one thread per MiB.
constinit SignalLock extents_lock;

/// Memory at a multiple of its size: twice as much is mapped, and what lies around it given back.
std::byte* map_aligned(std::size_t size, bool wiped) noexcept {
  const int saved_errno = errno;
  void* const all = mmap(nullptr, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) {
    errno = saved_errno;
    return nullptr;
  }
  auto* const begin = static_cast<std::byte*>(all);
  const std::size_t before = (size - reinterpret_cast<std::uintptr_t>(begin) % size) % size;
  if (before != 0) munmap(begin, before);
  munmap(begin + before + size, size - before);
  madvise(begin + before, size, MADV_NOHUGEPAGE);
  if (wiped) madvise(begin + before, size, MADV_WIPEONFORK);
  errno = saved_errno;
  return begin + before;
}

}  // namespace

constinit SpanBudget span_budget;
constinit BlockPool small_blocks{512, sizeof(BlockControl), false};
constinit BlockPool page_blocks{4096, sizeof(BlockControl), false};
constinit BlockPool large_blocks{65536, sizeof(BlockControl), false};

bool SpanBudget::take(std::uint64_t size) noexcept {
  const std::uint64_t limit = bytes.load(std::memory_order_relaxed);
  // Looked at first: when nothing is left, threads that drop must not fight for the word that says so.
  if (used.load(std::memory_order_relaxed) + size > limit) return false;
  const std::uint64_t now = used.fetch_add(size, std::memory_order_relaxed) + size;
  if (now > limit) {
    give_back(size);
    return false;
  }
  std::uint64_t most = most_used.load(std::memory_order_relaxed);
  while (most < now && !most_used.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
  }
  return true;
}

BlockControl& BlockPool::block(std::uint32_t i) const noexcept {
  // Acquire: pairs with the release in extent_for.
  std::byte* const extent = extents_[i / blocks_per_extent_].load(std::memory_order_acquire);
  return *reinterpret_cast<BlockControl*>(extent + (i % blocks_per_extent_) * control_bytes_);
}

std::byte* BlockPool::data(const BlockControl& block) const noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(&block);
  const std::uintptr_t extent = address / extent_bytes * extent_bytes;
  const std::size_t i = (address - extent) / control_bytes_;
  return reinterpret_cast<std::byte*>(extent + (blocks_for_controls_ + i) * block_bytes_);
}

BlockControl& BlockPool::control_of(const void* address) const noexcept {
  const auto number = reinterpret_cast<std::uintptr_t>(address);
  const std::uintptr_t extent = number / extent_bytes * extent_bytes;
  const std::size_t i = (number - extent) / block_bytes_ - blocks_for_controls_;
  return *reinterpret_cast<BlockControl*>(extent + i * control_bytes_);
}

void BlockPool::push(BlockList& list, BlockControl& block) noexcept {
  std::uint64_t seen = list.top.load(std::memory_order_relaxed);
  std::uint64_t wanted = 0;
  do {
    block.next.store(static_cast<std::uint32_t>(seen), std::memory_order_relaxed);
    wanted = ((seen >> 32U) + 1) << 32U | block.number;
    // Release: pairs with the acquire in pop; who takes the block sees what was written to it and to its control.
  } while (!list.top.compare_exchange_weak(seen, wanted, std::memory_order_release, std::memory_order_relaxed));
}

BlockControl* BlockPool::pop(BlockList& list) noexcept {
  std::uint64_t seen = list.top.load(std::memory_order_acquire);
  for (;;) {
    const auto number = static_cast<std::uint32_t>(seen);
    if (number == 0) return nullptr;
    BlockControl& first = block(number - 1);
    // May be another list's by now: then the count has changed, and the exchange fails.
    const std::uint64_t next = first.next.load(std::memory_order_relaxed);
    const std::uint64_t wanted = ((seen >> 32U) + 1) << 32U | next;
    if (list.top.compare_exchange_weak(seen, wanted, std::memory_order_acquire, std::memory_order_acquire))
      return &first;
  }
}

std::byte* BlockPool::extent_for(std::uint32_t i) noexcept {
  std::atomic<std::byte*>& slot = extents_[i / blocks_per_extent_];
  std::byte* extent = slot.load(std::memory_order_acquire);
  if (extent != nullptr) return extent;
  extent = map_aligned(extent_bytes, wiped_);
  if (extent != nullptr) slot.store(extent, std::memory_order_release);
  return extent;
}

BlockControl* BlockPool::cut_one() noexcept {
  if (!extents_lock.lock()) return nullptr;
  BlockControl* cut = nullptr;
  const std::uint32_t i = cut_.load(std::memory_order_relaxed);
  if (i < most_extents * blocks_per_extent_ && extent_for(i) != nullptr) {
    cut = &block(i);
    cut->number = i + 1;
    cut_.store(i + 1, std::memory_order_release);  // pairs with the acquire in cut()
  }
  extents_lock.unlock();
  return cut;
}

BlockControl* BlockPool::take(Shortage& shortage) noexcept {
  shortage = Shortage::none;
  if (!span_budget.take(block_bytes_)) {
    shortage = Shortage::budget;
    return nullptr;
  }
  BlockControl* block = pop(free_);
  if (block == nullptr) block = cut_one();
  if (block != nullptr) {
    taken_.fetch_add(1, std::memory_order_relaxed);
    return block;
  }
  span_budget.give_back(block_bytes_);
  shortage = Shortage::memory;
  return nullptr;
}

void BlockPool::give_back(BlockControl& block) noexcept {
  push(free_, block);
  taken_.fetch_sub(1, std::memory_order_relaxed);
  span_budget.give_back(block_bytes_);
}

void BlockPool::begin_child(BlockList& list, bool kernel_wiped) noexcept {
  extents_lock.unlock();  // its owner may be a thread that exists in the parent only
  // The counts go on, so that an exchange that this thread was interrupted in by the handler that forked fails.
  for (BlockList* const each : {&free_, &list}) {
    each->top.store(((each->top.load(std::memory_order_relaxed) >> 32U) + 1) << 32U, std::memory_order_relaxed);
  }
  if (!kernel_wiped) {
    for (std::uint32_t i = 0; i < cut(); ++i) {
      auto* const words = reinterpret_cast<std::uint64_t*>(&block(i));
      for (std::size_t n = 0; n < control_bytes_ / sizeof *words; ++n) __atomic_store_n(words + n, 0, __ATOMIC_RELAXED);
    }
  }
  cut_.store(0, std::memory_order_relaxed);
  span_budget.give_back(taken_.exchange(0, std::memory_order_relaxed) * std::uint64_t{block_bytes_});
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
