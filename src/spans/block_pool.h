// SPDX-License-Identifier: Apache-2.0
//
// BlockPool: blocks of one size within the spans' byte budget, taken and given back without a lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What all pools together may use, and use.
struct SpanBudget {
  std::atomic<std::uint64_t> bytes{std::uint64_t{64} << 20U};
  std::atomic<std::uint64_t> used{0};
  std::atomic<std::uint64_t> most_used{0};

  [[nodiscard]] bool take(std::uint64_t size) noexcept;
  [[nodiscard]] bool is_half_used() const noexcept {
    return used.load(std::memory_order_relaxed) > bytes.load(std::memory_order_relaxed) / 2;
  }
  void give_back(std::uint64_t size) noexcept { used.fetch_sub(size, std::memory_order_relaxed); }
};
extern constinit SpanBudget span_budget;

/// What lies apart from each block, so that whoever looks through free blocks touches none of them.
struct BlockControl {
  std::atomic<std::uint32_t> next;  ///< in a list: number of the next block, plus 1
  std::uint32_t number;             ///< of this one, plus 1
};

/// A stack of blocks, by their numbers. Lock-free; a count of changes beside the top keeps a thread that was away from
/// mistaking a block that left and came back for one that stayed.
class BlockList {
 public:
  std::atomic<std::uint64_t> top{0};  ///< count << 32 | number + 1
};

enum class Shortage : std::uint8_t { none, budget, memory };

/// Blocks are cut from extents of 1 MiB that are never unmapped, so that a stale reader at worst reads another block's
/// control. An extent begins with its blocks' controls.
class BlockPool {
 public:
  static constexpr std::size_t extent_bytes = std::size_t{1} << 20U;
  static constexpr std::size_t most_extents = 4096 + 512;  ///< 4 GiB, and what the controls take

  /// `wiped`: a forked child finds every block empty and free.
  constexpr BlockPool(std::size_t block_bytes, std::size_t control_bytes, bool wiped) noexcept
      : block_bytes_{block_bytes},
        control_bytes_{control_bytes},
        blocks_for_controls_{(extent_bytes / block_bytes * control_bytes + block_bytes - 1) / block_bytes},
        blocks_per_extent_{extent_bytes / block_bytes - blocks_for_controls_},
        wiped_{wiped} {}

  /// Takes a block; null, with the reason, when there is none. Its content is arbitrary.
  [[nodiscard]] BlockControl* take(Shortage& shortage) noexcept;
  void give_back(BlockControl& block) noexcept;

  void push(BlockList& list, BlockControl& block) noexcept;
  [[nodiscard]] BlockControl* pop(BlockList& list) noexcept;

  [[nodiscard]] std::byte* data(const BlockControl& block) const noexcept;
  /// The control of the block that an address lies in.
  [[nodiscard]] BlockControl& control_of(const void* address) const noexcept;

  [[nodiscard]] std::uint32_t cut() const noexcept { return cut_.load(std::memory_order_acquire); }
  /// The i-th block that was ever cut, i < cut().
  [[nodiscard]] BlockControl& block(std::uint32_t i) const noexcept;
  [[nodiscard]] std::size_t block_bytes() const noexcept { return block_bytes_; }

  /// In a child of fork, for a pool that is wiped: all blocks are free, `list` is empty.
  void begin_child(BlockList& list, bool kernel_wiped) noexcept;

 private:
  [[nodiscard]] BlockControl* cut_one() noexcept;
  [[nodiscard]] std::byte* extent_for(std::uint32_t i) noexcept;

  std::size_t block_bytes_;
  std::size_t control_bytes_;
  std::size_t blocks_for_controls_;
  std::size_t blocks_per_extent_;
  bool wiped_;
  BlockList free_;
  std::atomic<std::uint32_t> cut_{0};
  std::atomic<std::uint32_t> taken_{0};
  std::atomic<std::byte*> extents_[most_extents]{};
};

/// 512 bytes: trace states of usual length. 4 KiB: longer ones, scopes of a thread, items of larger spans.
/// 64 KiB: items of the largest.
extern constinit BlockPool small_blocks;
extern constinit BlockPool page_blocks;
extern constinit BlockPool large_blocks;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
