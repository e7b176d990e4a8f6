// SPDX-License-Identifier: Apache-2.0
//
// A preloaded object that records: in its constructor, before any constructor of the program has run, in threads, and
// in an exit handler, which reads as well. Its core is the program's where the program exports one, and its own
// otherwise.
#include <fast_telemetry/counter.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tests/support/calls.h"

/// What a reader of the object's registry sees of the object's counter.
extern "C" __attribute__((visibility("default"))) std::uint64_t preloaded_calls() {
  ft::Reader reader{ft::default_registry()};
  return calls_seen(reader);
}

namespace {

ft::Scope scope{ft::default_registry(), "plugin"};
ft::Counter calls{scope, {.name = "calls"}};

void record() {
  for (int i = 0; i < 1000; ++i) calls.add();
}

void record_and_read_at_exit() {
  record();
  const std::uint64_t seen = preloaded_calls();
  if (seen == 4 * 1000) return;
  std::printf("the exit handler saw %llu calls\n", static_cast<unsigned long long>(seen));
  std::fflush(stdout);
  _exit(1);
}

struct AtLoad {
  AtLoad() {
    record();
    std::thread one{record};
    std::thread other{record};
    one.join();
    other.join();
    // After the counter's construction, so before its destructor.
    std::atexit(record_and_read_at_exit);
  }
} at_load;

}  // namespace
