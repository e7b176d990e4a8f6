// SPDX-License-Identifier: Apache-2.0
//
// What is recorded, and the loop that every record benchmark shares, floors included.
#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>

#include "passes.h"

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

/// A lambda over the index of a record, inlined wherever it is called: whether a compiler would do that to a lambda
/// called eight times says nothing about the one call that a program contains.
#define WORKLOAD_RECORD [&]([[maybe_unused]] std::size_t i) __attribute__((always_inline))

/// Calls `record(i)` for every i of the input, over and over, as long as the harness says; returns how many passes.
///
/// Unrolled eightfold by hand, so that the loop around a plain increment does not cost more than the increment, and
/// both compilers do the same.
template <class Record>
std::size_t run(benchmark::State& state, Record record) {
  const auto eight = [&record]<std::size_t... k>(std::size_t i, std::index_sequence<k...>)
                         __attribute__((always_inline)) { (record(i + k), ...); };
  return Passes{state, records}.run([&] {
    for (std::size_t i = 0; i < records; i += 8) eight(i, std::make_index_sequence<8>{});
  });
}

/// A benchmark that counted something else than it recorded fails.
///
/// Call on every thread, after run(): the harness lets no thread leave its loop before all have finished theirs.
template <class Value>
void check(benchmark::State& state, Value found, Value expected) {
  if (state.thread_index() != 0 || found == expected) return;
  const auto message = "recorded " + std::to_string(expected) + ", found " + std::to_string(found);
  state.SkipWithError(message.c_str());
}

}  // namespace workload
