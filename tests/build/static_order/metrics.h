// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fast_telemetry/counter.h>
#include <fast_telemetry/gauge.h>
#include <fast_telemetry/histogram.h>
#include <fast_telemetry/labeled.h>

#include <atomic>

namespace ft = fast_telemetry;

enum class Side : std::uint8_t { left, right };
constexpr ft::Label label(Side side) { return ft::from_enumerator("side", side); }

extern ft::Counter counter;
extern ft::Gauge<std::int64_t> gauge;
extern ft::Histogram histogram;
extern ft::Labeled<ft::Counter, Side> labeled;

/// Set by main when it leaves a recording thread behind.
extern std::atomic<bool> background_runs;

void record_in_exit_handler();
