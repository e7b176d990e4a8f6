// SPDX-License-Identifier: Apache-2.0
#include "epoch.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "chunks.h"
#include "thread_spans.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr std::uint64_t being_settled = no_epoch - 1;

constinit std::atomic<std::uint64_t> static_word{1};  ///< where there is no page that is wiped
constinit std::atomic<std::uint64_t> last_epoch{1};

/// Makes this process's buffers its own. One thread at a time: the one that found, or put, the word on being_settled.
void settle(std::atomic<std::uint64_t>& word, bool kernel_wiped) noexcept {
  const std::uint64_t next = last_epoch.fetch_add(1, std::memory_order_relaxed) + 1;
  chunks_begin_child(kernel_wiped);
  // Release: pairs with the acquire in settled_epoch().
  word.store(next, std::memory_order_release);
}

void after_fork_in_child() noexcept {
  std::atomic<std::uint64_t>& word = *epoch_word.load(std::memory_order_relaxed);
  // Asked of the word, not only of madvise: QEMU's user mode (7.2) answers MADV_WIPEONFORK with 0 and wipes nothing.
  settle(word, word.load(std::memory_order_relaxed) == 0);
  begin_child_thread();
}

std::atomic<std::uint64_t>* wiped_word() noexcept {
  void* const page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  if (madvise(page, 4096, MADV_WIPEONFORK) != 0) {  // Linux 4.14
    munmap(page, 4096);
    return nullptr;
  }
  return new (page) std::atomic<std::uint64_t>{1};
}

}  // namespace

constinit std::atomic<std::atomic<std::uint64_t>*> epoch_word{&static_word};

std::uint64_t settled_epoch() noexcept {
  std::atomic<std::uint64_t>& word = *epoch_word.load(std::memory_order_relaxed);
  std::uint64_t seen = word.load(std::memory_order_acquire);
  while (seen == 0 || seen == being_settled) {
    if (seen == 0 && word.compare_exchange_weak(seen, being_settled, std::memory_order_acquire)) {
      settle(word, true);
      return word.load(std::memory_order_relaxed);
    }
    if (seen == being_settled) sched_yield();
    seen = word.load(std::memory_order_acquire);
  }
  return seen;
}

void install_epoch() {
  static const bool installed = [] {
    if (auto* const word = wiped_word(); word != nullptr) epoch_word.store(word, std::memory_order_release);
    pthread_atfork(nullptr, nullptr, after_fork_in_child);
    return true;
  }();
  static_cast<void>(installed);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
