// Exports to where OpenTelemetry's environment variables say, and what is left at the end.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/runtime/environment.h>
#include <fast_telemetry/runtime/telemetry.h>

#include <cstdio>

namespace ft = fast_telemetry;

int main() {
  ft::Counter lines{ft::default_registry(), {.name = "lines", .help = "Lines read."}};
  ft::Telemetry telemetry{ft::options_from_environment().telemetry};
  if (const std::error_code error = telemetry.start()) std::fprintf(stderr, "%s\n", error.message().c_str());
  for (int c; (c = std::getchar()) != EOF;) {
    if (c == '\n') lines.add();
  }
}
