// SPDX-License-Identifier: Apache-2.0
//
// Memory for series: close together, so that many series lie on few pages, and what lookups read apart from the rest.
#pragma once

#include <cstddef>
#include <memory>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

inline constexpr std::size_t cache_line = 64;

/// At least `bytes`, aligned to a cache line. Throws std::bad_alloc. Any thread.
[[nodiscard]] void* allocate_series(std::size_t bytes);
/// The same for what is seldom read, aligned to eight bytes.
[[nodiscard]] void* allocate_history(std::size_t bytes);

/// Puts them up for others; nothing is given back to the system. The same `bytes` as allocated.
void free_series(void* memory, std::size_t bytes) noexcept;
void free_history(void* memory, std::size_t bytes) noexcept;

/// Around a fork.
void lock_series_pools();
void unlock_series_pools();
/// In the child of a bare clone, where a thread of the parent may have held them.
void renew_series_pool_locks() noexcept;

/// Zeroed memory of large tables, on huge pages where the system has them to give on request.
struct FreeBlock {
  std::size_t bytes;
  void operator()(void* block) const noexcept;
};
using Block = std::unique_ptr<void, FreeBlock>;
[[nodiscard]] Block allocate_block(std::size_t bytes);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
