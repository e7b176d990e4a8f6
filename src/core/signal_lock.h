// SPDX-License-Identifier: Apache-2.0
//
// A lock for code that signal handlers may run: it knows its owner.
#pragma once

#include <atomic>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Lets other threads run, and after a while sleeps: a real-time thread yields only to its equals, and would keep the
/// one it waits for from ever finishing. Async-signal-safe.
void wait_for_others(unsigned attempt) noexcept;

/// In a child that was made by a bare clone, without fork handlers: does what the handlers would have done.
void notice_bare_clone() noexcept;

/// A handler that interrupts the owner's own critical section sees that and gives up instead of waiting for itself.
/// Critical sections are short and never call user code; at worst one maps memory.
class SignalLock {
 public:
  constexpr SignalLock() noexcept = default;

  /// False: this thread holds the lock already, and is in a signal handler on top of it.
  [[nodiscard]] bool lock() noexcept {
    void* const self = __builtin_thread_pointer();
    for (unsigned attempt = 0;; ++attempt) {
      void* expected = nullptr;
      // Acquire: pairs with the release in unlock(); the arena's state is plain data behind it.
      if (owner_.compare_exchange_weak(expected, self, std::memory_order_acquire, std::memory_order_relaxed))
        return true;
      if (expected == self) return false;
      notice_bare_clone();  // the owner may be a thread that exists in the parent only
      if (expected != nullptr) wait_for_others(attempt);
    }
  }

  void unlock() noexcept { owner_.store(nullptr, std::memory_order_release); }

 private:
  std::atomic<void*> owner_{nullptr};
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
