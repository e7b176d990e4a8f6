// SPDX-License-Identifier: Apache-2.0
//
// Random numbers for recording, and one call in N.
#pragma once

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// How many numbers this thread has drawn. Initial-exec, so that reaching it is one instruction also from within a
/// shared object; a signal handler on top of a draw at worst repeats its number.
extern constinit thread_local std::uint64_t draws [[gnu::tls_model("initial-exec")]];

/// Unlike in every process.
extern std::uint64_t selection_key;

/// What to give selected() for one call in `stride`. Throws std::invalid_argument for 0.
[[nodiscard]] std::uint64_t selection_limit(std::uint32_t stride);

/// 64 random bits, for choices and not for secrets: a number that goes up by a constant, mixed by one multiplication
/// with itself (the generator wyrand). What the next draw waits for is the addition only.
inline std::uint64_t random_bits() noexcept {
  __extension__ using Product = unsigned __int128;
  draws += 0xa0761d6478bd642fULL;
  const std::uint64_t number = draws + selection_key + reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
  const Product product = Product{number} * (number ^ 0xe7037ed1a0b428dbULL);
  return static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
}

/// True in one call of `limit + 1` in 2^64. Each call decides for itself, so neither periodic work nor another timer
/// that is used alternately with this one can be in step with it.
inline bool selected(std::uint64_t limit) noexcept { return random_bits() <= limit; }

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
