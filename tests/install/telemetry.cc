// What a program needs to have its metrics exported.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/runtime/telemetry.h>

namespace ft = fast_telemetry;

int main() {
  ft::Counter counter{ft::default_registry(), {.name = "c"}};
  ft::Telemetry telemetry;
  if (telemetry.start()) return 1;
  counter.add(3);
  return telemetry.shutdown(std::chrono::seconds{10}).is_complete() ? 0 : 2;
}
