// expect: pure
#include <fast_telemetry/visitor.h>

class Half final : public fast_telemetry::Visitor {
 public:
  void begin(const fast_telemetry::Collection&) override {}
  void family(const fast_telemetry::Family&) override {}
  void end() override {}
};
Half half;
