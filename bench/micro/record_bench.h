// SPDX-License-Identifier: Apache-2.0
//
// The benchmarks of record_bench.cc, as one call: they run from a program and from inside a shared object.
#pragma once

/// Runs what the command line selects. Returns the process's exit status.
[[gnu::visibility("default")]] int run_record_benchmarks(int argc, char** argv);
