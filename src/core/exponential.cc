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

/// What is behind the point of 2^(j / 64), j = 0 … 64, in 52 bits, rounded down. Written out: an emulator's long double
/// may have no more bits than a double (Valgrind), and all processes must count into the same buckets.
// clang-format off
constexpr std::array<std::uint64_t, (1U << highest_scale) + 1> mantissas{
    0x0, 0x2c9a3e778060, 0x59b0d3158574, 0x874518759bc8, 0xb5586cf9890f, 0xe3ec32d3d1a2,
    0x11301d0125b50, 0x1429aaea92ddf, 0x172b83c7d517a, 0x1a35beb6fcb75, 0x1d4873168b9aa, 0x2063b88628cd6,
    0x2387a6e756238, 0x26b4565e27cdd, 0x29e9df51fdee1, 0x2d285a6e4030b, 0x306fe0a31b715, 0x33c08b26416ff,
    0x371a7373aa9ca, 0x3a7db34e59ff6, 0x3dea64c123422, 0x4160a21f72e29, 0x44e086061892d, 0x486a2b5c13cd0,
    0x4bfdad5362a27, 0x4f9b2769d2ca6, 0x5342b569d4f81, 0x56f4736b527da, 0x5ab07dd485429, 0x5e76f15ad2148,
    0x6247eb03a5584, 0x6623882552224, 0x6a09e667f3bcc, 0x6dfb23c651a2e, 0x71f75e8ec5f73, 0x75feb564267c8,
    0x7a11473eb0186, 0x7e2f336cf4e62, 0x82589994cce12, 0x868d99b4492ec, 0x8ace5422aa0db, 0x8f1ae99157736,
    0x93737b0cdc5e4, 0x97d829fde4e4f, 0x9c49182a3f090, 0xa0c667b5de564, 0xa5503b23e255c, 0xa9e6b5579fdbf,
    0xae89f995ad3ad, 0xb33a2b84f15fa, 0xb7f76f2fb5e46, 0xbcc1e904bc1d2, 0xc199bdd85529c, 0xc67f12e57d14b,
    0xcb720dcef9069, 0xd072d4a07897b, 0xd5818dcfba487, 0xda9e603db3285, 0xdfc97337b9b5e, 0xe502ee78b3ff6,
    0xea4afa2a490d9, 0xefa1bee615a27, 0xf50765b6e4540, 0xfa7c1819e90d8, 0x10000000000000};
// clang-format on

Octave octave(unsigned scale) {
  Octave octave;
  const unsigned count = 1U << scale;
  for (unsigned j = 0; j <= count; ++j) octave.bounds[j] = mantissas[std::size_t{j} << (highest_scale - scale)];
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
