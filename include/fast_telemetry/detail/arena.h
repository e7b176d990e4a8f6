// SPDX-License-Identifier: Apache-2.0
//
// Address arithmetic of the cells. Included by every recording header; nothing here is an interface for users.
#pragma once

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Distance between one cell's copies in two neighbouring shards. 256 KiB: at least the largest page size in use on
/// the supported systems (64 KiB), and 32 768 cells, which bounds the largest run. A constant, so that the address of
/// a copy is one shift away from a CPU number.
inline constexpr unsigned stride_shift = 18;
inline constexpr std::size_t stride_bytes = std::size_t{1} << stride_shift;
inline constexpr std::size_t stride_cells = stride_bytes / sizeof(std::uint64_t);

/// Shards behind the CPUs' own, for locked adds only: plain and locked adds never meet on one cell.
/// Eight: arbitrary; enough that a few threads in the cold path at once rarely share a line.
inline constexpr unsigned extra_shards = 8;

/// Cells at the start of every shard's part of an extent that no run uses (two cache lines): the first cell of an
/// extra shard says which of its pages were ever written.
inline constexpr std::size_t header_cells = 16;

/// The largest run of cells one metric may have.
inline constexpr std::size_t max_run_cells = stride_cells - header_cells;

/// CPUs that have a shard of their own: the highest possible CPU number plus one. 0 until the first metric exists, and
/// for ever where every write is locked; then each write takes the cold path.
extern std::uint32_t shards;

inline std::uint64_t* copy_in_shard(std::uint64_t* cell, std::size_t shard) noexcept {
  return cell + shard * stride_cells;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
