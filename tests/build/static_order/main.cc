// SPDX-License-Identifier: Apache-2.0
//
// Static metrics, recorded before their constructors, after their destructors, in exit handlers, in thread-local
// destructors and by a thread that main leaves behind. None may crash, each that cannot count is a counted drop.
//
// Mutation: without the stores in `unpublish` (registration.cc) the last round writes into cells that were given back
// and no drop is counted.
#include <fast_telemetry/registry.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "metrics.h"

ft::Counter counter{ft::default_registry(), {.name = "counter"}};
ft::Gauge<std::int64_t> gauge{ft::default_registry(), {.name = "gauge"}};
ft::Histogram histogram{ft::default_registry(), {.name = "histogram"}, {1, 2}};
ft::Labeled<ft::Counter, Side> labeled{ft::default_registry(), {.name = "labeled"}};

namespace {

/// Records when its thread ends, after everything else of the thread.
struct AtThreadExit {
  ~AtThreadExit() { counter.add(100); }
};

}  // namespace

int main(int argc, char**) {
  std::atexit(record_in_exit_handler);
  std::thread{[] {
    thread_local AtThreadExit at_exit;
    static_cast<void>(at_exit);
  }}.join();
  if (counter.value() != 100) {
    std::puts("a thread-local destructor's record was lost");
    std::fflush(stdout);
    std::_Exit(1);
  }
  if (argc > 1) {
    // Runs on through exit, over live and dead metrics. It must not crash.
    std::thread{[] {
      for (;;) {
        counter.add();
        gauge.set(2);
        histogram.record(2);
        labeled.with(Side::left).add();
        background_runs = true;
      }
    }}.detach();
    while (!background_runs) std::this_thread::yield();
  }
}
