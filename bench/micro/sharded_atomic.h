// SPDX-License-Identifier: Apache-2.0
//
// ShardedAtomic: the counter that careful programs write.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>

/// An atomic per thread, as far as the shards reach, on cache lines of its own.
///
/// Threads number themselves by the harness's index, so that two of them never share a shard: its best case.
class ShardedAtomic {
 public:
  void add(std::uint64_t n) { shards_[slot_ & mask_].value.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i <= mask_; ++i) sum += shards_[i].value.load(std::memory_order_relaxed);
    return sum;
  }
  static void number_this_thread(int index) { slot_ = static_cast<std::size_t>(index); }

 private:
  // 128 bytes: the adjacent-line prefetcher works in pairs of lines.
  struct alignas(128) Shard {
    std::atomic<std::uint64_t> value{0};
  };
  static inline thread_local std::size_t slot_ = 0;
  std::size_t mask_ = std::bit_ceil(std::size_t{std::thread::hardware_concurrency()} + 1) - 1;
  std::unique_ptr<Shard[]> shards_{new Shard[mask_ + 1]};
};
