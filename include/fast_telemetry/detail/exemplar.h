// SPDX-License-Identifier: Apache-2.0
//
// Offering an observation as its bucket's exemplar: the inline half, which turns almost all of them down.
//
// Every offer draws a random number, and a slot keeps the offer with the greatest one since the last collection. That
// is each with the same probability, needs no count of offers that threads would share, and turning one down is a load
// of a line that is hardly ever written.
#pragma once

#include "fast_telemetry/detail/cold.h"
#include "fast_telemetry/detail/selection.h"
#include "fast_telemetry/trace_ref.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// The offset of no cell: of an observation that was dropped.
inline constexpr std::size_t no_cell = ~std::size_t{0};

inline bool has_trace(const TraceRef& trace) noexcept {
  std::uint64_t words[2];
  __builtin_memcpy(words, trace.trace_id, sizeof words);
  return (words[0] | words[1]) != 0;
}

/// Gives the site slots if it has none and writes the observation to the slot of the cell at `offset`, if its priority
/// is still the greatest there. Never waits; async-signal-safe; allocates address space at most.
[[gnu::cold, gnu::noinline]] void keep_exemplar(Site& site, std::size_t offset, std::uint64_t priority,
                                                const TraceRef& trace, double value) noexcept;

/// Offers the observation that was counted in the cell at `offset`, which is one. `value` / `divisor` is what it is in
/// the exported unit.
template <class Value>
[[gnu::always_inline]] inline void offer_exemplar(Site& site, std::size_t offset, const TraceRef& trace, Value value,
                                                  double divisor = 1) noexcept {
  if (!has_trace(trace)) return;
  const std::uint64_t priority = random_bits();
  // The slots may be another metric's by now, if this one is being destroyed: their memory is never unmapped, and
  // keep_exemplar looks again.
  // Acquire: pairs with the release when slots are attached, whose memory may be new.
  const std::uint64_t* const slots = __atomic_load_n(&site.exemplars, __ATOMIC_ACQUIRE);
  if (slots != nullptr && __atomic_load_n(slots + offset / sizeof(std::uint64_t), __ATOMIC_RELAXED) >= priority)
      [[likely]] {
    return;
  }
  keep_exemplar(site, offset, priority, trace, static_cast<double>(value) / divisor);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
