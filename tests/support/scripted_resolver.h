// SPDX-License-Identifier: Apache-2.0
//
// ScriptedResolver: this program's getaddrinfo, which answers what a test says, when it says it.
#pragma once

#include <condition_variable>
#include <mutex>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// For names that end in ".test"; all others are the system's. One at a time.
class ScriptedResolver {
 public:
  ScriptedResolver();
  /// Lets go of whoever waits.
  ~ScriptedResolver();
  ScriptedResolver(const ScriptedResolver&) = delete;
  ScriptedResolver& operator=(const ScriptedResolver&) = delete;

  /// As if no name server answered. Before the first look-up.
  void stay_silent();
  /// From now on, also for those that wait: 127.0.0.1, or EAI_NONAME.
  void answer(bool is_found);

  /// Until somebody looks a name up.
  void wait_for_lookup();
  [[nodiscard]] int lookups() const;  ///< begun

  /// getaddrinfo's result.
  [[nodiscard]] int look_up();

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_silent_ = false;
  bool is_found_ = true;
  int lookups_ = 0;
  int waiting_ = 0;
};

FAST_TELEMETRY_END_NAMESPACE
