// SPDX-License-Identifier: Apache-2.0
//
// Records from where no constructor has run yet, and from where all destructors have.
#include <fast_telemetry/storage_info.h>
#include <unistd.h>

#include <cstdio>

#include "metrics.h"

namespace {

void record_all() {
  counter.add();
  gauge.set(1);
  histogram.record(1);
  labeled.with(Side::right).add();
}

/// One for each metric: the histogram's record is one drop, its bucket and sum are never reached.
constexpr std::uint64_t drops_per_round = 4;

void expect_drops(std::uint64_t rounds, const char* when) {
  const std::uint64_t dropped = ft::storage_info().dropped_no_metric;
  if (dropped == rounds * drops_per_round) return;
  std::printf("%s: %llu records dropped, expected %llu\n", when, static_cast<unsigned long long>(dropped),
              static_cast<unsigned long long>(rounds * drops_per_round));
  std::fflush(stdout);
  _exit(1);
}

// 101: before every constructor without a priority; as a destructor, after all of them.
[[gnu::constructor(101)]] void before_constructors() {
  record_all();
  expect_drops(1, "before the constructors");
}

[[gnu::destructor(101)]] void after_destructors() {
  record_all();
  // The thread that main left behind drops as well, as many as it gets to.
  if (!background_runs) expect_drops(2, "after the destructors");
  _exit(0);  // what main returned is replaced by this verdict
}

}  // namespace

std::atomic<bool> background_runs{false};

void record_in_exit_handler() {
  // Registered by main, so it runs before the metrics' destructors: these count.
  const std::uint64_t before = counter.value();
  record_all();
  if (counter.value() < before + 1) {
    std::puts("an exit handler's record was lost");
    std::fflush(stdout);
    _exit(1);
  }
}
