// SPDX-License-Identifier: Apache-2.0
//
// Epoch: a number that is another one in every process, so that a forked child notices that it is one.
#pragma once

#include <atomic>
#include <cstdint>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What a thread that has no epoch yet has.
inline constexpr std::uint64_t no_epoch = ~std::uint64_t{0};

/// Points to the epoch, in a page that the kernel wipes in every child, however it was made. A child of fork has a new
/// number before fork returns; a child of a bare clone reads 0 until somebody noticed.
extern constinit std::atomic<std::atomic<std::uint64_t>*> epoch_word;

// Relaxed: who reads an old address or number is a thread of this process, for which both are right. The address
// changes once, before the first tracer is there.
[[nodiscard]] inline std::uint64_t epoch() noexcept {
  return epoch_word.load(std::memory_order_relaxed)->load(std::memory_order_relaxed);
}

/// The epoch, after this process was made one of its own if it is a new child.
[[nodiscard]] std::uint64_t settled_epoch() noexcept;

/// Idempotent.
void install_epoch();

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
