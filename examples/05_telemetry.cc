// Exports to where OpenTelemetry's environment variables say, and what is left at the end.
#include <fast_telemetry/counter.h>
#include <fast_telemetry/diagnostics.h>
#include <fast_telemetry/runtime/environment.h>
#include <fast_telemetry/runtime/telemetry.h>

#include <iostream>

namespace ft = fast_telemetry;

void say(const ft::Diagnostic& what, void*) noexcept { std::cerr << what.component << ": " << what.message << '\n'; }

int main() {
  ft::set_diagnostics(say);  // the library says nothing otherwise, not even that nobody listens
  ft::Counter lines{ft::default_registry(), {.name = "lines", .help = "Lines read."}};
  ft::Telemetry telemetry{ft::options_from_environment().telemetry};
  if (const std::error_code error = telemetry.start()) std::cerr << error.message() << '\n';
  for (char c; std::cin.get(c);) {
    if (c == '\n') lines.add();
  }
}
