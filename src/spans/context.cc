// SPDX-License-Identifier: Apache-2.0
//
// Scopes: a stack of contexts in one block, which belongs to a thread, or to a fiber while that does not run. A scope
// that ends elsewhere marks its slot; the owner takes such slots off when it comes by.
#include "fast_telemetry/spans/context.h"

#include <atomic>
#include <new>

#include "thread_spans.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

enum class SlotState : std::uint32_t {
  live,
  dead,    ///< its scope ended below others, or on another thread
  orphan,  ///< its block's owner is gone, the scope is not
};

struct ScopeSlot {
  SpanContext context;
  std::atomic<SlotState> state;
};

struct ScopeBlock {
  static constexpr std::uint32_t most_slots = 84;

  std::atomic<std::uint32_t> references{1};  ///< the owner, and once that is gone, each orphan
  std::uint32_t depth = 0;                   ///< the owner's
  ScopeSlot slots[most_slots];

  void pop() noexcept {
    --depth;
    slots[depth].context = SpanContext{};
  }

  void pop_dead() noexcept {
    // Acquire: pairs with the release of the thread where the scope ended.
    while (depth != 0 && slots[depth - 1].state.load(std::memory_order_acquire) == SlotState::dead) pop();
  }

  void let_go(std::uint32_t count) noexcept {
    if (references.fetch_sub(count, std::memory_order_acq_rel) != count) return;
    page_blocks.give_back(page_blocks.control_of(this));
  }

  [[nodiscard]] static ScopeBlock& of(ScopeSlot& slot) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(&slot);
    return *reinterpret_cast<ScopeBlock*>(address / 4096 * 4096);  // blocks lie at multiples of their size
  }
};
static_assert(sizeof(ScopeBlock) <= 4096);

void drop_scopes(ScopeBlock& scopes) noexcept {
  // Counted first: a scope that ends elsewhere meanwhile must not be the last.
  const std::uint32_t depth = scopes.depth;
  scopes.references.fetch_add(depth, std::memory_order_relaxed);
  std::uint32_t gone = 1;
  for (std::uint32_t i = 0; i < depth; ++i) {
    scopes.slots[i].context = SpanContext{};
    if (scopes.slots[i].state.exchange(SlotState::orphan, std::memory_order_acq_rel) == SlotState::dead) ++gone;
  }
  scopes.let_go(gone);
}

namespace {

ScopeBlock* scopes_of(ThreadSpans& own) noexcept {
  if (own.scopes == nullptr) {
    Shortage shortage{};
    if (BlockControl* const block = page_blocks.take(shortage); block != nullptr) {
      own.scopes = new (page_blocks.data(*block)) ScopeBlock;
    }
  }
  return own.scopes;
}

ScopeSlot* push(const SpanContext& context) noexcept {
  ScopeBlock* const scopes = scopes_of(thread_spans());
  if (scopes != nullptr) scopes->pop_dead();
  if (scopes == nullptr || scopes->depth == ScopeBlock::most_slots) {
    if (buffers != nullptr) buffers->scopes_refused.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  ScopeSlot& slot = scopes->slots[scopes->depth++];
  slot.context = context;
  slot.state.store(SlotState::live, std::memory_order_relaxed);
  return &slot;
}

}  // namespace

}  // namespace detail

SpanContext current_context() noexcept {
  detail::ScopeBlock* const scopes = detail::thread_spans().scopes;
  if (scopes == nullptr) return {};
  scopes->pop_dead();
  return scopes->depth != 0 ? scopes->slots[scopes->depth - 1].context : SpanContext{};
}

CurrentSpan::CurrentSpan(const SpanContext& context) noexcept : slot_{detail::push(context)} {}

CurrentSpan::~CurrentSpan() {
  if (slot_ == nullptr) return;
  detail::ScopeBlock& scopes = detail::ScopeBlock::of(*slot_);
  if (&scopes == detail::thread_spans().scopes && slot_ == &scopes.slots[scopes.depth - 1]) {
    scopes.pop();
    scopes.pop_dead();
    return;
  }
  // Release: pairs with the acquire of the owner that takes it off.
  if (slot_->state.exchange(detail::SlotState::dead, std::memory_order_acq_rel) == detail::SlotState::orphan) {
    scopes.let_go(1);
  }
}

void Scopes::drop() noexcept { detail::drop_scopes(*block_); }

Scopes leave_scopes() noexcept {
  detail::ThreadSpans& own = detail::thread_spans();
  Scopes scopes{own.scopes};
  own.scopes = nullptr;
  return scopes;
}

void enter_scopes(Scopes scopes) noexcept {
  detail::ThreadSpans& own = detail::thread_spans();
  detail::ScopeBlock* const mine = own.scopes;
  own.scopes = scopes.block_;
  scopes.block_ = mine;  // ends with the argument
}

FAST_TELEMETRY_END_NAMESPACE
