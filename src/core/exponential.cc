// SPDX-License-Identifier: Apache-2.0
//
// Tables of exponential buckets: ranges validated, bounds computed, kept once per distinct set.
#include <array>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "fast_telemetry/distribution.h"
#include "process.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// The bounds within one octave. Sized for the highest scale.
struct Octave {
  std::array<std::uint64_t, (std::size_t{1} << highest_scale) + 1> bounds{};
  std::array<std::uint8_t, std::size_t{2} << highest_scale> first{};
};

constexpr std::uint64_t implied_bit = std::uint64_t{1} << 52;

Octave octave(unsigned scale) {
  Octave octave;
  const unsigned count = 1U << scale;
  for (unsigned j = 0; j <= count; ++j) {
    // 2^(j / 64) times 2^52 is never closer to a whole number than 0.0079, and a long double of 64 bits is off by 0.001
    // at most: rounding down gives the right one.
    const long double bound = std::exp2(static_cast<long double>(j) / count) * static_cast<long double>(implied_bit);
    octave.bounds[j] = static_cast<std::uint64_t>(bound) - implied_bit;
  }
  const unsigned cells = count * 2;
  for (unsigned cell = 0; cell < cells; ++cell) {
    const std::uint64_t begin = cell * (implied_bit / cells);
    while (octave.first[cell] < count && octave.bounds[octave.first[cell]] < begin) ++octave.first[cell];
  }
  return octave;
}

const Octave& octave_of(unsigned scale) {
  static const auto& octaves = *new const auto([] {
    std::array<Octave, highest_scale + 1> all;
    for (unsigned s = 0; s <= highest_scale; ++s) all[s] = octave(s);
    return all;
  }());
  return octaves[scale];
}

/// Never freed, as bucket tables are. Guarded by Process::mutex.
std::vector<std::unique_ptr<ExponentialTable>>& exponential_tables() {
  static auto& immortal = *new std::vector<std::unique_ptr<ExponentialTable>>;
  return immortal;
}

/// `lowest` and `highest` are in the exported unit; positive, normal, finite, in order.
const ExponentialTable* intern(double lowest, double highest, double divisor, const DistributionOptions& options) {
  const Octave& within = octave_of(options.scale);
  ExponentialTable table{within.bounds.data(), within.first.data(), options.scale, 0, 0, options.extrema, divisor,
                         1 / divisor};
  table.lowest = exponential_index(table, lowest);
  table.count = static_cast<std::uint32_t>(exponential_index(table, highest) - table.lowest + 1);
  if (distribution_cells(table) > max_run_cells) {
    throw std::length_error{"a distribution of " + std::to_string(table.count) + " buckets does not fit one run of " +
                            std::to_string(max_run_cells) + " cells"};
  }
  const auto key = [](const ExponentialTable& t) {
    return std::tuple{t.scale, t.lowest, t.count, t.extrema, t.divisor};
  };
  const auto lock = lock_process();
  for (const auto& known : exponential_tables()) {
    if (key(*known) == key(table)) return known.get();
  }
  return exponential_tables().emplace_back(std::make_unique<ExponentialTable>(table)).get();
}

void check_scale(const DistributionOptions& options) {
  if (options.scale <= highest_scale) return;
  throw std::invalid_argument{"a distribution's scale is 0 to 6, not " + std::to_string(options.scale)};
}

}  // namespace

double lower_bound(const ExponentialTable& table) noexcept {
  return std::exp2(static_cast<double>(table.lowest) / static_cast<double>(1U << table.scale));
}

template <class Value>
std::uint64_t DistributionPoint<Value>::count() const noexcept {
  std::uint64_t count = 0;
  if (table_ == nullptr) return count;
  for (std::size_t i = 0; i < table_->sum_cell(); ++i)
    count += read_integer(*site_, offset_ + i * sizeof(std::uint64_t));
  return count;
}

template <class Value>
double DistributionPoint<Value>::sum() const noexcept {
  if (table_ == nullptr) return 0;
  const std::size_t cell = offset_ + table_->sum_cell() * sizeof(std::uint64_t);
  if constexpr (__is_same(Value, double)) {
    return read_double(*site_, cell);
  } else {
    return static_cast<double>(read_integer(*site_, cell)) / table_->divisor;
  }
}

template class DistributionPoint<std::uint64_t>;
template class DistributionPoint<double>;

}  // namespace detail

detail::Declaration Distribution::declare(Range range, DistributionOptions options) {
  detail::check_scale(options);
  if (range.lowest() == 0 || range.lowest() >= range.highest()) {
    throw std::invalid_argument{"a distribution's range begins above 0 and ends above its beginning, unlike " +
                                std::to_string(range.lowest()) + " to " + std::to_string(range.highest()) +
                                (range.is_time() ? " ns" : "")};
  }
  const double divisor = range.is_time() ? 1e9 : 1.0;
  const auto exported = [divisor](std::uint64_t value) { return detail::rounded_to_odd(value) * (1 / divisor); };
  return {.cells = detail::Cells::distribution,
          .exponential = detail::intern(exported(range.lowest()), exported(range.highest()), divisor, options)};
}

detail::Declaration FloatDistribution::declare(FloatRange range, DistributionOptions options) {
  detail::check_scale(options);
  if (!std::isnormal(range.lowest) || !std::isfinite(range.highest) || !(range.lowest > 0) ||
      !(range.lowest < range.highest)) {
    throw std::invalid_argument{
        "a distribution's range begins above 0 (at a normal double) and ends, finite, above its "
        "beginning, unlike " +
        std::to_string(range.lowest) + " to " + std::to_string(range.highest)};
  }
  return {.cells = detail::Cells::float_distribution,
          .exponential = detail::intern(range.lowest, range.highest, 1.0, options)};
}

FAST_TELEMETRY_END_NAMESPACE
