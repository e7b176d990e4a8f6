// SPDX-License-Identifier: Apache-2.0
//
// Passes: the measured loop of every benchmark here, and the probe that tells which passes had their core to
// themselves.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

/// Runs passes as long as the harness says and reports the median time of one operation, as the counter `ns`.
///
/// The harness's own figure is a mean over everything, other programs and neighbours included. A neighbour on the
/// core's other hardware thread, possibly another guest of the same host, is the worst of them: nothing inside a
/// virtual machine shows it, it slows everything that keeps the core busy, and it does not slow the floor, a chain of
/// dependent adds. So between passes a probe runs: independent adds beside dependent ones. With BENCH_PROBE_LIMIT in
/// the environment, passes with more than that before or after them do not enter the median. tools/bench.py sets it to
/// what the machine can do.
///
/// Counters: `ns`, `probe` (the tenth part was less), `passes`, `quiet` (passes that counted; all, when fewer than
/// three did).
class Passes {
 public:
  /// `operations`: how many one pass does.
  Passes(benchmark::State& state, std::size_t operations) : state_{state}, operations_{operations} {
    const char* const limit = std::getenv("BENCH_PROBE_LIMIT");
    if (limit != nullptr) probe_limit_ = std::atof(limit);
    samples_.reserve(most_samples);
  }

  /// Returns how many passes there were.
  template <class Pass>
  std::size_t run(Pass pass) {
    std::size_t passes = 0;
    double before = probe();
    while (state_.KeepRunningBatch(static_cast<benchmark::IterationCount>(operations_))) {
      const double time_ns = nanoseconds(pass);
      const double after = probe();
      if (samples_.size() < most_samples) samples_.push_back({time_ns, before, after});
      before = after;
      ++passes;
    }
    report();
    return passes;
  }

 private:
  struct Sample {
    double time_ns;
    double probe_before;
    double probe_after;
  };
  static constexpr std::size_t most_samples = 20'000;  // half a second of the shortest passes

  template <class Work>
  static double nanoseconds(Work work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
  }

  /// The time of four independent adds beside that of one in a chain: little more than 1 on a core of one's own. Two
  /// microseconds: long beside the clock, short beside a pass.
  static double probe() {
    constexpr int steps = 4'000;
    // The empty assembly keeps the additions apart and in registers.
    const double chain = nanoseconds([] {
      std::uint64_t a = 0;
      for (int i = 0; i < steps; i += 4) {
        for (int k = 0; k < 4; ++k) {
          a += 1;
          asm volatile("" : "+r"(a));
        }
      }
    });
    const double independent = nanoseconds([] {
      std::uint64_t a = 0;
      std::uint64_t b = 0;
      std::uint64_t c = 0;
      std::uint64_t d = 0;
      for (int i = 0; i < steps; ++i) {
        a += 1;
        b += 1;
        c += 1;
        d += 1;
        asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
      }
    });
    return independent / chain;
  }

  void report() {
    if (samples_.empty()) return;
    std::vector<double> probes;
    std::vector<double> all;
    std::vector<double> quiet;
    for (const Sample& sample : samples_) {
      probes.push_back(sample.probe_after);
      all.push_back(sample.time_ns);
      if (is_quiet(sample.probe_before) && is_quiet(sample.probe_after)) quiet.push_back(sample.time_ns);
    }
    const double counted = quiet.size() < 3 ? 0 : static_cast<double>(quiet.size());
    set("ns", quantile(counted == 0 ? all : quiet, 0.5) / static_cast<double>(operations_));
    set("probe", quantile(probes, 0.1));
    set("passes", static_cast<double>(all.size()));
    set("quiet", counted);
  }

  /// Less than 0.9: the chain was preempted.
  [[nodiscard]] bool is_quiet(double probe) const { return probe >= 0.9 && probe <= probe_limit_; }

  static double quantile(std::vector<double>& values, double q) {
    const auto place = static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + place, values.end());
    return values[static_cast<std::size_t>(place)];
  }

  void set(const char* name, double value) {
    state_.counters[name] = benchmark::Counter(value, benchmark::Counter::kAvgThreads);
  }

  benchmark::State& state_;
  std::size_t operations_;
  double probe_limit_ = 1e9;
  std::vector<Sample> samples_;
};
