// SPDX-License-Identifier: Apache-2.0
#include "record_bench.h"

int main(int argc, char** argv) { return run_record_benchmarks(argc, argv); }
