// SPDX-License-Identifier: Apache-2.0
//
// How much memory this process has.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <fstream>

/// Bytes of its pages that are in memory (Linux, proc(5), "statm").
inline std::uint64_t resident_memory() {
  std::ifstream file{"/proc/self/statm"};
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}
