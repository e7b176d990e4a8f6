#include <fast_telemetry/counter.h>
#include <fast_telemetry/export/exposer.h>
#include <fast_telemetry/registry.h>

#include <cstdio>

namespace ft = fast_telemetry;

int main() {
  ft::Counter lines{ft::default_registry(), {.name = "lines", .help = "Lines read."}};
  ft::Exposer exposer{ft::default_registry()};  // http://127.0.0.1:9464/metrics
  if (const std::error_code error = exposer.start()) return std::puts(error.message().c_str()), 1;
  for (int c; (c = std::getchar()) != EOF;) {
    if (c == '\n') lines.add();
  }
}
