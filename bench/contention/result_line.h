// SPDX-License-Identifier: Apache-2.0
//
// What the programs of this folder report of a run.
#pragma once

#include "json_line.h"
#include "run.h"

namespace contention {

void add_run_result(JsonLine& line, const RunOptions& options, const RunResult& result);

#ifdef __clang__
inline constexpr const char* compiler = __VERSION__;  // "Debian Clang 14.0.6"
#else
inline constexpr const char* compiler = "GCC " __VERSION__;
#endif

}  // namespace contention
