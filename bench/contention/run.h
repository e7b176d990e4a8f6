// SPDX-License-Identifier: Apache-2.0
//
// run(): threads that record, one that exports, and what both took. Knows nothing of what is recorded.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "surroundings.h"

namespace contention {

/// Operations a thread does between two looks at the clock, at most. Sequences of labels and values are so long.
inline constexpr std::size_t pass = 65536;

struct RunOptions {
  std::size_t threads = 1;
  std::uint64_t iters = 0;  ///< per thread; 0: as many as take `seconds`, found by the warm-up
  double seconds = 1;
  bool is_pinned = false;                         ///< each writer to one CPU, in turn
  std::chrono::milliseconds export_interval{10};  ///< 0: nobody exports
};

/// What is measured.
class Work {
 public:
  Work() = default;
  virtual ~Work() = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  /// The operations `first` … `first + count - 1` of a thread, all within one pass (first / pass is the same for all).
  /// The loop is in here.
  virtual void record(std::size_t thread, std::uint64_t first, std::size_t count) = 0;

  /// All that a program's exporter does but the sending: reads, encodes. Returns the size of the output.
  virtual std::size_t export_all() = 0;

  /// Between warm-up and measured part, while no thread records or exports: what is there now does not count.
  virtual void warmed_up() = 0;
};

/// Of the measured part.
struct RunResult {
  std::uint64_t iters = 0;           ///< of each thread
  std::vector<std::uint64_t> first;  ///< of each thread: its operations are first … first + iters - 1
  std::uint64_t operations = 0;      ///< of all threads
  double record_s = 0;               ///< from the first writer's begin to the last one's end
  double total_s = 0;                ///< to the end of the last export
  double writer_cpu_s = 0;           ///< of all writers
  double cpu_user_s = 0;             ///< of the process: exporter included
  double cpu_system_s = 0;
  std::uint64_t exports = 0;
  double export_s = 0;           ///< of all exports
  std::size_t export_bytes = 0;  ///< of the last
  Surroundings before;
  Surroundings after;
};

/// Each thread warms up; when all have, and nobody records, all begin together. The exporter goes on until the writers
/// have ended and then exports once more.
RunResult run(Work& work, const RunOptions& options);

// ---- what run() is made of ----

double thread_cpu_seconds();

struct ProcessCpu {
  double user_s;
  double system_s;
};
ProcessCpu process_cpu();

/// This thread may run on the `index`-th of the CPUs that the process may use, modulo their number.
void pin_this_thread(std::size_t index);

std::size_t usable_cpus();

}  // namespace contention
