// SPDX-License-Identifier: Apache-2.0
#include "chunks.h"

#include "pressure.h"
#include "thread_spans.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

constinit Buffers* buffers = nullptr;

Buffers& make_buffers() {
  static Buffers& made = []() -> Buffers& {
    auto* const immortal = new Buffers;  // so that no order of static destruction is wrong
    // Release: pairs with made_buffers().
    __atomic_store_n(&buffers, immortal, __ATOMIC_RELEASE);
    return *immortal;
  }();
  return made;
}

Chunk* open_chunk(std::size_t room, SpanDrop& drop) noexcept {
  // What an ended thread left is used up first, or short threads would each leave a chunk with one span in it.
  while (BlockControl* const left = buffers->pool.pop(buffers->partial)) {
    auto& chunk = static_cast<Chunk&>(*left);
    if (Filled::of(chunk.written.load(std::memory_order_relaxed)).bytes + room <= chunk_bytes) return &chunk;
    close_chunk(chunk, true);
  }
  BlockControl* block = nullptr;
  do {
    Shortage shortage = Shortage::none;
    block = buffers->pool.take(shortage);
    if (block == nullptr) {
      drop = shortage == Shortage::budget ? SpanDrop::budget : SpanDrop::no_memory;
      return nullptr;
    }
  } while (static_cast<Chunk*>(block)->state.load(std::memory_order_relaxed) == ChunkState::abandoned);
  auto& chunk = static_cast<Chunk&>(*block);
  chunk.written.store(0, std::memory_order_relaxed);
  chunk.drained.store(0, std::memory_order_relaxed);
  // Release: pairs with the drain's acquire, which sees the zeros.
  chunk.state.store(ChunkState::open, std::memory_order_release);
  if (span_budget.is_half_used()) call_for_drain();
  return &chunk;
}

void close_chunk(Chunk& chunk, bool is_full) noexcept {
  if (is_full) {
    // Release: pairs with the drain's acquire; it sees all that was written.
    chunk.state.store(ChunkState::closed, std::memory_order_release);
  } else {
    buffers->pool.push(buffers->partial, chunk);
  }
}

void chunks_begin_child(bool kernel_wiped) noexcept {
  if (buffers == nullptr) return;
  buffers->drain_lock.unlock();  // its owner may be a thread that exists in the parent only
  buffers->pool.begin_child(buffers->partial, kernel_wiped);
  span_pressure.store(false, std::memory_order_relaxed);
  buffers->next_to_drain = 0;
  // What the parent counted, the parent reports; the counters begin at zero by themselves.
  buffers->drained.store(0, std::memory_order_relaxed);
  buffers->most_buffered.store(0, std::memory_order_relaxed);
  buffers->trace_states_cut.store(0, std::memory_order_relaxed);
  buffers->scopes_refused.store(0, std::memory_order_relaxed);
  span_budget.most_used.store(span_budget.used.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
