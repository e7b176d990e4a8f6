// expect: deleted
#include <fast_telemetry/counter.h>

fast_telemetry::Counter a;
fast_telemetry::Counter b{a};
