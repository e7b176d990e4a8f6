// SPDX-License-Identifier: Apache-2.0
//
// The cold path of recording: first writes, unregistered threads, aborted sequences, gone metrics.
#include "fast_telemetry/detail/cold.h"

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>

#include "dynamic_index.h"
#include "fast_telemetry/detail/percpu.h"
#include "instrument.h"
#include "process.h"
#include "reclaim.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constinit std::array<std::atomic<std::uint64_t>, drop_reasons> drops{};

/// Gives the site a run. Null, with the drop counted, when that cannot be.
std::uint64_t* attach(Site& site, void (*drop)(Drop) noexcept) noexcept {
  if (!arena_lock.lock()) {
    drop(Drop::reentrant);
    return nullptr;
  }
  const int saved_errno = errno;
  Drop reason = Drop::no_metric;
  std::uint64_t* cells = __atomic_load_n(&site.cells, __ATOMIC_RELAXED);
  // Read again under the lock: a destructor clears both under it, so a dead metric gets no cells.
  // Acquire: pairs with the release at the end of registration.
  RunOwner* const owner = __atomic_load_n(&site.owner, __ATOMIC_ACQUIRE);
  if (cells == nullptr && owner != nullptr) {
    cells = attach_run(site, *owner);
    reason = Drop::no_memory;
  }
  errno = saved_errno;
  arena_lock.unlock();
  if (cells == nullptr) drop(reason);
  return cells;
}

/// Runs `apply` on the site's cell in an extra shard of this thread's.
template <class Apply>
void in_extra_shard(Site& site, std::size_t offset, Apply apply, void (*drop)(Drop) noexcept = count_drop) noexcept {
  const std::size_t slot = mark_slot();
  const Mark mark{slot};
  std::uint64_t* cells = __atomic_load_n(&site.cells, __ATOMIC_ACQUIRE);
  if (cells == nullptr) cells = attach(site, drop);
  if (cells == nullptr) return;
  std::uint64_t* const cell = cells + offset / sizeof(std::uint64_t);
  const std::size_t shard = layout_shards + slot;
  mark_written(cell, shard);
  apply(copy_in_shard(cell, shard));
}

auto adding(std::uint64_t value) noexcept {
  return [value](std::uint64_t* cell) { __atomic_fetch_add(cell, value, __ATOMIC_RELAXED); };
}

auto adding(double value) noexcept {
  return [value](std::uint64_t* cell) {
    std::uint64_t seen = __atomic_load_n(cell, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(cell, &seen, std::bit_cast<std::uint64_t>(std::bit_cast<double>(seen) + value),
                                        true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
  };
}

auto keeping_greater(std::uint64_t value) noexcept {
  return [value](std::uint64_t* cell) {
    std::uint64_t seen = __atomic_load_n(cell, __ATOMIC_RELAXED);
    while (seen < value && !__atomic_compare_exchange_n(cell, &seen, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
  };
}

}  // namespace

std::uint64_t* attach_run(Site& site, RunOwner& owner) noexcept {
  const std::uint32_t place = owner.place.load(std::memory_order_relaxed);
  std::uint64_t* const cells = place != 0 ? owner.arena().at(place) : owner.arena().allocate(*owner.size);
  if (cells == nullptr) return nullptr;
  // Release, both: pairs with the fold's acquire of `place` and with writers' dependent loads through `cells`; a run
  // that was used before is seen zeroed.
  owner.place.store(owner.arena().place(cells), std::memory_order_release);
  __atomic_store_n(&site.cells, cells, __ATOMIC_RELEASE);
  return cells;
}

void count_drop(Drop reason) noexcept {
  drops[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t drop_count(Drop reason) noexcept {
  return drops[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);
}

void forget_drops() noexcept {
  for (auto& drop : drops) drop.store(0, std::memory_order_relaxed);
}

void cold_add(Site& site, std::size_t offset, std::uint64_t value) noexcept {
  if (Site* const overflow = overflow_of(site, true)) return add(*overflow, offset, value);
  in_extra_shard(site, offset, adding(value));
}
void cold_add(Site& site, std::size_t offset, double value) noexcept {
  if (Site* const overflow = overflow_of(site, true)) return add(*overflow, offset, value);
  in_extra_shard(site, offset, adding(value));
}

void cold_add_part(Site& site, std::size_t offset, std::uint64_t value) noexcept {
  if (Site* const overflow = overflow_of(site, false)) return add_part(*overflow, offset, value);
  in_extra_shard(site, offset, adding(value), [](Drop) noexcept {});
}
void cold_add_part(Site& site, std::size_t offset, double value) noexcept {
  if (Site* const overflow = overflow_of(site, false)) return add_part(*overflow, offset, value);
  in_extra_shard(site, offset, adding(value), [](Drop) noexcept {});
}

void cold_max(Site& site, std::size_t offset, std::uint64_t value) noexcept {
  in_extra_shard(site, offset, keeping_greater(value));
}
void cold_max_part(Site& site, std::size_t offset, std::uint64_t value) noexcept {
  in_extra_shard(site, offset, keeping_greater(value), [](Drop) noexcept {});
}

void cold_set(Site& site, std::size_t offset, std::uint64_t bits) noexcept {
  if (Site* const overflow = overflow_of(site, true)) return set(*overflow, offset, bits);
  const Mark mark{mark_slot()};
  std::uint64_t* cells = __atomic_load_n(&site.cells, __ATOMIC_ACQUIRE);
  if (cells == nullptr) cells = attach(site, count_drop);
  if (cells != nullptr) __atomic_store_n(cells + offset / sizeof(std::uint64_t), bits, __ATOMIC_RELAXED);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
