// SPDX-License-Identifier: Apache-2.0
#include "src/encoding/power_bounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <vector>

namespace ft = fast_telemetry;
using ft::detail::PowerBound;
using testing::ElementsAre;

namespace power_bounds_test {

using Buckets = std::vector<std::uint64_t>;

ft::ExponentialPoint point(std::int32_t scale, std::int32_t offset, const Buckets& buckets, std::uint64_t zeros = 0,
                           double zero_threshold = 0) {
  return {.scale = scale,
          .offset = offset,
          .zero_threshold = zero_threshold,
          .zero_count = zeros,
          .buckets = buckets,
          .sum = 0};
}

/// The exponents after the point was shown, and what each has at or below it.
std::vector<std::pair<std::int64_t, std::uint64_t>> show(std::vector<PowerBound>& bounds,
                                                         const ft::ExponentialPoint& point) {
  ft::detail::add_bounds(bounds, point);
  ft::detail::count_up_to(bounds, point);
  std::vector<std::pair<std::int64_t, std::uint64_t>> pairs;
  for (const PowerBound& bound : bounds) pairs.emplace_back(bound.exponent, bound.count);
  return pairs;
}

std::vector<std::pair<std::int64_t, std::uint64_t>> shown_once(const ft::ExponentialPoint& point) {
  std::vector<PowerBound> bounds;
  return show(bounds, point);
}

using Pair = std::pair<std::int64_t, std::uint64_t>;

TEST(PowerBounds, enclose_the_buckets_in_use) {
  EXPECT_THAT(shown_once(point(0, -1, Buckets{3, 0, 2})), ElementsAre(Pair{-1, 0}, Pair{0, 3}, Pair{1, 3}, Pair{2, 5}));
  EXPECT_THAT(shown_once(point(0, -3, Buckets{0, 0, 3, 0, 0})), ElementsAre(Pair{-1, 0}, Pair{0, 3}));
}

TEST(PowerBounds, are_none_where_nothing_is_in_use) {
  EXPECT_THAT(shown_once(point(0, 0, Buckets{})), ElementsAre());
  EXPECT_THAT(shown_once(point(0, 0, Buckets{0, 0}, 5)), ElementsAre());
}

TEST(PowerBounds, have_the_zeros_below_the_first) {
  EXPECT_THAT(shown_once(point(0, 0, Buckets{1}, 7, 1e-9)), ElementsAre(Pair{0, 7}, Pair{1, 8}));
}

// 2^0 … 2^1 are four buckets at scale 2, and the ones beside them are not in it.
TEST(PowerBounds, gather_the_buckets_between_two_powers) {
  EXPECT_THAT(shown_once(point(2, -1, Buckets{1, 2, 3, 4, 5, 6})),
              ElementsAre(Pair{-1, 0}, Pair{0, 1}, Pair{1, 15}, Pair{2, 21}));
}

TEST(PowerBounds, lie_only_at_ends_of_buckets_wider_than_a_power) {
  EXPECT_THAT(shown_once(point(-2, -1, Buckets{1, 2})), ElementsAre(Pair{-4, 0}, Pair{0, 1}, Pair{4, 3}));
}

// Against every value itself. The scale is the finest that needs 160 buckets, as a recorder would choose.
TEST(PowerBounds, count_the_values_at_or_below_them_exactly) {
  std::mt19937_64 random{9};
  for (int round = 0; round < 300; ++round) {
    const auto scale = static_cast<std::int32_t>(random() % 14) - 6;
    std::map<std::int64_t, std::uint64_t> counts;
    std::vector<double> values;
    for (int i = 0; i < 100; ++i) {
      // Mantissas away from the ends of buckets, where a logarithm would have to be exact, and whole powers.
      const int exponent = static_cast<int>(random() % 20) - 10;
      const double value = random() % 4 == 0
                               ? std::ldexp(1, exponent)
                               : std::ldexp(1.01 + 0.9 * 0.001 * static_cast<double>(random() % 1000), exponent);
      values.push_back(value);
      ++counts[static_cast<std::int64_t>(std::ceil(std::ldexp(std::log2(value), scale))) - 1];
    }
    const std::int64_t offset = counts.begin()->first;
    Buckets buckets(static_cast<std::size_t>(counts.rbegin()->first - offset) + 1);
    for (const auto& [index, count] : counts) buckets[static_cast<std::size_t>(index - offset)] = count;
    const auto bounds = shown_once(point(scale, static_cast<std::int32_t>(offset), buckets));
    ASSERT_FALSE(bounds.empty());
    for (const auto& [exponent, count] : bounds) {
      const double bound = std::ldexp(1, static_cast<int>(exponent));
      EXPECT_EQ(count, static_cast<std::uint64_t>(
                           std::count_if(values.begin(), values.end(), [&](double value) { return value <= bound; })))
          << "at scale " << scale << " below 2^" << exponent;
    }
    EXPECT_EQ(bounds.back().second, 100u);
  }
}

// A count that fell would be a counter's reset to Prometheus. Mutations seen red: `bound.count` left out of the
// maximum; the minimum left out.
TEST(PowerBounds, counts_do_not_fall_when_the_scale_does) {
  std::vector<PowerBound> bounds;
  show(bounds, point(0, 0, Buckets{1, 2, 4, 8}));
  EXPECT_THAT(show(bounds, point(-1, 0, Buckets{3, 12})),
              ElementsAre(Pair{0, 0}, Pair{1, 1}, Pair{2, 3}, Pair{3, 7}, Pair{4, 15}));
  EXPECT_THAT(show(bounds, point(-2, 0, Buckets{20, 1})),
              ElementsAre(Pair{0, 0}, Pair{1, 1}, Pair{2, 3}, Pair{3, 7}, Pair{4, 20}, Pair{8, 21}));
}

TEST(PowerBounds, counts_do_not_fall_when_values_become_zeros) {
  std::vector<PowerBound> bounds;
  show(bounds, point(0, 0, Buckets{1, 2, 4}, 1));
  EXPECT_THAT(show(bounds, point(0, 2, Buckets{5}, 4, 4)), ElementsAre(Pair{0, 1}, Pair{1, 2}, Pair{2, 4}, Pair{3, 9}));
}

// In a forked child the counts begin again, the series' ids do not.
TEST(PowerBounds, counts_that_begin_again_are_not_exceeded) {
  std::vector<PowerBound> bounds;
  show(bounds, point(0, 0, Buckets{1, 2, 4, 8}, 100));
  EXPECT_THAT(show(bounds, point(-1, 0, Buckets{1}, 1)),
              ElementsAre(Pair{0, 1}, Pair{1, 2}, Pair{2, 2}, Pair{3, 2}, Pair{4, 2}));
}

// Whatever scales and thresholds a series goes through: cumulative, and no count falls while the point's do not.
TEST(PowerBounds, are_cumulative_and_never_fall_whatever_the_scale_does) {
  std::mt19937 random{10};
  for (int series = 0; series < 200; ++series) {
    Buckets buckets(64);
    std::vector<PowerBound> bounds;
    std::map<std::int64_t, std::uint64_t> before;
    std::int32_t scale = 2;
    std::int32_t offset = -32;
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 5; ++i) buckets[random() % buckets.size()] += random() % 3;
      if (random() % 4 == 0 && scale > -8) {  // as a recorder merges neighbours
        Buckets merged(65);
        for (std::size_t i = 0; i < buckets.size(); ++i) {
          merged[static_cast<std::size_t>(((offset + static_cast<std::int32_t>(i)) >> 1) - (offset >> 1))] +=
              buckets[i];
        }
        buckets = merged;
        offset >>= 1;
        --scale;
      }
      std::uint64_t lower = 0;
      std::map<std::int64_t, std::uint64_t> now;
      for (const auto& [exponent, count] : show(bounds, point(scale, offset, buckets, 3))) {
        EXPECT_GE(count, lower) << "not cumulative";
        lower = count;
        now[exponent] = count;
      }
      for (const auto& [exponent, count] : before) {
        ASSERT_TRUE(now.contains(exponent)) << "2^" << exponent << " vanished";
        EXPECT_GE(now[exponent], count) << "2^" << exponent << " fell";
      }
      before = now;
    }
  }
}

// No index, scale or offset makes it loop for long, shift too far or name a bound that is no double.
TEST(PowerBounds, end_where_doubles_do) {
  constexpr auto least = std::numeric_limits<std::int32_t>::min();
  constexpr auto most = std::numeric_limits<std::int32_t>::max();
  for (const std::int32_t scale : {least, -1000, -13, -12, -11, -1, 0, 1, 20, 63, 64, most}) {
    for (const std::int32_t offset : {least, -2000, -1, 0, 2000, most}) {
      for (const auto& [exponent, count] : shown_once(point(scale, offset, Buckets{1, 1, 1}))) {
        EXPECT_GE(exponent, -1074);
        EXPECT_LE(exponent, 1023);
      }
    }
  }
  EXPECT_THAT(shown_once(point(-9, -4, Buckets{1, 2, 4, 8}, 16)),
              ElementsAre(Pair{-1024, 16 + 3}, Pair{-512, 16 + 7}, Pair{0, 16 + 15}));
  EXPECT_THAT(shown_once(point(-12, -1, Buckets{1, 2})), ElementsAre(Pair{0, 1})) << "above 1 and below it";
  EXPECT_THAT(shown_once(point(least, -1, Buckets{1, 2})), ElementsAre(Pair{0, 1}));
}

}  // namespace power_bounds_test
