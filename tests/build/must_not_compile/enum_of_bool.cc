// expect: an enum of bool cannot be a label enum
#include <fast_telemetry/counter.h>
#include <fast_telemetry/labeled.h>

enum class Hit : bool { no, yes };
constexpr fast_telemetry::Label label(Hit hit) { return {"hit", hit == Hit::yes ? "yes" : "no"}; }
using M = fast_telemetry::Labeled<fast_telemetry::Counter, Hit>;
void f(M& m) { m.with(Hit::no).add(); }
