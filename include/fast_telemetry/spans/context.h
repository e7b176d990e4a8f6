// SPDX-License-Identifier: Apache-2.0
//
// The current span of a thread, a fiber or a coroutine. For code that traces, and for those who write schedulers.
#pragma once

#include "fast_telemetry/spans/span.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
struct ScopeSlot;
struct ScopeBlock;
}  // namespace detail

/// The context of the innermost CurrentSpan of this thread; not valid when there is none. What Tracer::start takes for
/// its parent, and what log lines show. 2 ns.
[[nodiscard]] SpanContext current_context() noexcept;

/// Makes a span's context the current one of this thread (of the fiber that runs on it) for the life of this object.
///
/// Holds a copy of the context: the span may end or move first. Scopes may end in any order, and on any thread: the
/// current one is always the innermost that still lives. 2 ns each way; the first of a thread takes a block of the
/// spans' byte budget. Without one, and below 84 scopes of one thread, the scope changes nothing and is counted
/// (SpanInfo::scopes_refused). Not in signal handlers.
class [[nodiscard]] CurrentSpan {
 public:
  explicit CurrentSpan(const Span& span) noexcept : CurrentSpan{span.context()} {}
  explicit CurrentSpan(const SpanContext& context) noexcept;
  ~CurrentSpan();
  CurrentSpan(const CurrentSpan&) = delete;
  CurrentSpan& operator=(const CurrentSpan&) = delete;

 private:
  detail::ScopeSlot* slot_;
};

/// All scopes of a thread, off the thread. For fibers and coroutines: whoever switches them calls leave_scopes() when
/// one is left, keeps the result with it, and gives it to enter_scopes() when it is entered again, on whatever thread.
///
/// Moved, not copied; one that is destroyed ends its scopes.
class [[nodiscard]] Scopes {
 public:
  constexpr Scopes() noexcept = default;  ///< none: what a new fiber begins with
  Scopes(Scopes&& other) noexcept : block_{other.block_} { other.block_ = nullptr; }
  Scopes& operator=(Scopes&& other) noexcept {
    detail::ScopeBlock* const mine = block_;
    block_ = other.block_;
    other.block_ = mine;
    return *this;
  }
  ~Scopes() {
    if (block_ != nullptr) drop();
  }

 private:
  friend Scopes leave_scopes() noexcept;
  friend void enter_scopes(Scopes scopes) noexcept;
  explicit Scopes(detail::ScopeBlock* block) noexcept : block_{block} {}
  void drop() noexcept;

  detail::ScopeBlock* block_ = nullptr;
};

/// Takes this thread's scopes off it; it has no current span then. 1 ns.
Scopes leave_scopes() noexcept;

/// Puts scopes on this thread, in place of those it has, which end. 1 ns.
void enter_scopes(Scopes scopes) noexcept;

FAST_TELEMETRY_END_NAMESPACE
