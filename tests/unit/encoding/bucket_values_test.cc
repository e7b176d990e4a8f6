// SPDX-License-Identifier: Apache-2.0
#include "src/encoding/bucket_values.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace ft = fast_telemetry;
using ft::detail::BucketValues;
using ft::detail::ValueBucket;

namespace bucket_values_test {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<double> values_of(const std::vector<ValueBucket>& buckets, const ft::detail::ValueTotals& totals) {
  BucketValues chosen{totals};
  for (const ValueBucket& bucket : buckets) chosen.add(bucket);
  chosen.finish();
  std::vector<double> values;
  for (const ValueBucket& bucket : buckets) values.push_back(chosen.value(bucket));
  return values;
}

TEST(BucketValues, one_observation_is_itself) {
  EXPECT_EQ(values_of({{1, 2, 1}}, {1.375, {}, {}}), std::vector{1.375});
}

// Mutation seen red: lows_ without the count.
TEST(BucketValues, add_up_to_the_sum_within_their_buckets) {
  const std::vector<ValueBucket> buckets{{0, 1, 10}, {1, 2, 3}, {4, 8, 5}};
  const double sum = 10 * 0.25 + 3 * 1.25 + 5 * 5;
  EXPECT_EQ(values_of(buckets, {sum, {}, {}}), (std::vector{0.25, 1.25, 5.0}));
}

// The sum is counted beside the buckets, and may have an observation that they lack. Mutation seen red: no clamp.
TEST(BucketValues, stay_in_their_buckets_whatever_the_sum_says) {
  for (const double sum : {-1e9, 1e9, std::numeric_limits<double>::quiet_NaN(), infinity}) {
    for (const double value : values_of({{1, 2, 2}}, {sum, {}, {}})) {
      EXPECT_GE(value, 1);
      EXPECT_LE(value, 2);
    }
  }
}

TEST(BucketValues, a_bucket_without_an_end_has_what_is_left) {
  EXPECT_EQ(values_of({{0, 1, 2}, {1, infinity, 2}}, {1 + 2 * 7.5, {}, {}}), (std::vector{0.5, 7.5}));
  EXPECT_EQ(values_of({{0, 1, 2}, {10, infinity, 2}}, {1, {}, {}}), (std::vector{0.5, 10.0}));
  EXPECT_EQ(values_of({{-infinity, -1, 4}}, {-20, {}, {}}), std::vector{-5.0});
  EXPECT_EQ(values_of({{-infinity, infinity, 4}}, {20, {}, {}}), std::vector{5.0});
}

TEST(BucketValues, what_begins_nowhere_begins_at_zero_or_the_minimum) {
  EXPECT_EQ(values_of({{-infinity, 1, 4}}, {2, {}, {}}), std::vector{0.5});
  EXPECT_EQ(values_of({{-infinity, 1, 4}}, {-6, -4.0, {}}), std::vector{-1.5});
}

TEST(BucketValues, lie_between_the_minimum_and_the_maximum) {
  EXPECT_EQ(values_of({{1, 2, 2}, {8, infinity, 2}}, {2 * 1.75 + 2 * 8.5, 1.5, 9.0}), (std::vector{1.75, 8.5}));
}

}  // namespace bucket_values_test
