// expect: constraint
#include <fast_telemetry/gauge.h>

fast_telemetry::Gauge<int> gauge;
