// SPDX-License-Identifier: Apache-2.0
#include "event_count.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

void EventCount::notify_all() noexcept {
  count_.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) == 0) return;
  const int saved_errno = errno;
  syscall(SYS_futex, &count_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  errno = saved_errno;
}

void EventCount::wait(std::uint32_t seen, std::chrono::steady_clock::time_point until) noexcept {
  using std::chrono::nanoseconds;
  using std::chrono::seconds;
  const auto since_boot = std::chrono::duration_cast<nanoseconds>(until.time_since_epoch());
  const auto whole = std::chrono::floor<seconds>(since_boot);
  const timespec time{static_cast<std::time_t>(whole.count()), static_cast<long>((since_boot - whole).count())};
  const bool is_endless = until == std::chrono::steady_clock::time_point::max();
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  // FUTEX_WAIT_BITSET, because its time is a point in time: steady_clock's, which is the monotonic clock.
  syscall(SYS_futex, &count_, FUTEX_WAIT_BITSET_PRIVATE, seen, is_endless ? nullptr : &time, nullptr,
          FUTEX_BITSET_MATCH_ANY);
  sleepers_.fetch_sub(1, std::memory_order_seq_cst);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
