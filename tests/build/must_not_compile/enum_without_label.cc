// expect: in the enum's own namespace
#include <fast_telemetry/counter.h>
#include <fast_telemetry/labeled.h>

enum class E : std::uint8_t { a, b };
using M = fast_telemetry::Labeled<fast_telemetry::Counter, E>;
void f(M& m) { m.with(E::a).add(); }
