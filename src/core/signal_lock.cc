// SPDX-License-Identifier: Apache-2.0
#include "signal_lock.h"

#include <sched.h>
#include <time.h>

#include <cerrno>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

void wait_for_others(unsigned attempt) noexcept {
  constexpr unsigned patience = 100;  // arbitrary: some ten microseconds
  if (attempt < patience) {
    sched_yield();
    return;
  }
  const int saved_errno = errno;
  constexpr timespec nap{0, 50'000};
  nanosleep(&nap, nullptr);
  errno = saved_errno;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
