// What a program's tests need: one include, one library, no framework.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/testing/delta_probe.h>

#include <stdexcept>

namespace ft = fast_telemetry;

int main() {
  ft::Registry registry;
  ft::Counter counter{registry, {.name = "c"}};
  ft::DeltaProbe probe{registry};
  counter.add(3);
  if (probe.counter("c") != 3 || probe.describe() != "c 3\n") return 1;
  try {
    return probe.gauge("c") == 0 ? 2 : 3;
  } catch (const std::out_of_range&) {
    return 0;
  }
}
