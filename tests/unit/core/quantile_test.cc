// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/quantile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "fast_telemetry/distribution.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/testing/ignoring_visitor.h"

namespace quantile_test {

namespace ft = fast_telemetry;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::array quantiles{0.0, 0.001, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0};

/// The quantile by its definition.
double true_quantile(const std::vector<double>& ascending, double q) {
  const double rank = std::ceil(q * static_cast<double>(ascending.size()));
  return ascending[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

/// Asks for quantiles of every point that is shown.
struct Asked final : ft::IgnoringVisitor {
  std::vector<ft::Quantile> told;
  void histogram(const ft::Series&, const ft::ExponentialPoint& point) override { ask(point); }
  void histogram(const ft::Series&, const ft::HistogramPoint& point) override { ask(point); }

 private:
  template <class Point>
  void ask(const Point& point) {
    for (const double q : quantiles) told.push_back(ft::quantile(point, q).value());
  }
};

struct Shape {
  const char* name;
  std::function<double(std::mt19937_64&)> draw;
};

// The seeds are fixed: the same values in every run.
std::vector<Shape> shapes() {
  return {
      {"uniform", [](auto& random) { return std::uniform_real_distribution{0.001, 10.0}(random); }},
      {"exponential", [](auto& random) { return std::exponential_distribution{5.0}(random) + 1e-6; }},
      {"bimodal",
       [](auto& random) {
         const bool slow = std::bernoulli_distribution{0.03}(random);
         return std::abs(std::normal_distribution{slow ? 2.0 : 0.01, slow ? 0.1 : 0.001}(random)) + 1e-6;
       }},
      {"heavy tail",
       [](auto& random) { return std::pow(std::uniform_real_distribution{1e-6, 1.0}(random), -1 / 1.1) * 0.001; }},
      {"constant", [](auto&) { return 0.125; }},
  };
}

// Mutation: the arithmetic mean of a bucket's bounds instead of the geometric one; a rank too low by one.
TEST(Quantile, of_five_distributions_is_within_the_error_of_each_scale) {
  for (const Shape& shape : shapes()) {
    std::mt19937_64 random{20261125};
    std::vector<double> values(20'000);
    for (double& value : values) value = shape.draw(random);
    for (unsigned scale = 0; scale <= 6; ++scale) {
      SCOPED_TRACE(std::string{shape.name} + " at scale " + std::to_string(scale));
      ft::Registry registry;
      ft::Reader reader{registry};
      ft::FloatDistribution distribution{
          registry, {.name = "d"}, ft::FloatRange{1e-7, 1e5}, {.scale = scale, .extrema = scale % 2 == 0}};
      for (const double value : values) distribution.record(value);
      Asked asked;
      reader.collect().visit(asked);

      std::vector<double> ascending = values;
      std::sort(ascending.begin(), ascending.end());
      const double promised = std::sqrt(std::exp2(std::exp2(-static_cast<double>(scale)))) - 1;
      for (std::size_t i = 0; i < quantiles.size(); ++i) {
        const double exact = true_quantile(ascending, quantiles[i]);
        EXPECT_LE(std::abs(asked.told[i].value / exact - 1), promised * (1 + 1e-9)) << quantiles[i];
        EXPECT_LE(asked.told[i].low, exact) << quantiles[i];
        EXPECT_GE(asked.told[i].high, exact) << quantiles[i];
      }
    }
  }
}

// Mutations: the bucket above; a first bucket that begins at half its bound.
TEST(Quantile, of_histograms_lies_within_the_bounds_it_tells) {
  for (const Shape& shape : shapes()) {
    SCOPED_TRACE(shape.name);
    std::mt19937_64 random{20261125};
    std::vector<double> values(20'000);
    ft::Registry registry;
    ft::Reader reader{registry};
    ft::FloatHistogram histogram{registry, {.name = "h"}, {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5}};
    for (double& value : values) histogram.record(value = shape.draw(random));
    Asked asked;
    reader.collect().visit(asked);
    std::sort(values.begin(), values.end());
    for (std::size_t i = 0; i < quantiles.size(); ++i) {
      const double exact = true_quantile(values, quantiles[i]);
      EXPECT_LE(asked.told[i].low, exact) << quantiles[i];
      EXPECT_GE(asked.told[i].high, exact) << quantiles[i];
      EXPECT_LE(asked.told[i].low, asked.told[i].value);
      EXPECT_GE(asked.told[i].high, asked.told[i].value);
    }
  }
}

void expect_quantile(const std::optional<ft::Quantile>& told, double value, double low, double high) {
  ASSERT_TRUE(told.has_value());
  EXPECT_DOUBLE_EQ(told->value, value);
  EXPECT_DOUBLE_EQ(told->low, low);
  EXPECT_DOUBLE_EQ(told->high, high);
}

// Mutation: the rank is rounded down.
TEST(Quantile, is_at_the_rank_rounded_up) {
  constexpr std::array bounds{1.0, 2.0, 3.0};
  constexpr std::array<std::uint64_t, 4> buckets{1, 1, 1, 0};
  const ft::HistogramPoint point{.bounds = bounds, .buckets = buckets, .sum = 6};
  expect_quantile(ft::quantile(point, 0.33), 1, 0, 1);
  expect_quantile(ft::quantile(point, 0.34), 2, 1, 2);
  expect_quantile(ft::quantile(point, 0.5), 2, 1, 2);
  expect_quantile(ft::quantile(point, 0.67), 3, 2, 3);
}

// Mutations: a lower bound of 0; always the upper bound.
TEST(Quantile, is_linear_within_a_histograms_bucket) {
  constexpr std::array bounds{10.0, 20.0};
  constexpr std::array<std::uint64_t, 3> buckets{0, 4, 0};
  const ft::HistogramPoint point{.bounds = bounds, .buckets = buckets, .sum = 60};
  expect_quantile(ft::quantile(point, 0.25), 12.5, 10, 20);
  expect_quantile(ft::quantile(point, 1), 20, 10, 20);
}

// Mutations: the last bucket has an end; a first bucket below 0 begins at 0; minimum and maximum are ignored.
TEST(Quantile, at_the_ends_of_a_histogram_knows_what_is_known) {
  constexpr std::array bounds{-1.0, 20.0};
  constexpr std::array<std::uint64_t, 3> buckets{2, 0, 1};
  ft::HistogramPoint point{.bounds = bounds, .buckets = buckets, .sum = 60};
  expect_quantile(ft::quantile(point, 0), -1, -infinity, -1);
  expect_quantile(ft::quantile(point, 1), 20, 20, infinity);
  point.min = -5;
  point.max = 70;
  expect_quantile(ft::quantile(point, 0), -3, -5, -1);
  expect_quantile(ft::quantile(point, 1), 20, 20, 70);
}

// Mutations: zeros are exact; zeros are not counted.
TEST(Quantile, in_the_zero_bucket_lies_below_its_threshold) {
  constexpr std::array<std::uint64_t, 1> buckets{1};
  const ft::ExponentialPoint point{
      .scale = 0, .offset = 3, .zero_threshold = 0.5, .zero_count = 3, .buckets = buckets, .sum = 9};
  expect_quantile(ft::quantile(point, 0.5), 0, 0, 0.5);
  expect_quantile(ft::quantile(point, 1), std::sqrt(8.0 * 16.0), 8, 16);
}

// Mutation: by the last bucket.
TEST(Quantile, above_a_distributions_range_is_bounded_by_the_maximum) {
  constexpr std::array<std::uint64_t, 1> buckets{1};
  const ft::ExponentialPoint point{.scale = 0,
                                   .offset = 3,
                                   .zero_threshold = 0,
                                   .zero_count = 0,
                                   .buckets = buckets,
                                   .sum = 1000,
                                   .min = 9,
                                   .max = 1000};
  expect_quantile(ft::quantile(point, 1), std::sqrt(8.0 * 16.0), 9, 1000);
}

// Mutation: the count is not looked at.
TEST(Quantile, of_nothing_is_nothing) {
  constexpr std::array<std::uint64_t, 2> none{};
  constexpr std::array bounds{1.0};
  EXPECT_FALSE(ft::quantile(ft::HistogramPoint{.bounds = bounds, .buckets = none, .sum = 0}, 0.5).has_value());
  EXPECT_FALSE(
      ft::quantile(
          ft::ExponentialPoint{.scale = 0, .offset = 0, .zero_threshold = 0, .zero_count = 0, .buckets = {}, .sum = 0},
          0.5)
          .has_value());
}

// Mutations: any share is taken; NaN is.
TEST(Quantile, outside_of_zero_to_one_is_nothing) {
  constexpr std::array<std::uint64_t, 2> one{1, 0};
  constexpr std::array bounds{1.0};
  const ft::HistogramPoint point{.bounds = bounds, .buckets = one, .sum = 1};
  for (const double q : {-0.1, 1.1, std::nan("")}) EXPECT_FALSE(ft::quantile(point, q).has_value()) << q;
}

}  // namespace quantile_test
