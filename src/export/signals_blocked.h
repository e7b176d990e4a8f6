// SPDX-License-Identifier: Apache-2.0
//
// SignalsBlocked: for the time in which a thread is started.
#pragma once

#include <pthread.h>
#include <signal.h>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Blocks all signals for the calling thread, so that a thread it starts never runs the program's handlers. The ones
/// that a fault of the thread itself raises stay: blocking them would only hide where it crashed.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&all, fault);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
