// SPDX-License-Identifier: Apache-2.0
//
// measure(): one run of one combination, and its line.
#pragma once

#include "run.h"
#include "workload.h"

namespace contention {

struct MeasureOptions {
  RunOptions run;
  std::string profile = "uniform";  ///< or hotspot, churn
  std::size_t labels = 16;          ///< 1 … 256
};

/// Prints a line of JSON. False: the subject does not hold what was recorded.
bool measure(const Combination& what, const MeasureOptions& options);

}  // namespace contention
