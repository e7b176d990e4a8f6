// expect: no label to an enumerator after the last
#include <fast_telemetry/counter.h>
#include <fast_telemetry/labeled.h>

enum class E : std::uint8_t { get, set, del };
constexpr fast_telemetry::Label label(E e) {
  switch (e) {
    case E::get: return {"e", "get"};
    case E::set: return {"e", "set"};
    default: return {};
  }
}
using M = fast_telemetry::Labeled<fast_telemetry::Counter, E>;
void f(M& m) { m.with(E::get).add(); }
