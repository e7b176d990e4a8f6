// SPDX-License-Identifier: Apache-2.0
//
// Passes: the measured loop of every benchmark here.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

/// Runs passes as long as the harness says and reports the median time of one operation, as the counter `ns`.
///
/// The harness's own figure is a mean over everything, the passes in which another program had the core included.
class Passes {
 public:
  /// `operations`: how many one pass does.
  Passes(benchmark::State& state, std::size_t operations) : state_{state}, operations_{operations} {}

  /// Returns how many passes there were. `between` runs after each and is not timed.
  template <class Pass, class Between = void (*)()>
  std::size_t run(Pass pass, Between between = [] {}) {
    while (state_.KeepRunningBatch(static_cast<benchmark::IterationCount>(operations_))) {
      const auto begin = std::chrono::steady_clock::now();
      pass();
      times_.push_back(std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count());
      between();
    }
    if (times_.empty()) return 0;
    const auto middle = times_.begin() + static_cast<std::ptrdiff_t>(times_.size() / 2);
    std::nth_element(times_.begin(), middle, times_.end());
    state_.counters["ns"] =
        benchmark::Counter(*middle / static_cast<double>(operations_), benchmark::Counter::kAvgThreads);
    return times_.size();
  }

 private:
  benchmark::State& state_;
  std::size_t operations_;
  std::vector<double> times_;
};
