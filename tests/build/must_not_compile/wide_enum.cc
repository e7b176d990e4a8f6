// expect: 8-bit underlying type
#include <fast_telemetry/counter.h>
#include <fast_telemetry/labeled.h>

enum class E { a, b };
constexpr fast_telemetry::Label label(E) { return {"e", "a"}; }
using M = fast_telemetry::Labeled<fast_telemetry::Counter, E>;
void f(M& m) { m.with(E::a).add(); }
