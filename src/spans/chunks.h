// SPDX-License-Identifier: Apache-2.0
//
// Chunks: where finished spans wait for a drain.
#pragma once

#include "block_pool.h"
#include "core/signal_lock.h"
#include "fast_telemetry/counter.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

inline constexpr std::size_t chunk_bytes = 65536;

enum class ChunkState : std::uint32_t {
  unused,     ///< in no use, or wiped by a fork
  open,       ///< one thread writes to it, or it waits in `partial` for the next
  closed,     ///< nobody writes to it any more; free again when it is drained
  abandoned,  ///< a thread was writing to it when it forked in a signal handler: not used again in this child
};

/// How much of a chunk is written or drained: spans, and bytes. One word, so that both are of one moment.
struct Filled {
  std::uint32_t spans;
  std::uint32_t bytes;

  [[nodiscard]] constexpr std::uint64_t word() const noexcept { return std::uint64_t{spans} << 32U | bytes; }
  [[nodiscard]] static constexpr Filled of(std::uint64_t word) noexcept {
    return {static_cast<std::uint32_t>(word >> 32U), static_cast<std::uint32_t>(word)};
  }
};

/// Two lines of their own: the neighbour's owner is another thread.
struct alignas(128) Chunk : BlockControl {
  std::atomic<ChunkState> state;
  std::atomic<std::uint64_t> written;  ///< by its thread: what is below is complete
  std::atomic<std::uint64_t> drained;  ///< by the drain, which holds drain_lock
};

enum class SpanDrop : std::uint8_t { budget, no_memory, forked, reentrant };
inline constexpr std::size_t span_drops = 4;

/// The process's buffers and their accounting. Immortal.
struct Buffers {
  BlockPool pool{chunk_bytes, sizeof(Chunk), true};
  BlockList partial;  ///< open chunks without a thread: the next thread that needs one goes on in it

  SignalLock drain_lock;
  std::uint32_t next_to_drain = 0;  ///< the rest is under drain_lock
  std::atomic<std::uint64_t> drained{0};
  std::atomic<std::uint64_t> most_buffered{0};

  std::atomic<std::uint64_t> trace_states_cut{0};
  std::atomic<std::uint64_t> scopes_refused{0};

  /// Metrics of the library's own: a record costs what a counter costs, also when all threads drop.
  Counter recorded;
  Counter dropped[span_drops];
};

/// The buffers. Throws std::bad_alloc at first use only, which is the first tracer's.
Buffers& make_buffers();
extern constinit Buffers* buffers;
/// For those who may come before the first tracer, on another thread: null then.
[[nodiscard]] inline Buffers* made_buffers() noexcept { return __atomic_load_n(&buffers, __ATOMIC_ACQUIRE); }

/// A chunk to write to, at least `room` bytes of which are free. Null: none, for the reason in `drop`.
[[nodiscard]] Chunk* open_chunk(std::size_t room, SpanDrop& drop) noexcept;
/// Its thread is done with it: it has no room for the next span, or (`is_full` false) the thread ends.
void close_chunk(Chunk& chunk, bool is_full) noexcept;

/// Empties all buffers, in a new child; the calling thread is its only one, or all others wait.
void chunks_begin_child(bool kernel_wiped) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
