// SPDX-License-Identifier: Apache-2.0
//
// W-06: the index is found by exponent, not by a scan; std::lower_bound over the same bounds says what it must be.
#include "fast_telemetry/detail/bucket_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "fast_telemetry/detail/arena.h"
#include "fast_telemetry/histogram.h"

namespace ft = fast_telemetry;
using ft::detail::bucket_index;
using ft::detail::BucketTable;

namespace bucket_index_test {

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
constexpr double tiniest = std::numeric_limits<double>::denorm_min();

const BucketTable& table_of(const std::vector<std::uint64_t>& bounds) {
  return *ft::Histogram::declare(ft::Bounds{bounds.data(), bounds.size()}).buckets;
}

const BucketTable& table_of(const std::vector<double>& bounds) {
  return *ft::FloatHistogram::declare(ft::FloatBounds{bounds.data(), bounds.size()}).buckets;
}

template <class Value>
std::size_t expected(const std::vector<Value>& bounds, Value value) {
  return static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin());
}

/// Everything where an index by exponent could go wrong: the value, its neighbours, its octave's edges.
void add_with_neighbours(std::vector<std::uint64_t>& values, std::uint64_t value) {
  values.insert(values.end(), {value, value - 1, value + 1});  // wraps at both ends: those are boundaries too
}

void add_with_neighbours(std::vector<double>& values, double value) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const double v : {value, std::nextafter(value, infinity), std::nextafter(value, -infinity), -value}) {
    if (std::isfinite(v)) values.push_back(v);
  }
}

std::vector<std::uint64_t> edges(std::uint64_t) {
  std::vector<std::uint64_t> values{0, 1, largest};
  for (unsigned bit = 0; bit < 64; ++bit) add_with_neighbours(values, std::uint64_t{1} << bit);
  return values;
}

std::vector<double> edges(double) {
  std::vector<double> values;
  for (const double value : {0.0, -0.0, tiniest, DBL_MIN, DBL_MAX, 1.0}) {
    add_with_neighbours(values, value);
    add_with_neighbours(values, -value);
  }
  for (int exponent = -1074; exponent <= 1023; exponent += 7) add_with_neighbours(values, std::ldexp(1.0, exponent));
  return values;
}

/// Of any magnitude, so that small numbers come as often as large ones.
std::uint64_t random_value(std::mt19937_64& random, std::uint64_t) { return random() >> (random() % 64); }

double random_value(std::mt19937_64& random, double) {
  for (;;) {
    const auto value = std::bit_cast<double>(random());
    if (std::isfinite(value)) return value;
  }
}

template <class Value>
void sort_and_deduplicate(std::vector<Value>& bounds) {
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
}

template <class Value>
void check(const std::vector<Value>& bounds, std::mt19937_64& random, int random_values) {
  const BucketTable& table = table_of(bounds);
  ASSERT_EQ(table.count, bounds.size());
  std::vector<Value> values = edges(Value{});
  for (const Value bound : bounds) add_with_neighbours(values, bound);
  for (int i = 0; i < random_values; ++i) values.push_back(random_value(random, Value{}));
  for (const Value value : values) {
    ASSERT_EQ(bucket_index(table, value), expected(bounds, value))
        << "value " << testing::PrintToString(value) << " among " << testing::PrintToString(bounds);
  }
}

template <class Value>
void check_every_choice_of(const std::vector<Value>& candidates) {
  std::mt19937_64 random{1};
  for (unsigned chosen = 1; chosen < 1U << candidates.size(); ++chosen) {
    std::vector<Value> bounds;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if ((chosen >> i & 1) != 0) bounds.push_back(candidates[i]);
    }
    check(bounds, random, 0);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(BucketIndex, agrees_with_a_binary_search_for_every_choice_of_small_and_extreme_integers) {
  check_every_choice_of<std::uint64_t>({0, 1, 2, 3, 4, 7, 8, largest - 1, largest});
}

TEST(BucketIndex, agrees_with_a_binary_search_for_every_choice_of_small_and_extreme_doubles) {
  check_every_choice_of<double>({-DBL_MAX, -1.5, -1, -tiniest, 0, tiniest, 1, 1.5, DBL_MAX});
}

/// How many bounds, and where they lie.
struct Shape {
  const char* name;
  std::size_t size;
  bool dense;  ///< all within one power of two, where the table of exponents cannot help
};

constexpr Shape shapes[] = {
    {"one", 1, false},
    {"two", 2, false},
    {"eight", 8, true},
    {"nine", 9, true},
    {"ten", 10, true},
    {"thirteen", 13, false},
    {"seventeen", 17, true},
    {"thirty_three", 33, true},
    {"hundred", 100, false},
    {"dense_hundred", 100, true},
    {"three_hundred", 300, false},
    {"dense_three_hundred", 300, true},
};

class BucketIndexOfRandomBounds : public testing::TestWithParam<Shape> {};

TEST_P(BucketIndexOfRandomBounds, agrees_with_a_binary_search_for_integers) {
  std::mt19937_64 random{GetParam().size};
  for (int round = 0; round < 20; ++round) {
    std::vector<std::uint64_t> bounds;
    if (GetParam().dense) {
      // An octave that has room for so many, and steps small enough to stay in it.
      const unsigned bit = 12 + static_cast<unsigned>(random() % 52);
      const std::uint64_t octave = std::uint64_t{1} << bit;
      const std::uint64_t step = octave / 512;
      std::uint64_t bound = octave + random() % (octave / 4);
      for (std::size_t i = 0; i < GetParam().size; ++i) bounds.push_back(bound += 1 + random() % step);
    } else {
      for (std::size_t i = 0; i < GetParam().size; ++i) bounds.push_back(random_value(random, std::uint64_t{}));
    }
    if (round % 3 == 1) bounds.push_back(0);
    if (round % 3 == 2) bounds.push_back(largest);
    sort_and_deduplicate(bounds);
    check(bounds, random, 2000);
    if (HasFatalFailure()) return;
  }
}

TEST_P(BucketIndexOfRandomBounds, agrees_with_a_binary_search_for_doubles) {
  std::mt19937_64 random{GetParam().size};
  for (int round = 0; round < 20; ++round) {
    std::vector<double> bounds;
    if (GetParam().dense) {
      const double start = random_value(random, double{}) / 4;
      double bound = start;
      for (std::size_t i = 0; i < GetParam().size; ++i) {
        bounds.push_back(bound);
        for (std::uint64_t step = 0; step <= random() % 3; ++step) bound = std::nextafter(bound, DBL_MAX);
      }
    } else {
      for (std::size_t i = 0; i < GetParam().size; ++i) bounds.push_back(random_value(random, double{}));
    }
    if (round % 4 == 1) bounds.push_back(-0.0);
    if (round % 4 == 2) bounds.push_back(DBL_MAX);
    if (round % 4 == 3) bounds.push_back(-DBL_MAX);
    sort_and_deduplicate(bounds);
    check(bounds, random, 2000);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(bounds, BucketIndexOfRandomBounds, testing::ValuesIn(shapes),
                         [](const auto& test) { return std::string{test.param.name}; });

TEST(BucketIndex, agrees_with_a_binary_search_for_as_many_bounds_as_fit_a_run) {
  std::vector<std::uint64_t> bounds(ft::detail::max_run_cells - 2);
  for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = 3 * i;
  std::mt19937_64 random{1};
  check(bounds, random, 100'000);
}

TEST(BucketIndex, agrees_with_a_binary_search_for_the_presets) {
  std::mt19937_64 random{1};
  const auto& latency = ft::buckets::latency.ns;
  check(std::vector<std::uint64_t>{std::begin(latency), std::end(latency)}, random, 100'000);
  const auto& fast = ft::buckets::fast_latency.ns;
  check(std::vector<std::uint64_t>{std::begin(fast), std::end(fast)}, random, 100'000);
}

TEST(BucketIndex, takes_both_zeros_for_one_number) {
  for (const double zero : {0.0, -0.0}) {
    const BucketTable& table = table_of(std::vector<double>{-1, zero, 1});
    EXPECT_EQ(bucket_index(table, 0.0), 1u);
    EXPECT_EQ(bucket_index(table, -0.0), 1u);
    EXPECT_EQ(bucket_index(table, tiniest), 2u);
    EXPECT_EQ(bucket_index(table, -tiniest), 1u);
  }
}

TEST(BucketIndex, keeps_tables_of_integers_and_of_doubles_apart) {
  const BucketTable& integers = table_of(std::vector<std::uint64_t>{1, 2, 3});
  const BucketTable& doubles = table_of(std::vector<double>{1, 2, 3});
  EXPECT_EQ(bucket_index(integers, std::uint64_t{2}), 1u);
  EXPECT_EQ(bucket_index(doubles, 2.0), 1u);
  EXPECT_EQ(bucket_index(doubles, 2.5), 2u);
}

// Keys of doubles fill all 64 bits, so an integer bound can equal one: 0xC3E87D99..., read as the key of a double, is
// that same number rounded. A table shared by content alone would be indexed the wrong way.
TEST(BucketIndex, keeps_an_integer_bound_apart_from_the_double_whose_key_it_is) {
  // The fixed point of n -> ordered_key(double(n)).
  std::uint64_t n = std::uint64_t{0xC3E8} << 48;
  for (int i = 0; i < 100; ++i) n = ft::detail::ordered_key(static_cast<double>(n));
  ASSERT_EQ(n, ft::detail::ordered_key(static_cast<double>(n)));
  const BucketTable& integers = table_of(std::vector<std::uint64_t>{n});
  const BucketTable& doubles = table_of(std::vector<double>{static_cast<double>(n)});
  EXPECT_EQ(bucket_index(integers, n), 0u);
  EXPECT_EQ(bucket_index(integers, n + 1), 1u);
  EXPECT_EQ(bucket_index(doubles, static_cast<double>(n)), 0u);
  EXPECT_EQ(bucket_index(doubles, 1.0), 0u);
  EXPECT_EQ(bucket_index(doubles, 2e19), 1u);
}

TEST(BucketIndex, shares_one_table_among_equal_bounds) {
  EXPECT_EQ(&table_of(std::vector<std::uint64_t>{5, 6}), &table_of(std::vector<std::uint64_t>{5, 6}));
  EXPECT_NE(&table_of(std::vector<std::uint64_t>{5, 6}), &table_of(std::vector<std::uint64_t>{5, 7}));
  // Integers in their own unit and nanoseconds are exported differently.
  EXPECT_NE(&table_of(std::vector<std::uint64_t>{5'000, 6'000}),
            ft::Histogram::declare(ft::buckets::DurationBounds<2>{{5'000, 6'000}}).buckets);
}

// Usable at compile time: a table written down by hand for the bounds 1, 2, 3, 1000, with what stands behind them.
constexpr std::uint64_t bounds_of_constant[] = {1, 2, 3, 1000, largest, largest, largest};
constexpr auto first_of_constant = [] {
  std::array<std::uint16_t, ft::detail::integer_classes> first{};
  for (std::size_t c = 0; c < first.size(); ++c) {
    while (first[c] < 4 && ft::detail::integer_class(bounds_of_constant[first[c]]) < c) ++first[c];
  }
  return first;
}();
constexpr BucketTable constant{bounds_of_constant, first_of_constant.data(), 4, 3, 1.0, nullptr};
static_assert(bucket_index(constant, std::uint64_t{0}) == 0);
static_assert(bucket_index(constant, std::uint64_t{1}) == 0);
static_assert(bucket_index(constant, std::uint64_t{2}) == 1);
static_assert(bucket_index(constant, std::uint64_t{3}) == 2);
static_assert(bucket_index(constant, std::uint64_t{4}) == 3);
static_assert(bucket_index(constant, std::uint64_t{1000}) == 3);
static_assert(bucket_index(constant, std::uint64_t{1001}) == 4);
static_assert(bucket_index(constant, largest) == 4);

// What the table stands on: classes ascend with their values and stay in their range.
static_assert(ft::detail::integer_class(0) == 0);
static_assert(ft::detail::integer_class(largest) < ft::detail::integer_classes);
static_assert(ft::detail::double_class(ft::detail::ordered_key(DBL_MAX)) < ft::detail::double_classes);

TEST(BucketIndex, has_classes_that_ascend_with_the_value) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    EXPECT_LE(ft::detail::integer_class(power - 1), ft::detail::integer_class(power)) << bit;
    EXPECT_LE(ft::detail::integer_class(power), ft::detail::integer_class(power | power >> 1)) << bit;
  }
}

static_assert(ft::detail::ordered_key(-0.0) == ft::detail::ordered_key(0.0));
static_assert(ft::detail::ordered_key(-1.0) < ft::detail::ordered_key(-tiniest));
static_assert(ft::detail::ordered_key(-tiniest) < ft::detail::ordered_key(0.0));
static_assert(ft::detail::ordered_key(0.0) < ft::detail::ordered_key(tiniest));
static_assert(ft::detail::ordered_key(tiniest) < ft::detail::ordered_key(DBL_MAX));

}  // namespace bucket_index_test
