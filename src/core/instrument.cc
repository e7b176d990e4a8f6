// SPDX-License-Identifier: Apache-2.0
#include "instrument.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

double reported_sum(double sum) noexcept {
  constexpr double largest = std::numeric_limits<double>::max();
  return std::isnan(sum) ? 0 : std::clamp(sum, -largest, largest);
}

void accumulate(const Instrument& instrument, std::uint64_t* values, const std::uint64_t* more) noexcept {
  const std::size_t width = instrument.width;
  for (std::size_t i = 0; i < instrument.run_cells(); ++i) {
    const std::size_t cell = i % width;
    if (cell >= instrument.extrema_begin) continue;  // not a sum
    if (cell == instrument.sum_cell) {
      values[i] = std::bit_cast<std::uint64_t>(std::bit_cast<double>(values[i]) + std::bit_cast<double>(more[i]));
    } else {
      values[i] += more[i];
    }
  }
}

void read_run(const Instrument& instrument, const std::uint64_t* run, std::uint64_t* values) noexcept {
  instrument.arena().last_sum(run, instrument.run_cells(), values);
  if (!instrument.has_double_sum()) return;
  for (std::size_t i = instrument.sum_cell; i < instrument.run_cells(); i += instrument.width) {
    values[i] = std::bit_cast<std::uint64_t>(instrument.arena().sum_double(run + i));
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
