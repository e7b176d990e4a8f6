// SPDX-License-Identifier: Apache-2.0
#include <fast_telemetry/registry.h>

#include <cstdio>

#include "recording.h"

// Referenced by address from nowhere that is reached, so that it exists as a section of its own.
void unreached(ft::Counter& counter) { never_called(counter); }

int main() {
  ft::Registry registry;
  Subjects subjects{registry};
  ft::detail::Registration extremum{nullptr, nullptr, ft::Counter::declare()};
  for (std::uint64_t i = 1; i <= 100; ++i) {
    record_everything(subjects, extremum.site, i);
    record_in_other_unit(subjects, extremum.site, i);
  }
  const bool right = subjects.counter.value() == 2 * 5050 && subjects.histogram.count() == 200 &&
                     subjects.floats.sum() == 2 * 5050 && subjects.labeled.total() == 200 &&
                     // One CPU's copy holds 100; if the thread moved, another may too.
                     ft::detail::read_integer(extremum.site, 0) % 100 <= 99 &&
                     ft::detail::read_integer(extremum.site, 0) >= 100;
  if (!right) std::puts("wrong totals");
  return right ? 0 : 1;
}
