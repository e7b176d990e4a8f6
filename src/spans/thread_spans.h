// SPDX-License-Identifier: Apache-2.0
//
// What a thread has of its own: random numbers, the chunk it writes to, its scopes.
#pragma once

#include "chunks.h"
#include "epoch.h"
#include "fast_telemetry/spans/ids.h"
#include "fast_telemetry/spans/span.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct ScopeBlock;

/// A finished span, in pieces. What its end decides is not in the header: it would be loaded right after it was stored.
struct FinishedSpan {
  const SpanHeader& header;
  std::int64_t end_ns;
  std::uint8_t bits;
  const std::byte* items;
  std::uint32_t items_size;

  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(sizeof header) + items_size; }
};

/// Constant-initialised and trivially destroyed, so that it can be used from a thread's first constructor to its last
/// destructor. A pthread key's destructor, which runs after all thread_local ones, gives the chunk back.
class ThreadSpans {
 public:
  constexpr ThreadSpans() noexcept = default;

  [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }

  [[nodiscard]] std::uint64_t random() noexcept;
  [[nodiscard]] TraceId random_trace_id() noexcept { return random_trace_id(random()); }
  /// One with this second half.
  [[nodiscard]] TraceId random_trace_id(std::uint64_t low_half) noexcept;
  [[nodiscard]] SpanId random_span_id() noexcept;

  /// Copies a finished span into the thread's chunk and counts it, or counts why it could not be.
  void record(const FinishedSpan& span) noexcept;

  ScopeBlock* scopes = nullptr;  ///< those of the fiber that runs on this thread

 private:
  friend ThreadSpans& thread_spans() noexcept;
  friend void begin_child_thread() noexcept;
  friend void end_thread(void* spans) noexcept;

  void refresh() noexcept;
  void begin(std::uint64_t epoch) noexcept;
  [[nodiscard]] bool next_chunk(std::size_t room, SpanDrop& drop) noexcept;
  void write(const FinishedSpan& span, std::uint64_t began) noexcept;
  static void copy(const FinishedSpan& span, std::byte* place) noexcept;

  volatile std::uint64_t epoch_ = no_epoch;  ///< volatile: a handler that forks changes it
  std::uint64_t random_[4] = {};
  Chunk* chunk_ = nullptr;
  std::byte* data_ = nullptr;  ///< the chunk's
  Filled filled_{};            ///< of it
  /// A record is being copied. For signal handlers on top of it: volatile, and no other thread looks.
  volatile bool is_busy_ = false;
  bool is_over_ = false;  ///< the thread has given its chunk back for the last time
};

// Initial-exec, so that reaching it is one instruction also from within a shared object.
extern constinit thread_local ThreadSpans own_spans [[gnu::tls_model("initial-exec")]];

/// The calling thread's, ready for use in this process.
[[nodiscard]] inline ThreadSpans& thread_spans() noexcept {
  ThreadSpans& own = own_spans;
  if (own.epoch_ != epoch()) [[unlikely]]
    own.refresh();
  return own;
}

/// In the thread that forked, in the child.
void begin_child_thread() noexcept;

/// A thread that ends gives back its scopes (context.cc).
void drop_scopes(ScopeBlock& scopes) noexcept;

// xoshiro256++ 1.0 (Blackman and Vigna, 2019, "Scrambled linear pseudorandom number generators").
inline std::uint64_t ThreadSpans::random() noexcept {
  const auto rotated = [](std::uint64_t x, unsigned by) { return x << by | x >> (64 - by); };
  std::uint64_t(&s)[4] = random_;
  const std::uint64_t result = rotated(s[0] + s[3], 23) + s[0];
  const std::uint64_t shifted = s[1] << 17U;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = rotated(s[3], 45);
  return result;
}

inline TraceId ThreadSpans::random_trace_id(std::uint64_t low_half) noexcept {
  // One store of 16 bytes, as the loads of who copies an id are: of two stores they would wait for both to be over.
  using Words [[gnu::vector_size(16)]] = std::uint64_t;
  std::uint64_t high = random();
  while ((high | low_half) == 0) high = random();
  const Words words = {high, low_half};
  TraceId id;
  __builtin_memcpy(&id, &words, sizeof id);
  return id;
}

inline SpanId ThreadSpans::random_span_id() noexcept {
  std::uint64_t word = 0;
  do word = random();
  while (word == 0);
  SpanId id;
  __builtin_memcpy(&id, &word, sizeof id);
  return id;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
