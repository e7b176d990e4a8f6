// What a program needs to count: one include, one library.
#include <fast_telemetry/counter.h>

int main() {
  fast_telemetry::Counter c;
  c.add(3);
  return c.value() == 3 ? 0 : 1;
}
