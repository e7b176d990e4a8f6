// SPDX-License-Identifier: Apache-2.0
//
// The loop over the input that every record benchmark shares, floors included.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>
#include <utility>

#include "input.h"
#include "passes.h"

namespace workload {

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
