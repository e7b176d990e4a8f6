// SPDX-License-Identifier: Apache-2.0
//
// What is recorded: the same values and labels in every benchmark.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>

namespace workload {

/// Records per pass over the input; the harness's own loop is paid once per pass. So many, because a processor learns
/// the branches of 4 096 records by heart: a search with branches then looked three times as fast as it is on new
/// values.
inline constexpr std::size_t records = 65536;

inline constexpr std::size_t commands = 16;
inline constexpr std::size_t outcomes = 4;

/// Drawn once, the same for every benchmark. Nothing in it repeats within a pass.
struct Input {
  /// Log-uniform over 1 µs … 30 s in nanoseconds: below the first bound of `buckets::latency`, in each of its buckets,
  /// and above the last. The next bucket is as hard to guess as it gets.
  std::array<std::uint64_t, records> values;
  std::array<double, records> seconds;  ///< the same values
  std::array<std::uint8_t, records> command;
  std::array<std::uint8_t, records> outcome;
  std::uint64_t sum_of_values = 0;

  Input() {
    std::mt19937_64 random{20260901};  // arbitrary, fixed: every run records the same
    std::uniform_real_distribution<double> logarithm{std::log(1e3), std::log(3e10)};
    for (std::size_t i = 0; i < records; ++i) {
      values[i] = static_cast<std::uint64_t>(std::exp(logarithm(random)));
      seconds[i] = static_cast<double>(values[i]) / 1e9;
      command[i] = static_cast<std::uint8_t>(random() % commands);
      outcome[i] = static_cast<std::uint8_t>(random() % outcomes);
      sum_of_values += values[i];
    }
  }
};

inline const Input input;

}  // namespace workload
