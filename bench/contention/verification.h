// SPDX-License-Identifier: Apache-2.0
//
// Verification: does the subject hold what was recorded in the measured part, and that only.
#pragma once

#include <algorithm>
#include <vector>

#include "sequences.h"

namespace contention {

struct Verification {
  std::uint64_t expected = 0;
  std::uint64_t found = 0;
  bool is_right = true;  ///< also of each label set by itself
};

namespace detail {

/// How often each label set occurs in the operations of the measured part.
inline std::vector<std::uint64_t> occurrences(const Sequences& sequences, const RunResult& result) {
  std::vector<std::uint64_t> counts(sequences.labels());
  for (std::size_t t = 0; t < result.first.size(); ++t) {
    std::vector<std::uint64_t> in_pass(sequences.labels());
    for (std::size_t i = 0; i < pass; ++i) ++in_pass[sequences.label_of(t, i)];
    for (std::size_t l = 0; l < counts.size(); ++l) counts[l] += result.iters / pass * in_pass[l];
    for (std::uint64_t i = 0; i < result.iters % pass; ++i) ++counts[sequences.label_of(t, result.first[t] + i)];
  }
  return counts;
}

}  // namespace detail

/// What adds up: each operation `per_operation`. Values before and after the measured part.
inline Verification verify_totals(const Sequences& sequences, const RunResult& result, std::uint64_t per_operation,
                                  const std::vector<double>& before, const std::vector<double>& after) {
  std::vector<std::uint64_t> expected = detail::occurrences(sequences, result);
  if (after.size() == 1) expected = {result.operations};  // no labels, or one
  if (after.size() != expected.size() || before.size() != expected.size()) return {.is_right = false};
  Verification verification;
  for (std::size_t l = 0; l < expected.size(); ++l) {
    const std::uint64_t one = expected[l] * per_operation;
    const auto found = static_cast<std::uint64_t>(std::max(after[l] - before[l], 0.0));
    verification.expected += one;
    verification.found += found;
    verification.is_right &= found == one;
  }
  return verification;
}

/// Gauges are set to the number of the operation: each must hold the last of one of the threads. Counts gauges.
inline Verification verify_gauges(const Sequences& sequences, const RunResult& result,
                                  const std::vector<double>& after) {
  std::vector<std::vector<std::uint64_t>> lasts(sequences.labels());
  for (std::size_t t = 0; t < result.first.size(); ++t) {
    std::vector<bool> is_found(sequences.labels());
    const std::uint64_t end = result.first[t] + result.iters;
    for (std::uint64_t n = end; n > end - std::min<std::uint64_t>(result.iters, pass);) {
      const std::size_t label = sequences.label_of(t, --n);
      if (!is_found[label]) lasts[label].push_back(n);
      is_found[label] = true;
    }
  }
  if (after.size() != sequences.labels()) return {.is_right = false};
  Verification verification;
  for (std::size_t l = 0; l < lasts.size(); ++l) {
    if (lasts[l].empty()) continue;
    ++verification.expected;
    verification.found += std::any_of(lasts[l].begin(), lasts[l].end(),
                                      [&](std::uint64_t n) { return static_cast<double>(n) == after[l]; });
  }
  verification.is_right = verification.found == verification.expected;
  return verification;
}

}  // namespace contention
