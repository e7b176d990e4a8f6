// expect: no matching function|cannot convert|no viable|could not convert|no known conversion
#include <fast_telemetry/histogram.h>

#include <chrono>
void f(fast_telemetry::FloatHistogram& h) { h.record(std::chrono::seconds{1}); }
