// SPDX-License-Identifier: Apache-2.0
#include "at_exit.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#include "runtime.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// Of one process: a forked child, whose threads may have held the lock in the parent, begins a new one.
struct Runtimes {
  const pid_t process = ::getpid();
  std::mutex mutex;
  std::vector<std::weak_ptr<Runtime>> running;
  std::vector<std::shared_ptr<Runtime>> left_behind;
};

constinit std::atomic<Runtimes*> this_process{nullptr};

/// Immortal, so that no order of static destruction is wrong.
Runtimes& runtimes() {
  Runtimes* now = this_process.load(std::memory_order_acquire);
  while (now == nullptr || now->process != ::getpid()) {
    auto mine = std::make_unique<Runtimes>();
    // Release: pairs with the acquire of whoever uses it.
    if (this_process.compare_exchange_strong(now, mine.get(), std::memory_order_acq_rel)) return *mine.release();
  }
  return *now;
}

std::shared_ptr<Runtime> take_last(Runtimes& of) noexcept {
  const std::lock_guard lock{of.mutex};
  while (!of.running.empty()) {
    const std::shared_ptr<Runtime> last = of.running.back().lock();
    of.running.pop_back();
    if (last) return last;
  }
  return nullptr;
}

void shut_down_all() noexcept {
  Runtimes* const now = this_process.load(std::memory_order_acquire);
  if (now == nullptr || now->process != ::getpid()) return;  // a forked child that started nothing
  while (const std::shared_ptr<Runtime> runtime = take_last(*now)) runtime->end();
}

}  // namespace

void shut_down_at_exit(const std::shared_ptr<Runtime>& runtime) {
  // Once: the C library forgets no handler before the end.
  static const int registered = std::atexit([] { shut_down_all(); });
  static_cast<void>(registered);  // without memory for it, nothing is done at the exit
  Runtimes& all = runtimes();
  const std::lock_guard lock{all.mutex};
  std::erase_if(all.running, [](const auto& one) { return one.expired(); });
  all.running.push_back(runtime);
}

void leave_behind(std::shared_ptr<Runtime> runtime) noexcept try {
  Runtimes& all = runtimes();
  const std::lock_guard lock{all.mutex};
  all.left_behind.push_back(std::move(runtime));
} catch (const std::bad_alloc&) {
  // Then the thread's own reference is what keeps it.
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
