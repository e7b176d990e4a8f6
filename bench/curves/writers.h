// SPDX-License-Identifier: Apache-2.0
//
// Threads that record at the same time, and what that costs them.
#pragma once

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "bench/micro/input.h"
#include "curves.h"

namespace curves {

struct Written {
  double cpu_ns_per_record;  ///< the writers' own CPU time: waiting for a CPU is not in it, waiting for a cache line is
  std::uint64_t records;     ///< those of the warm-up included
};

/// Runs `record(i)` over the input, in `threads` threads that begin together, for the time that the size allows. Each
/// calls `begin_thread(number)` first.
template <class Record, class Begin = void (*)(std::size_t)>
Written write(Size size, std::size_t threads, Record record, Begin begin_thread = [](std::size_t) {}) {
  const std::chrono::milliseconds time{choose(size, 0, 200, 500)};
  std::barrier start{static_cast<std::ptrdiff_t>(threads)};
  std::atomic<std::int64_t> cpu_ns{0};
  std::atomic<std::uint64_t> passes{0};
  std::vector<std::thread> writers;
  for (std::size_t t = 0; t < threads; ++t) {
    writers.emplace_back([&, t] {
      begin_thread(t);
      const auto pass = [&] {
        for (std::size_t i = 0; i < workload::records; ++i) record(i);
      };
      pass();  // warm-up
      start.arrive_and_wait();
      const auto end = std::chrono::steady_clock::now() + time;
      const std::int64_t begin = thread_cpu_ns();
      std::uint64_t done = 0;
      do {
        pass();
        ++done;
      } while (std::chrono::steady_clock::now() < end);
      cpu_ns += thread_cpu_ns() - begin;
      passes += done;
    });
  }
  for (std::thread& writer : writers) writer.join();
  return {static_cast<double>(cpu_ns) / static_cast<double>(passes * workload::records),
          (passes + threads) * workload::records};
}

}  // namespace curves
