// SPDX-License-Identifier: Apache-2.0
//
// Whether a measurement had its core to itself.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <thread>

/// Reports, as the counter `probe`, what independent adds cost beside a chain of dependent ones, before and after the
/// measurement (the greater of both).
///
/// A chain never gets slower when a neighbour uses the same core's execution units; independent adds do, and so does
/// all that is measured here but its floor. Such a neighbour can be another guest of the same host, on the core's other
/// hardware thread: nothing else inside a virtual machine shows it. tools/bench.py sets such runs aside.
class CoreProbe {
 public:
  explicit CoreProbe(benchmark::State& state) : state_{state} {
    const char* const limit = std::getenv("BENCH_PROBE_LIMIT");
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{1};
    while (limit != nullptr && before_ > std::atof(limit) && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
      before_ = ratio();
    }
  }
  ~CoreProbe() {
    state_.counters["probe"] = benchmark::Counter(std::max(before_, ratio()), benchmark::Counter::kAvgThreads);
  }
  CoreProbe(const CoreProbe&) = delete;
  CoreProbe& operator=(const CoreProbe&) = delete;

 private:
  static constexpr int rounds = 9;
  static constexpr int adds = 16'000;  // 4 µs: short enough to fit between two timer ticks, long beside the clock

  static double ratio() {
    std::array<double, rounds> ratios;
    for (double& ratio : ratios) {
      const double chained = seconds(chain);
      ratio = seconds(wide) / chained;
    }
    // The median: being preempted in one of the rounds says nothing about the core.
    std::nth_element(ratios.begin(), ratios.begin() + rounds / 2, ratios.end());
    return ratios[rounds / 2];
  }

  static double seconds(void (*loop)()) {
    const auto begin = std::chrono::steady_clock::now();
    loop();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  // The empty assembly keeps the additions apart and in registers.
  static void chain() {
    std::uint64_t a = 0;
    for (int i = 0; i < adds; i += 4) {
      for (int k = 0; k < 4; ++k) {
        a += 1;
        asm volatile("" : "+r"(a));
      }
    }
  }

  static void wide() {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::uint64_t c = 0;
    std::uint64_t d = 0;
    for (int i = 0; i < adds; ++i) {
      a += 1;
      b += 1;
      c += 1;
      d += 1;
      asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
    }
  }

  benchmark::State& state_;
  double before_ = ratio();
};
