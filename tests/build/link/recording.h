// SPDX-License-Identifier: Apache-2.0
//
// Inline recording code that two translation units share, in every flavour of the write.
#pragma once

#include <fast_telemetry/counter.h>
#include <fast_telemetry/histogram.h>
#include <fast_telemetry/labeled.h>

namespace ft = fast_telemetry;

enum class Side : std::uint8_t { left, right };
constexpr ft::Label label(Side side) { return ft::from_enumerator("side", side); }

struct Subjects {
  explicit Subjects(const ft::Scope& scope) : labeled{scope, {.name = "labeled"}} {}
  ft::Counter counter;
  ft::Histogram histogram{ft::buckets::latency};
  ft::FloatHistogram floats{{0.5, 1.5}};
  ft::Labeled<ft::Counter, Side> labeled;
};

inline void record_everything(Subjects& subjects, ft::detail::Site& greatest, std::uint64_t value) {
  subjects.counter.add(value);
  subjects.histogram.record(value);
  subjects.floats.record(static_cast<double>(value));
  subjects.labeled.with(value % 2 == 0 ? Side::left : Side::right).add();
  ft::detail::keep_greater(greatest, 0, value);
}

/// In no unit's use: --gc-sections must take it, its descriptors and its abort code away.
inline void never_called(ft::Counter& counter) { counter.add(7); }

void record_in_other_unit(Subjects& subjects, ft::detail::Site& greatest, std::uint64_t value);
