// expect: throw_bad_name
#include <fast_telemetry/counter.h>

void f(const fast_telemetry::Scope& scope) { fast_telemetry::Counter counter{scope, {.name = "9lives"}}; }
