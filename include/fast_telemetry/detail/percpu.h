// SPDX-License-Identifier: Apache-2.0
//
// The one write that all metrics are made of, in its flavours: add, add double, keep the greater, set.
//
// Inline, because the call would cost more than the work: 0.6 ns inline, about 1.1 ns called, 2.6 ns called through a
// shared library (bench/micro/record_bench.cc). Everything unusual is in cold.h.
#pragma once

#include "fast_telemetry/detail/abi.h"

#if FAST_TELEMETRY_RSEQ && defined(__x86_64__)
#include "fast_telemetry/detail/rseq_x86_64.h"
#elif FAST_TELEMETRY_RSEQ && defined(__AARCH64EL__)
#include "fast_telemetry/detail/rseq_aarch64.h"
#elif FAST_TELEMETRY_RSEQ
#error "FAST_TELEMETRY_RSEQ=1 needs x86-64 or little-endian AArch64; configure with FAST_TELEMETRY_RSEQ=OFF"
#else
#include "fast_telemetry/detail/cold.h"
#endif

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Adds to one cell of the site's run, `offset` bytes into it. Any thread, any signal handler.
inline void add(Site& site, std::size_t offset, std::uint64_t value) noexcept {
#if FAST_TELEMETRY_RSEQ
  rseq_add(site, offset, value);
#else
  cold_add(site, offset, value);
#endif
}

inline void add(Site& site, std::size_t offset, double value) noexcept {
#if FAST_TELEMETRY_RSEQ
  rseq_add(site, offset, value);
#else
  cold_add(site, offset, value);
#endif
}

/// The same for a run's first cell, where another write of the same function follows at once: two instructions less.
inline void add_first(Site& site, std::uint64_t value) noexcept {
#if FAST_TELEMETRY_RSEQ
  rseq_add_first(site, value);
#else
  cold_add(site, 0, value);
#endif
}

/// The same for one part of an observation whose other part counts the drop when there is no cell.
template <class Value>
inline void add_part(Site& site, std::size_t offset, Value value) noexcept {
#if FAST_TELEMETRY_RSEQ
  rseq_add<cold_add_part>(site, offset, value);
#else
  cold_add_part(site, offset, value);
#endif
}

/// Keeps the greater of the cell and `value`, compared unsigned; 0 is the empty cell.
inline void keep_greater(Site& site, std::size_t offset, std::uint64_t value) noexcept {
#if FAST_TELEMETRY_RSEQ
  rseq_max(site, offset, value);
#else
  cold_max(site, offset, value);
#endif
}

/// The same for one part of an observation whose other part counts the drop when there is no cell.
inline void keep_greater_part(Site& site, std::size_t offset, std::uint64_t value) noexcept {
#if FAST_TELEMETRY_RSEQ
  rseq_max<cold_max_part>(site, offset, value);
#else
  cold_max_part(site, offset, value);
#endif
}

/// Stores in a cell that has one copy only: a gauge's.
inline void set(Site& site, std::size_t offset, std::uint64_t bits) noexcept {
#if FAST_TELEMETRY_RSEQ
  rseq_set(site, offset, bits);
#else
  cold_set(site, offset, bits);
#endif
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
