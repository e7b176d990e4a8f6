// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/distribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "fast_telemetry/labeled.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/support/sanitized.h"

namespace distribution_test {

namespace ft = fast_telemetry;
using ft::detail::exponential_index;
using ft::detail::ExponentialTable;
using ft::detail::rounded_to_odd;
using namespace std::chrono_literals;
using testing::ElementsAre;

enum class Kind : std::uint8_t { read, write };
constexpr ft::Label label(Kind kind) { return ft::from_enumerator("kind", kind); }

const ExponentialTable& table(unsigned scale) {
  return *ft::FloatDistribution::declare({1, 2}, {.scale = scale}).exponential;
}

/// The bucket as OTLP defines it: the greatest i with base^i < value. Another way than the library's: a logarithm of
/// the whole value, then bounds that are compared as numbers.
std::int32_t reference_index(double value, unsigned scale) {
  const auto buckets = static_cast<long double>(1U << scale);
  const auto wide = static_cast<long double>(value);
  auto index = static_cast<std::int32_t>(std::floor(std::log2(wide) * buckets)) + 1;
  while (std::exp2(static_cast<long double>(index) / buckets) >= wide) --index;
  while (std::exp2(static_cast<long double>(index + 1) / buckets) < wide) ++index;
  return index;
}

/// A whole number of any size: digits of 32 bits, the least first.
using Whole = std::vector<std::uint32_t>;

Whole square(const Whole& n) {
  Whole result(2 * n.size());
  for (std::size_t i = 0; i < n.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < n.size(); ++j) {
      const std::uint64_t sum = std::uint64_t{n[i]} * n[j] + result[i + j] + carry;
      result[i + j] = static_cast<std::uint32_t>(sum);
      carry = sum >> 32;
    }
    result[i + n.size()] = static_cast<std::uint32_t>(carry);
  }
  return result;
}

std::size_t bit_length(const Whole& n) {
  std::size_t digits = n.size();
  while (digits > 0 && n[digits - 1] == 0) --digits;
  return digits == 0 ? 0 : digits * 32 - static_cast<std::size_t>(std::countl_zero(n[digits - 1]));
}

/// Whether mantissa / 2^52 <= 2^(j / 2^scale), in whole numbers: mantissa^(2^scale) <= 2^(j + 52 * 2^scale).
bool is_at_most(std::uint64_t mantissa, unsigned j, unsigned scale) {
  Whole power{static_cast<std::uint32_t>(mantissa), static_cast<std::uint32_t>(mantissa >> 32)};
  for (unsigned i = 0; i < scale; ++i) power = square(power);
  for (std::size_t i = 0; power[i]-- == 0; ++i) {  // less one, so that the comparison is of lengths
  }
  return bit_length(power) <= j + (std::size_t{52} << scale);
}

// Without a logarithm, a root or a rounding. Mutation: bounds rounded up.
TEST(ExponentialTable, has_the_greatest_mantissas_that_are_not_above_the_bounds) {
  constexpr std::uint64_t leading_bit = std::uint64_t{1} << 52;
  for (unsigned scale = 0; scale <= 6; ++scale) {
    for (unsigned j = 0; j <= 1U << scale; ++j) {
      const std::uint64_t bound = leading_bit + table(scale).bounds[j];
      EXPECT_TRUE(is_at_most(bound, j, scale)) << scale << " " << j;
      EXPECT_FALSE(is_at_most(bound + 1, j, scale)) << scale << " " << j;
    }
  }
}

// DIS-2, W-12: where the original puts powers of two one bucket too high. Mutation: lower bounds are inclusive.
TEST(ExponentialIndex, puts_every_power_of_two_into_the_bucket_that_ends_there) {
  for (unsigned scale = 0; scale <= 6; ++scale) {
    for (int exponent = -1022; exponent <= 1023; ++exponent) {
      const double power = std::ldexp(1.0, exponent);
      const std::int32_t ends = exponent * (1 << scale) - 1;
      ASSERT_EQ(exponential_index(table(scale), power), ends) << scale << " " << exponent;
      const double above = std::nextafter(power, std::numeric_limits<double>::infinity());
      ASSERT_EQ(exponential_index(table(scale), above), ends + 1) << scale << " " << exponent;
    }
  }
}

// Mutation: half as many cells in the table over the mantissa.
TEST(ExponentialIndex, agrees_with_an_independent_mapping_for_a_million_values) {
  std::mt19937_64 random{20261125};
  for (unsigned scale = 0; scale <= 6; ++scale) {
    for (int i = 0; i < (ft::is_sanitized ? 5'000 : 150'000); ++i) {
      // Any bits that are a positive, normal double.
      const std::uint64_t bits = random() % 0x7FE0'0000'0000'0000 + 0x0010'0000'0000'0000;
      const auto value = std::bit_cast<double>(bits);
      ASSERT_EQ(exponential_index(table(scale), value), reference_index(value, scale)) << scale << " " << value;
    }
  }
}

// Mutation: one bound of the table off by one unit in its last place.
TEST(ExponentialIndex, agrees_on_both_sides_of_every_bound) {
  for (unsigned scale = 0; scale <= 6; ++scale) {
    for (unsigned j = 0; j <= 1U << scale; ++j) {
      const auto bound =
          static_cast<double>(std::exp2(static_cast<long double>(j) / static_cast<long double>(1U << scale)));
      for (const double value : {std::nextafter(bound, 0.0), bound, std::nextafter(bound, 3.0)}) {
        EXPECT_EQ(exponential_index(table(scale), value), reference_index(value, scale)) << scale << " " << j;
      }
    }
  }
}

// Mutations: rounded to the nearest; cut off.
TEST(RoundedToOdd, keeps_whole_numbers_on_their_side_of_powers_of_two) {
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{12345}, (std::uint64_t{1} << 53) - 1}) {
    EXPECT_EQ(rounded_to_odd(value), static_cast<double>(value));
  }
  for (int exponent = 53; exponent < 64; ++exponent) {
    const std::uint64_t power = std::uint64_t{1} << exponent;
    EXPECT_EQ(rounded_to_odd(power), std::ldexp(1.0, exponent));
    EXPECT_GT(rounded_to_odd(power + 1), std::ldexp(1.0, exponent));
    EXPECT_LT(rounded_to_odd(power - 1), std::ldexp(1.0, exponent));
  }
  EXPECT_LT(rounded_to_odd(~std::uint64_t{0}), std::ldexp(1.0, 64));
}

// ---- the metric ----

ft::RecordedExponential shown(ft::Reader& reader, const char* name) {
  return ft::RecordingVisitor{reader}.exponential(name);
}

/// The same, accepted.
ft::RecordedExponential taken(ft::Reader& reader, const char* name) {
  const ft::RecordedExponential seen = shown(reader, name);
  reader.accept();
  return seen;
}

// DIS-3, DIS-4. Mutations: the first, or the last, bucket is not counted.
TEST(Distribution, counts_and_adds_up) {
  ft::Distribution distribution{ft::Range{1, 1000}};
  for (const int value : {0, 1, 2, 3, 1000}) distribution.record(value);  // both ends of its buckets among them
  EXPECT_EQ(distribution.count(), 5u);
  EXPECT_EQ(distribution.sum(), 1006);
}

// Mutations: one is counted; the value is added once; none is an extremum too.
TEST(Distribution, records_many_of_one_value_as_that_many_records) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Distribution sizes{registry, {.name = "sizes"}, ft::Range{1, 1000}, {.scale = 0, .extrema = true}};
  ft::FloatDistribution ratios{registry, {.name = "ratios"}, ft::FloatRange{0.125, 8}, {.scale = 0, .extrema = true}};
  sizes.record_n(4, 16);
  sizes.record_n(900, 0);
  ratios.record_n(0.5, 3);
  ratios.record_n(8, 0);
  const auto whole = shown(reader, "sizes");
  EXPECT_THAT(whole.buckets, ElementsAre(16u));
  EXPECT_EQ(whole.sum, 64);
  EXPECT_EQ(whole.max, 4);
  const auto real = shown(reader, "ratios");
  EXPECT_THAT(real.buckets, ElementsAre(3u));
  EXPECT_EQ(real.sum, 1.5);
  EXPECT_EQ(real.max, 0.5);
}

// DIS-2, DIS-6. Mutation: empty ones at either end are shown.
TEST(Distribution, shows_the_buckets_that_have_observations) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Distribution sizes{registry, {.name = "sizes", .unit = ft::Unit::bytes}, ft::Range{1, 1 << 20}, {.scale = 0}};
  EXPECT_TRUE(shown(reader, "sizes_bytes").buckets.empty());

  for (const int value : {3, 4, 5, 16, 0, -7}) sizes.record(value);
  const auto seen = shown(reader, "sizes_bytes");
  EXPECT_EQ(seen.scale, 0);
  EXPECT_EQ(seen.offset, 1);                           // (2, 4] comes first
  EXPECT_THAT(seen.buckets, ElementsAre(2u, 1u, 1u));  // (2, 4], (4, 8], (8, 16]
  EXPECT_EQ(seen.zero_count, 2u);
  EXPECT_EQ(seen.sum, 28);
}

// Mutation: it is in nanoseconds.
TEST(Distribution, of_durations_is_in_seconds_and_keeps_nanoseconds) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Distribution latency{registry, {.name = "latency"}, ft::Range{1us, 10s}, {.scale = 0}};
  latency.record(2s);
  latency.record(500ms);
  const auto seen = shown(reader, "latency_seconds");
  EXPECT_EQ(seen.sum, 2.5);
  EXPECT_EQ(seen.offset, -2);  // (0.25, 0.5]
  EXPECT_THAT(seen.buckets, ElementsAre(1u, 0u, 1u));
  EXPECT_EQ(latency.sum(), 2.5);
}

// Mutations: what is above counts as zero; what is below in the first bucket; a threshold one bucket off.
TEST(Distribution, counts_what_is_outside_of_its_range_at_its_ends) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Distribution d{registry, {.name = "d"}, ft::Range{8, 64}, {.scale = 0}};
  d.record(4);  // the range begins in (4, 8], so this is not above it
  d.record(5);
  d.record(~std::uint64_t{0});
  const auto seen = shown(reader, "d");
  EXPECT_EQ(seen.zero_threshold, 4);
  EXPECT_EQ(seen.zero_count, 1u);
  EXPECT_EQ(seen.offset, 2);
  EXPECT_THAT(seen.buckets, ElementsAre(1u, 0u, 0u, 1u));  // the last is (32, 64]
}

// W-05: where the original has 67 words, whatever the data.
TEST(Distribution, takes_a_cell_per_bucket_of_its_range_and_two_more) {
  const std::uint64_t before = ft::storage_info().cells;
  ft::Distribution d{ft::Range{8, 64}, {.scale = 0}};  // (4, 8], (8, 16], (16, 32], (32, 64]
  d.record(9);
  EXPECT_EQ(ft::storage_info().cells, before + 4 + 2);
  ft::Distribution fine{ft::Range{8, 64}, {.scale = 2, .extrema = true}};  // (6.7, 8] and four in each of three octaves
  fine.record(9);
  EXPECT_EQ(ft::storage_info().cells, before + 4 + 2 + 13 + 2 + 2);
}

// W-11: the error that is promised, at every scale. Mutations: an index too high by one; buckets of the scale below.
TEST(Distribution, tells_values_within_the_error_of_its_scale) {
  for (unsigned scale = 0; scale <= 6; ++scale) {
    const double base = std::exp2(std::exp2(-static_cast<double>(scale)));
    const double promised = std::sqrt(base) - 1;
    for (double value = 1.01; value < 100; value *= 1.0173) {
      const double low = std::pow(base, exponential_index(table(scale), value));
      const double told = low * std::sqrt(base);
      EXPECT_LE(std::abs(told / value - 1), promised * (1 + 1e-9)) << scale << " " << value;
    }
  }
}

// W-09. Mutations: negative values are taken; infinity is; the reason is wrong.
TEST(FloatDistribution, counts_doubles_and_counts_what_it_refuses) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::FloatDistribution d{registry, {.name = "d"}, ft::FloatRange{0.001, 1000}, {.scale = 1}};
  const ft::StorageInfo before = ft::storage_info();
  d.record(0.75);
  d.record(0);
  d.record(5e-324);
  d.record(-1);
  d.record(std::numeric_limits<double>::infinity());
  d.record(std::nan(""));
  EXPECT_EQ(ft::storage_info().dropped_negative, before.dropped_negative + 1);
  EXPECT_EQ(ft::storage_info().dropped_not_finite, before.dropped_not_finite + 2);
  const auto seen = shown(reader, "d");
  EXPECT_EQ(seen.sum, 0.75 + 5e-324);
  EXPECT_EQ(seen.zero_count, 2u);
  EXPECT_EQ(seen.offset, -1);  // (0.707, 1]
  EXPECT_THAT(seen.buckets, ElementsAre(1u));
  EXPECT_EQ(d.count(), 3u);
}

// DIS-5, W-13: true ones, or none.
TEST(Distribution, keeps_the_true_minimum_and_maximum_when_asked_to) {
  ft::Registry registry;
  ft::Reader cumulative{registry};
  ft::Reader delta{registry, {.temporality = ft::Temporality::delta}};
  ft::Distribution d{registry, {.name = "d"}, ft::Range{1ms, 10s}, {.extrema = true}};
  EXPECT_FALSE(taken(delta, "d_seconds").min.has_value());
  d.record(1500ms);
  d.record(3ms);
  d.record(0s);
  for (ft::Reader* const reader : {&cumulative, &delta}) {
    const auto seen = taken(*reader, "d_seconds");
    EXPECT_EQ(seen.min, 0.0);
    EXPECT_EQ(seen.max, 1.5);
  }
  d.record(20ms);
  const auto of_window = taken(delta, "d_seconds");
  EXPECT_EQ(of_window.min, 0.02);
  EXPECT_EQ(of_window.max, 0.02);
  const auto of_all_time = taken(cumulative, "d_seconds");
  EXPECT_EQ(of_all_time.min, 0.0);
  EXPECT_EQ(of_all_time.max, 1.5);
  EXPECT_FALSE(taken(delta, "d_seconds").max.has_value());
}

// Mutation: they are always kept.
TEST(Distribution, shows_no_minimum_and_maximum_unasked) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::FloatDistribution d{registry, {.name = "d"}, ft::FloatRange{1, 10}};
  d.record(2);
  EXPECT_FALSE(taken(reader, "d").min.has_value());
}

// Mutation: their bits are taken for an integer's.
TEST(FloatDistribution, keeps_extrema_of_doubles) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::FloatDistribution d{registry, {.name = "d"}, ft::FloatRange{1, 10}, {.extrema = true}};
  d.record(2.5);
  d.record(0.125);
  const auto seen = taken(reader, "d");
  EXPECT_EQ(seen.min, 0.125);
  EXPECT_EQ(seen.max, 2.5);
}

// Mutation: the baseline is not subtracted.
TEST(Distribution, has_a_delta_per_reader) {
  ft::Registry registry;
  ft::Reader delta{registry, {.temporality = ft::Temporality::delta}};
  ft::FloatDistribution d{registry, {.name = "d"}, ft::FloatRange{1, 1024}, {.scale = 0, .extrema = true}};
  d.record(3);
  EXPECT_EQ(shown(delta, "d").sum, 3);
  delta.accept();
  d.record(1000);
  const auto seen = shown(delta, "d");
  EXPECT_EQ(seen.sum, 1000);
  EXPECT_EQ(seen.offset, 9);
  EXPECT_THAT(seen.buckets, ElementsAre(1u));
}

// A series that ends and comes back: its runs differ, its buckets add up, its extrema do not. Mutations: earlier runs
// are forgotten; their last extrema are.
TEST(Distribution, goes_on_when_its_metric_comes_back) {
  ft::Registry registry;
  ft::Reader reader{registry};
  for (int i = 0; i < 2; ++i) {
    ft::FloatDistribution d{registry, {.name = "d"}, ft::FloatRange{1, 1024}, {.scale = 0, .extrema = true}};
    d.record(3.5 + i);
    static_cast<void>(shown(reader, "d"));
    d.record(i == 0 ? 2.5 : 9);  // in no collection before its metric's end
  }
  const auto seen = shown(reader, "d");
  EXPECT_EQ(seen.sum, 19.5);
  EXPECT_EQ(seen.offset, 1);
  EXPECT_THAT(seen.buckets, ElementsAre(2u, 1u, 1u));
  EXPECT_EQ(seen.min, 2.5);
  EXPECT_EQ(seen.max, 9.0);
}

// W-30; LAB-7 ("no labeled distribution") does not hold for ours. Mutations: all points are the first; their extrema
// are.
TEST(LabeledDistribution, has_buckets_and_extrema_per_point) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Labeled<ft::Distribution, Kind> d{
      registry, {.name = "d"}, ft::Range{1, 100}, ft::DistributionOptions{.scale = 2, .extrema = true}};
  d.with(Kind::write).record(5);
  const ft::RecordingVisitor seen{reader};
  EXPECT_EQ(seen.exponential("d", {{"kind", "read"}}).sum, 0);
  EXPECT_EQ(seen.exponential("d", {{"kind", "read"}}).min, std::nullopt);
  EXPECT_EQ(seen.exponential("d", {{"kind", "write"}}).sum, 5);
  EXPECT_EQ(seen.exponential("d", {{"kind", "write"}}).min, 5.0);
  EXPECT_EQ(seen.exponential("d", {{"kind", "write"}}).max, 5.0);
  EXPECT_EQ(seen.point_count("d"), 2u);
  d.with(static_cast<Kind>(9)).record(7);
  EXPECT_EQ(ft::RecordingVisitor{reader}.exponential("d", {{"kind", "invalid"}}).sum, 7);
}

// DIS-6: over all CPUs, exactly. Mutations: one CPU's cells are not read; the extra shards' are not.
TEST(Distribution, loses_nothing_when_many_threads_record) {
  constexpr int threads = 4;
  constexpr std::uint64_t each = 100'000;
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Distribution d{registry, {.name = "d"}, ft::Range{1, each}, {.extrema = true}};
  {
    std::vector<std::jthread> running;
    for (int t = 0; t < threads; ++t) {
      running.emplace_back([&] {
        for (std::uint64_t n = 1; n <= each; ++n) d.record(n);
      });
    }
  }
  EXPECT_EQ(d.count(), threads * each);
  const auto seen = shown(reader, "d");
  EXPECT_EQ(std::accumulate(seen.buckets.begin(), seen.buckets.end(), seen.zero_count), threads * each);
  EXPECT_EQ(seen.sum, static_cast<double>(threads * (each * (each + 1) / 2)));
  EXPECT_EQ(seen.min, 1.0);
  EXPECT_EQ(seen.max, static_cast<double>(each));
}

// ---- what is refused ----

template <class Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "taken";
}

// Mutations: each of the checks left out.
TEST(Distribution, refuses_ranges_and_scales_that_make_no_buckets) {
  EXPECT_EQ(refusal([] { ft::Distribution{ft::Range{0, 5}}; }),
            "a distribution's range begins above 0 and ends above its beginning, unlike 0 to 5");
  EXPECT_EQ(refusal([] { ft::Distribution{ft::Range{5ns, 5ns}}; }),
            "a distribution's range begins above 0 and ends above its beginning, unlike 5 to 5 ns");
  EXPECT_EQ(refusal([] { ft::Distribution{ft::Range{1, 5}, {.scale = 7}}; }),
            "a distribution's scale is 0 to 6, not 7");
  for (const ft::FloatRange range :
       {ft::FloatRange{0, 1}, ft::FloatRange{5e-324, 1}, ft::FloatRange{2, 1}, ft::FloatRange{1, std::nan("")},
        ft::FloatRange{1, std::numeric_limits<double>::infinity()}}) {
    EXPECT_THAT(refusal([range] { ft::FloatDistribution{range}; }),
                testing::StartsWith("a distribution's range begins"));
  }
  EXPECT_EQ(refusal([] { ft::FloatDistribution{ft::FloatRange{1e-300, 1e300}, {.scale = 6}}; }),
            "a distribution of 127564 buckets does not fit one run of 32752 cells");
}

TEST(Distribution, of_durations_refuses_another_unit_than_seconds) {
  ft::Registry registry;
  EXPECT_EQ(refusal([&] { ft::Distribution{registry, {.name = "d", .unit = ft::Unit::bytes}, ft::Range{1us, 1s}}; }),
            "metric \"d\" records durations, so its unit is seconds");
}

}  // namespace distribution_test
