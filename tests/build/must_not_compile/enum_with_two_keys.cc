// expect: one key
#include <fast_telemetry/counter.h>
#include <fast_telemetry/labeled.h>

enum class E : std::uint8_t { a, b };
constexpr fast_telemetry::Label label(E e) {
  switch (e) {
    case E::a: return {"e", "a"};
    case E::b: return {"f", "b"};
  }
  return {};
}
using M = fast_telemetry::Labeled<fast_telemetry::Counter, E>;
void f(M& m) { m.with(E::a).add(); }
