// SPDX-License-Identifier: Apache-2.0
#include "thread_spans.h"

#include <pthread.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "fast_telemetry/clock.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

constinit thread_local ThreadSpans own_spans [[gnu::tls_model("initial-exec")]];

namespace {

constinit std::atomic<bool> has_exit_key{false};
pthread_key_t exit_key;

/// Early in a machine's boot the kernel may have no random numbers yet; then what differs between threads, processes
/// and moments has to do.
void seed(std::uint64_t (&state)[4]) noexcept {
  const int saved_errno = errno;
  if (getrandom(state, sizeof state, GRND_NONBLOCK) != sizeof state) {
    std::uint64_t x = static_cast<std::uint64_t>(now_ns()) ^ static_cast<std::uint64_t>(getpid()) << 32U ^
                      reinterpret_cast<std::uintptr_t>(&state);
    for (std::uint64_t& word : state) {  // splitmix64 (Steele, Lea and Flood, 2014)
      x += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = (x ^ x >> 30U) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ z >> 27U) * 0x94d049bb133111ebULL;
      word = z ^ z >> 31U;
    }
  }
  if ((state[0] | state[1] | state[2] | state[3]) == 0) state[0] = 1;  // the one state that stays as it is
  errno = saved_errno;
}

}  // namespace

void end_thread(void* spans) noexcept {
  auto& own = *static_cast<ThreadSpans*>(spans);
  own.is_over_ = true;
  if (own.epoch_ != epoch()) return;  // a bare clone's: it has nothing yet
  if (own.chunk_ != nullptr) close_chunk(*own.chunk_, false);
  own.chunk_ = nullptr;
  if (own.scopes != nullptr) drop_scopes(*own.scopes);
  own.scopes = nullptr;
}

namespace {

void make_exit_key() noexcept {
  static const bool made = [] {
    if (pthread_key_create(&exit_key, [](void* spans) { end_thread(spans); }) != 0) return false;
    has_exit_key.store(true, std::memory_order_release);
    return true;
  }();
  static_cast<void>(made);
}

/// If the library is unloaded, threads that live on must not come back into it when they end.
[[gnu::destructor]] void delete_exit_key() noexcept {
  if (has_exit_key.exchange(false, std::memory_order_acq_rel)) pthread_key_delete(exit_key);
}

}  // namespace

void ThreadSpans::refresh() noexcept {
  install_epoch();
  begin(settled_epoch());
  make_exit_key();
  // Acquire: pairs with the release in make_exit_key.
  if (!is_over_ && has_exit_key.load(std::memory_order_acquire)) pthread_setspecific(exit_key, this);
}

void ThreadSpans::begin(std::uint64_t epoch) noexcept {
  epoch_ = epoch;
  seed(random_);
  if (!is_busy_) chunk_ = nullptr;
}

void begin_child_thread() noexcept {
  ThreadSpans& own = own_spans;
  if (own.epoch_ == no_epoch) return;
  // A handler forked on top of a record that this thread will go on copying: into a chunk that nobody else may get.
  // The record itself lets it go.
  if (own.is_busy_ && own.chunk_ != nullptr) own.chunk_->state.store(ChunkState::abandoned, std::memory_order_relaxed);
  own.begin(epoch());
}

bool ThreadSpans::next_chunk(std::size_t room, SpanDrop& drop) noexcept {
  if (chunk_ != nullptr) close_chunk(*chunk_, true);
  chunk_ = open_chunk(room, drop);
  if (chunk_ == nullptr) return false;
  data_ = buffers->pool.data(*chunk_);
  filled_ = Filled::of(chunk_->written.load(std::memory_order_relaxed));
  return true;
}

void ThreadSpans::record(const FinishedSpan& span) noexcept {
  if (is_busy_) [[unlikely]] {
    buffers->recorded.add();
    buffers->dropped[static_cast<std::size_t>(SpanDrop::reentrant)].add();
    return;
  }
  const std::uint64_t began = epoch_;
  is_busy_ = true;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  write(span, began);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  is_busy_ = false;
  if (epoch_ != began) [[unlikely]]
    chunk_ = nullptr;  // a handler forked meanwhile: it is nobody's here
}

namespace {

/// Word by word, and not by what the compiler makes of that (SpanHeader says why).
inline void copy_words(const void* from, std::byte* to, std::size_t bytes) noexcept {
  const auto* const source = static_cast<const std::byte*>(from);
#pragma GCC unroll 11
  for (std::size_t i = 0; i < bytes; i += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, source + i, sizeof word);
    asm("" : "+r"(word));
    std::memcpy(to + i, &word, sizeof word);
  }
}

}  // namespace

inline void ThreadSpans::copy(const FinishedSpan& span, std::byte* place) noexcept {
  constexpr std::size_t words = 512;  // arbitrary: what is longer has mostly left the store buffer
  auto* const header = new (place) SpanHeader;
  copy_words(&span.header, place, sizeof *header);
  header->what = span.header.what | SpanHeader::of({}, 0, span.bits) | span.size();
  header->end_ns = span.end_ns;
  if (span.items_size <= words) {
    copy_words(span.items, place + sizeof *header, span.items_size);
  } else {
    std::memcpy(place + sizeof *header, span.items, span.items_size);
  }
}

inline void ThreadSpans::write(const FinishedSpan& span, std::uint64_t began) noexcept {
  SpanDrop drop{};
  if ((chunk_ == nullptr || filled_.bytes + span.size() > chunk_bytes) && !next_chunk(span.size(), drop)) [[unlikely]] {
    buffers->recorded.add();
    buffers->dropped[static_cast<std::size_t>(drop)].add();
    return;
  }
  Chunk& chunk = *chunk_;
  const Filled filled{filled_.spans + 1, filled_.bytes + span.size()};
  copy(span, data_ + filled_.bytes);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (epoch_ != began) [[unlikely]] {  // a handler forked meanwhile: the span is the parent's
    chunk.state.store(ChunkState::abandoned, std::memory_order_relaxed);
    return;
  }
  // Release: pairs with the drain's acquire; what it sees counted is complete.
  chunk.written.store(filled.word(), std::memory_order_release);
  filled_ = filled;
  // Drained memory is not in the near caches: the next span's lines are asked for while nobody waits for them.
  __builtin_prefetch(data_ + filled.bytes + 128, 1);
  __builtin_prefetch(data_ + filled.bytes + 192, 1);
  buffers->recorded.add();
  if (is_over_) [[unlikely]] {
    chunk_ = nullptr;
    close_chunk(chunk, false);
  }
}

}  // namespace detail

TraceId random_trace_id() noexcept { return detail::thread_spans().random_trace_id(); }
SpanId random_span_id() noexcept { return detail::thread_spans().random_span_id(); }

FAST_TELEMETRY_END_NAMESPACE
