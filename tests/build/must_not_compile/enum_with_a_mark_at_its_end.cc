// expect: a constant outside of the enum
#include <fast_telemetry/counter.h>
#include <fast_telemetry/labeled.h>

enum class E : std::uint8_t { get, set, unknown = 255 };
constexpr fast_telemetry::Label label(E e) { return fast_telemetry::from_enumerator("e", e); }
using M = fast_telemetry::Labeled<fast_telemetry::Counter, E>;
void f(M& m) { m.with(E::get).add(); }
