// expect: narrowing|cannot be narrowed
#include <fast_telemetry/histogram.h>

fast_telemetry::Histogram h{{-1, 5}};
