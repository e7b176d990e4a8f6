// SPDX-License-Identifier: Apache-2.0
//
// Work on CPUs that are chosen.
#pragma once

#include <sched.h>

#include <algorithm>
#include <cstddef>
#include <thread>
#include <vector>

/// The numbers of the CPUs this process may use, as the first call found them: a thread that was given one CPU, and
/// those that it starts, are allowed no other.
inline const std::vector<int>& allowed_cpus() {
  static const std::vector<int> numbers = [] {
    cpu_set_t allowed;
    sched_getaffinity(0, sizeof allowed, &allowed);
    std::vector<int> found;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) found.push_back(cpu);
    }
    return found;
  }();
  return numbers;
}

/// Keeps this thread, and those that it starts, on one CPU.
inline void run_on(int cpu) {
  static_cast<void>(allowed_cpus());  // while they are known
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<std::size_t>(cpu), &only);
  sched_setaffinity(0, sizeof only, &only);
}

/// Calls `work` in a thread on each of the first `count` CPUs this process may use, one after the other, so that their
/// shards have pages.
template <class Work>
void on_cpus(std::size_t count, const Work& work) {
  const std::vector<int>& cpus = allowed_cpus();
  for (std::size_t i = 0; i < std::min(count, cpus.size()); ++i) {
    std::thread{[&work, cpu = cpus[i]] {
      run_on(cpu);
      work();
    }}.join();
  }
}
