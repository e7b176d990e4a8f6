// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/drain.h"

#include "fast_telemetry/clock.h"
#include "thread_spans.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using detail::Buffers;
using detail::buffers;
using detail::Chunk;
using detail::ChunkState;
using detail::Filled;

/// Not held by a signal handler on top of a drain, nor by a sink that drains.
class DrainLock {
 public:
  DrainLock() noexcept : held_{buffers->drain_lock.lock()} {}
  ~DrainLock() {
    if (held_) buffers->drain_lock.unlock();
  }
  DrainLock(const DrainLock&) = delete;
  DrainLock& operator=(const DrainLock&) = delete;
  [[nodiscard]] bool is_held() const noexcept { return held_; }

 private:
  bool held_;
};

/// Calls `each(chunk, is_closed, written, drained)` for every chunk with spans in it, from number `first` on, once
/// round; stops when it returns false. The chunk it stopped at, or `first`.
template <class Each>
std::uint32_t for_each_chunk(std::uint32_t first, Each each) {
  const std::uint32_t count = buffers->pool.cut();
  for (std::uint32_t n = 0; n < count; ++n) {
    const std::uint32_t i = (first + n) % count;
    auto& chunk = static_cast<Chunk&>(buffers->pool.block(i));
    // Acquire, both: pair with the writer's releases. The state first: what is closed is written to its end.
    const ChunkState state = chunk.state.load(std::memory_order_acquire);
    if (state != ChunkState::open && state != ChunkState::closed) continue;
    const Filled written = Filled::of(chunk.written.load(std::memory_order_acquire));
    const Filled drained = Filled::of(chunk.drained.load(std::memory_order_relaxed));
    if (!each(chunk, state == ChunkState::closed, written, drained)) return i;
  }
  return first < count ? first : 0;
}

std::uint64_t buffered() noexcept {
  std::uint64_t spans = 0;
  for_each_chunk(0, [&](Chunk&, bool, Filled written, Filled drained) {
    if (written.spans > drained.spans) spans += written.spans - drained.spans;  // not if it is being used anew just now
    return true;
  });
  return spans;
}

class Drain {
 public:
  explicit Drain(SpanSink& sink) noexcept : sink_{sink} {}

  DrainResult run() {
    const std::uint64_t found = buffered();
    if (found > buffers->most_buffered.load(std::memory_order_relaxed)) {
      buffers->most_buffered.store(found, std::memory_order_relaxed);
    }
    buffers->next_to_drain =
        for_each_chunk(buffers->next_to_drain, [this](Chunk& chunk, bool is_closed, Filled written, Filled drained) {
          if (!take(chunk, written, drained)) return false;
          if (is_closed) recycle(chunk);
          return true;
        });
    return result_;
  }

 private:
  /// False: the sink is full, or this has become another process.
  bool take(Chunk& chunk, Filled written, Filled drained) {
    const std::byte* const data = buffers->pool.data(chunk);
    while (drained.bytes != written.bytes) {
      const auto& header = *reinterpret_cast<const detail::SpanHeader*>(data + drained.bytes);
      const std::uint32_t size = header.size();
      const bool taken = sink_.span(SpanRecord{header, unix_lead_ns_}) == SinkAnswer::taken;
      if (detail::epoch() != epoch_) result_.is_complete = false;
      if (!taken || !result_.is_complete) {
        result_.is_complete = false;
        return false;
      }
      drained = {drained.spans + 1, drained.bytes + size};
      chunk.drained.store(drained.word(), std::memory_order_relaxed);
      // Under drain_lock: no other thread writes it.
      buffers->drained.store(buffers->drained.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      ++result_.spans;
    }
    return true;
  }

  static void recycle(Chunk& chunk) noexcept {
    chunk.state.store(ChunkState::unused, std::memory_order_relaxed);
    buffers->pool.give_back(chunk);
  }

  SpanSink& sink_;
  std::uint64_t epoch_ = detail::settled_epoch();
  std::int64_t unix_lead_ns_ = unix_ns(now_ns()) - now_ns();
  DrainResult result_;
};

}  // namespace

DrainResult drain_spans(SpanSink& sink) {
  static_cast<void>(detail::settled_epoch());
  if (detail::made_buffers() == nullptr) return {};
  const DrainLock lock;
  if (!lock.is_held()) return {0, false};
  return Drain{sink}.run();
}

void set_span_budget(std::size_t bytes) noexcept {
  constexpr std::uint64_t most = std::uint64_t{4} << 30U;
  detail::span_budget.bytes.store(bytes < most ? bytes : most, std::memory_order_relaxed);
}

SpanInfo span_info() noexcept {
  static_cast<void>(detail::settled_epoch());
  SpanInfo info{};
  info.budget_bytes = detail::span_budget.bytes.load(std::memory_order_relaxed);
  info.used_bytes = detail::span_budget.used.load(std::memory_order_relaxed);
  info.most_used_bytes = detail::span_budget.most_used.load(std::memory_order_relaxed);
  if (detail::made_buffers() == nullptr) return info;
  const auto dropped = [](detail::SpanDrop reason) {
    return buffers->dropped[static_cast<std::size_t>(reason)].value();
  };
  // Without the drain's lock, which a slow sink keeps. Again if a drain took something meanwhile: a few times, since
  // one that runs on always does.
  for (int attempt = 0; attempt < 3; ++attempt) {
    info.drained = buffers->drained.load(std::memory_order_relaxed);
    info.buffered = buffered();
    if (buffers->drained.load(std::memory_order_relaxed) == info.drained) break;
  }
  info.dropped_budget = dropped(detail::SpanDrop::budget);
  info.dropped_no_memory = dropped(detail::SpanDrop::no_memory);
  info.dropped_forked = dropped(detail::SpanDrop::forked);
  info.dropped_reentrant = dropped(detail::SpanDrop::reentrant);
  info.recorded = buffers->recorded.value();
  info.most_buffered = buffers->most_buffered.load(std::memory_order_relaxed);
  info.trace_states_cut = buffers->trace_states_cut.load(std::memory_order_relaxed);
  info.scopes_refused = buffers->scopes_refused.load(std::memory_order_relaxed);
  return info;
}

FAST_TELEMETRY_END_NAMESPACE
