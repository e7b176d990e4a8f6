// SPDX-License-Identifier: Apache-2.0
//
// The two ways in which spans are measured.
#pragma once

#include "run.h"
#include "span_subject.h"

namespace contention {

struct SpanResult {
  RunResult run;
  std::uint64_t begun = 0;
  SpanTotals totals;
  std::uint64_t delivered = 0;
  unsigned tries = 1;        ///< of a search
  bool is_accounted = true;  ///< every span that was begun was recorded, and each of those dropped or delivered

  /// Of the exporter while writers recorded: what was then still on its way does not count.
  double delivered_per_s = 0;
};

/// Writers record as fast as they can, but begin nothing that the buffers might have no room for.
SpanResult run_burst(const SpanSubjectKind& kind, Scenario scenario, const RunOptions& options);

/// Searches the highest rate at which nothing is dropped: writers record at a rate, a millisecond's share at a time.
/// Each try fills the buffers several times over and takes `options.seconds` at least, unless `options.iters` says how
/// long it is. Returns the best that dropped nothing; all must be accounted for. Throws std::runtime_error if spans are
/// dropped at every rate.
SpanResult search_sustained(const SpanSubjectKind& kind, Scenario scenario, const RunOptions& options);

}  // namespace contention
