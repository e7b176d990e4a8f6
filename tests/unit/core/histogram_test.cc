// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <cfloat>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <ratio>
#include <string>
#include <thread>
#include <vector>

#include "fast_telemetry/detail/arena.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

namespace histogram_test {

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

/// A registered histogram and what its registry's reader sees of it.
template <class Metric>
struct Seen {
  template <class Bounds>
  explicit Seen(const Bounds& bounds) : metric{registry, {.name = "size"}, bounds} {}

  ft::RecordedHistogram look() {
    const ft::RecordingVisitor seen{reader};
    EXPECT_EQ(seen.families().size(), 1u);
    return std::get<ft::RecordedHistogram>(seen.families().front().points.front().value);
  }
  std::vector<std::uint64_t> buckets() { return look().buckets; }

  ft::Registry registry;
  ft::Reader reader{registry};
  Metric metric;
};

// HIS-2
TEST(Histogram, puts_a_value_on_a_bound_into_that_bounds_bucket) {
  Seen<ft::Histogram> seen{ft::Bounds{10, 20, 30}};
  for (const int value : {10, 20, 20, 30, 30, 30}) seen.metric.record(value);
  EXPECT_THAT(seen.buckets(), ElementsAre(1, 2, 3, 0));
}

// HIS-2, HIS-3
TEST(Histogram, puts_a_value_above_a_bound_into_the_next_bucket) {
  Seen<ft::Histogram> seen{ft::Bounds{10, 20, 30}};
  for (const int value : {0, 9, 11, 21, 31}) seen.metric.record(value);
  EXPECT_THAT(seen.buckets(), ElementsAre(2, 1, 1, 1));
}

// HIS-2
TEST(Histogram, puts_everything_above_the_last_bound_into_one_more_bucket) {
  Seen<ft::Histogram> seen{ft::Bounds{10}};
  seen.metric.record(11);
  seen.metric.record(largest);
  EXPECT_THAT(seen.buckets(), ElementsAre(0, 2));
}

// HIS-1, HIS-2: a bound equal to the largest integer is not taken for +Inf (W-15).
TEST(Histogram, takes_zero_and_the_largest_integer_as_bounds) {
  Seen<ft::Histogram> seen{ft::Bounds{0, largest}};
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, largest}) seen.metric.record(value);
  EXPECT_THAT(seen.buckets(), ElementsAre(1, 2, 0));
  EXPECT_EQ(seen.look().bounds.size(), 2u);
}

TEST(Histogram, counts_negative_values_as_zero) {
  Seen<ft::Histogram> seen{ft::Bounds{0, 10}};
  seen.metric.record(-1);
  seen.metric.record(std::int8_t{-128});
  seen.metric.record(std::numeric_limits<std::int64_t>::min());
  seen.metric.record(-5ms);
  EXPECT_THAT(seen.buckets(), ElementsAre(4, 0, 0));
  EXPECT_EQ(seen.metric.sum(), 0.0);
}

TEST(Histogram, takes_integers_of_every_width) {
  Seen<ft::Histogram> seen{ft::Bounds{100}};
  seen.metric.record(std::uint8_t{255});
  seen.metric.record(std::int16_t{7});
  seen.metric.record('a');
  seen.metric.record(8UL);
  seen.metric.record(9LL);
  EXPECT_THAT(seen.buckets(), ElementsAre(4, 1));
  EXPECT_EQ(seen.metric.sum(), 255.0 + 7 + 97 + 8 + 9);
}

template <class Metric, class T>
concept CanRecord = requires(Metric& metric, T value) { metric.record(value); };
static_assert(!CanRecord<ft::Histogram, double>, "a fraction would be cut off silently");
static_assert(!CanRecord<ft::Histogram, bool>);
static_assert(!CanRecord<ft::FloatHistogram, std::chrono::seconds>);
static_assert(CanRecord<ft::Histogram, int> && CanRecord<ft::Histogram, std::chrono::milliseconds>);
static_assert(noexcept(std::declval<ft::Histogram&>().record(1)) &&
              noexcept(std::declval<ft::FloatHistogram&>().record(1)));

// HIS-5, HIS-6, W-14: the count is not kept beside the buckets, so the two cannot differ.
TEST(Histogram, counts_what_is_in_its_buckets) {
  Seen<ft::Histogram> seen{ft::Bounds{1, 2, 4, 8}};
  for (int value = 0; value < 100; ++value) seen.metric.record(value);
  EXPECT_EQ(seen.metric.count(), 100u);
  EXPECT_EQ(seen.look().count(), 100u);
  EXPECT_THAT(seen.buckets(), ElementsAre(2, 1, 2, 4, 91));
}

// HIS-6
TEST(Histogram, sums_what_was_recorded) {
  Seen<ft::Histogram> seen{ft::Bounds{10}};
  EXPECT_EQ(seen.metric.sum(), 0.0);
  for (int value = 1; value <= 100; ++value) seen.metric.record(value);
  EXPECT_EQ(seen.metric.sum(), 5050.0);
  EXPECT_EQ(seen.look().sum, 5050.0);
}

// HIS-6, W-10: unsigned, so a sum beyond 2^63 is not shown as a negative one.
TEST(Histogram, has_a_sum_that_wraps_at_two_to_the_64_and_not_before) {
  Seen<ft::Histogram> seen{ft::Bounds{10}};
  seen.metric.record(std::uint64_t{1} << 63);
  EXPECT_EQ(seen.metric.sum(), std::ldexp(1.0, 63));
  EXPECT_EQ(seen.look().sum, std::ldexp(1.0, 63));
  seen.metric.record(std::uint64_t{1} << 63);
  EXPECT_EQ(seen.metric.sum(), 0.0);
  EXPECT_EQ(seen.metric.count(), 2u);
}

// Mutations: one is counted; the value is added once.
TEST(Histogram, records_many_of_one_value_as_that_many_records) {
  Seen<ft::Histogram> seen{ft::buckets::durations(10us, 20us)};
  ft::Histogram one_by_one{ft::buckets::durations(10us, 20us)};
  for (const auto& [value, n] : {std::pair{15us, 16U}, {10us, 3U}, {30us, 0U}}) {
    seen.metric.record_n(value, n);
    for (unsigned i = 0; i < n; ++i) one_by_one.record(value);
  }
  seen.metric.point().record_n(-1us, 2);
  EXPECT_THAT(seen.buckets(), ElementsAre(5, 16, 0));
  EXPECT_EQ(seen.metric.sum(), one_by_one.sum());
}

TEST(Histogram, counts_unregistered_and_is_not_exported) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Histogram histogram{{10, 20}};
  histogram.record(15);
  EXPECT_EQ(histogram.count(), 1u);
  EXPECT_EQ(histogram.sum(), 15.0);
  EXPECT_EQ(ft::RecordingVisitor{reader}.point_count(), 0u);
}

TEST(Histogram, starts_empty_in_memory_another_histogram_gave_back) {
  for (int i = 0; i < 10; ++i) {
    ft::Histogram histogram{{10, 20}};
    EXPECT_EQ(histogram.count(), 0u);
    EXPECT_EQ(histogram.sum(), 0.0);
    histogram.record(15);
  }
}

TEST(Histogram, loses_nothing_when_many_threads_record) {
  constexpr int threads = 4;
  constexpr int per_thread = 250'000;
  Seen<ft::Histogram> seen{ft::Bounds{0, 1, 2}};
  std::barrier start{threads};
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < threads; ++i) {
      writers.emplace_back([&] {
        start.arrive_and_wait();
        for (int n = 0; n < per_thread; ++n) seen.metric.record(n % 4);
      });
    }
  }
  constexpr std::uint64_t each = threads * per_thread / 4;
  EXPECT_THAT(seen.buckets(), ElementsAre(each, each, each, each));
  EXPECT_EQ(seen.metric.sum(), each * 6.0);
}

// ── durations ──────────────────────────────────────────────────────────────────────────────────────────────────────

using ft::detail::nanoseconds;

template <class Rep, class Period>
using Duration = std::chrono::duration<Rep, Period>;

TEST(Histogram, takes_durations_of_every_standard_period_to_the_nanosecond) {
  static_assert(nanoseconds(7ns) == 7);
  static_assert(nanoseconds(7us) == 7'000);
  static_assert(nanoseconds(7ms) == 7'000'000);
  static_assert(nanoseconds(7s) == 7'000'000'000);
  static_assert(nanoseconds(7min) == 420'000'000'000);
  static_assert(nanoseconds(7h) == 25'200'000'000'000);
  static_assert(nanoseconds(std::chrono::days{7}) == 604'800'000'000'000);
  static_assert(nanoseconds(std::chrono::years{1}) == 31'556'952'000'000'000);
}

TEST(Histogram, rounds_durations_finer_than_a_nanosecond_towards_zero) {
  static_assert(nanoseconds(Duration<std::int64_t, std::pico>{999}) == 0);
  static_assert(nanoseconds(Duration<std::int64_t, std::pico>{1'000}) == 1);
  static_assert(nanoseconds(Duration<std::int64_t, std::pico>{1'999}) == 1);
  static_assert(nanoseconds(Duration<std::int64_t, std::pico>::max()) == 9'223'372'036'854'775);
  static_assert(nanoseconds(Duration<std::uint64_t, std::femto>{5'000'000}) == 5);
}

TEST(Histogram, takes_durations_of_odd_periods) {
  static_assert(nanoseconds(Duration<int, std::ratio<1, 3>>{1}) == 333'333'333);
  static_assert(nanoseconds(Duration<int, std::ratio<1, 3>>{3}) == 1'000'000'000);
  static_assert(nanoseconds(Duration<int, std::ratio<1001, 30'000>>{30}) == 1'001'000'000);  // frames of a film
  static_assert(nanoseconds(Duration<std::int64_t, std::ratio<1, 1 << 20>>::max()) == largest);
}

TEST(Histogram, takes_durations_of_every_representation) {
  static_assert(nanoseconds(Duration<std::int8_t, std::milli>{127}) == 127'000'000);
  static_assert(nanoseconds(Duration<std::uint8_t, std::milli>{255}) == 255'000'000);
  static_assert(nanoseconds(Duration<unsigned, std::micro>{3}) == 3'000);
  static_assert(nanoseconds(Duration<std::uint64_t, std::nano>::max()) == largest);
  static_assert(nanoseconds(Duration<float, std::milli>{1.5F}) == 1'500'000);
  static_assert(nanoseconds(Duration<double, std::ratio<1>>{0.25}) == 250'000'000);
  static_assert(nanoseconds(Duration<double, std::nano>{1.9}) == 1);
  static_assert(nanoseconds(Duration<double, std::pico>{2'500}) == 2);
  static_assert(nanoseconds(Duration<long double, std::ratio<60>>{0.5L}) == 30'000'000'000);
}

TEST(Histogram, counts_negative_durations_as_zero) {
  static_assert(nanoseconds(-1ns) == 0 && nanoseconds(-7h) == 0);
  static_assert(nanoseconds(std::chrono::nanoseconds::min()) == 0);
  static_assert(nanoseconds(Duration<std::int64_t, std::pico>{-1'000'000}) == 0);
  static_assert(nanoseconds(Duration<double, std::ratio<1>>{-0.5}) == 0);
  static_assert(nanoseconds(Duration<double, std::ratio<1>>{-0.0}) == 0);
}

TEST(Histogram, takes_the_largest_value_for_durations_that_do_not_fit) {
  static_assert(nanoseconds(std::chrono::hours{10'000'000}) == largest);
  static_assert(nanoseconds(std::chrono::hours::max()) == largest);
  static_assert(nanoseconds(std::chrono::seconds{18'446'744'074}) == largest);
  static_assert(nanoseconds(std::chrono::seconds{18'446'744'073}) == 18'446'744'073'000'000'000ULL);
  static_assert(nanoseconds(Duration<double, std::nano>{18446744073709551616.0}) == largest);
  static_assert(nanoseconds(Duration<int, std::tera>{1}) == largest);  // one unit alone does not fit
  static_assert(nanoseconds(Duration<int, std::exa>{0}) == 0);
  EXPECT_EQ(nanoseconds(Duration<double, std::ratio<1>>{1e300}), largest);
  EXPECT_EQ(nanoseconds(Duration<double, std::ratio<1>>{std::numeric_limits<double>::infinity()}), largest);
}

TEST(Histogram, counts_a_duration_that_is_no_number_as_zero) {
  EXPECT_EQ(nanoseconds(Duration<double, std::ratio<1>>{std::numeric_limits<double>::quiet_NaN()}), 0u);
}

TEST(Histogram, records_durations_into_buckets_of_durations) {
  Seen<ft::Histogram> seen{ft::buckets::durations(100us, 1ms, 1s)};
  seen.metric.record(100us);
  seen.metric.record(100'001ns);
  seen.metric.record(Duration<double, std::ratio<1>>{0.5});
  seen.metric.record(2s);
  EXPECT_THAT(seen.buckets(), ElementsAre(1, 1, 1, 1));
}

// W-20, HIS-7: units. What is recorded in nanoseconds is exported in the base unit.
TEST(Histogram, exports_durations_in_seconds) {
  Seen<ft::Histogram> seen{ft::buckets::durations(100us, 1ms, 1s)};
  seen.metric.record(250ms);
  seen.metric.record(500ms);
  const ft::RecordingVisitor visited{seen.reader};
  EXPECT_EQ(visited.families().front().unit, ft::Unit::seconds);
  EXPECT_EQ(visited.families().front().full_name, "size_seconds");
  EXPECT_THAT(seen.look().bounds, ElementsAre(0.0001, 0.001, 1.0));
  EXPECT_EQ(seen.look().sum, 0.75);
  EXPECT_EQ(seen.metric.sum(), 0.75);
}

// HIS-4: the same thirteen bounds, exported in seconds instead of microseconds. Each must be the double nearest to what
// a person would write, because it becomes a label: "1e-05", not "1.0000000000000001e-05".
TEST(Histogram, exports_the_latency_preset_as_the_doubles_nearest_to_its_decimal_bounds) {
  Seen<ft::Histogram> seen{ft::buckets::latency};
  EXPECT_THAT(seen.look().bounds,
              ElementsAre(1e-05, 5e-05, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0));
  EXPECT_EQ(seen.buckets().size(), 14u);
}

TEST(Histogram, exports_the_fast_latency_preset_as_the_doubles_nearest_to_its_decimal_bounds) {
  Seen<ft::Histogram> seen{ft::buckets::fast_latency};
  EXPECT_THAT(seen.look().bounds, ElementsAre(1e-06, 2e-06, 5e-06, 1e-05, 2e-05, 5e-05, 0.0001, 0.0002, 0.0005, 0.001,
                                              0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0));
}

// HIS-4
TEST(Histogram, puts_one_value_into_each_bucket_of_the_latency_preset) {
  Seen<ft::Histogram> seen{ft::buckets::latency};
  for (const auto value : {10us, 50us, 100us, 500us, 1'000us, 5'000us, 10'000us, 50'000us, 100'000us, 500'000us,
                           1'000'000us, 5'000'000us, 10'000'000us, 10'000'001us}) {
    seen.metric.record(value);
  }
  EXPECT_THAT(seen.buckets(), testing::Each(1));
  EXPECT_EQ(seen.metric.count(), 14u);
}

TEST(Histogram, has_the_unit_seconds_when_its_bounds_are_durations) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::Histogram unsaid{registry, {.name = "unsaid"}, ft::buckets::latency};
  const ft::Histogram said{registry, {.name = "said", .unit = ft::Unit::seconds}, ft::buckets::latency};
  const ft::Histogram in_its_name{registry, {.name = "in_its_name_seconds"}, ft::buckets::latency};
  EXPECT_THAT(ft::RecordingVisitor{reader}.family_names(),
              ElementsAre("unsaid_seconds", "said_seconds", "in_its_name_seconds"));
}

TEST(Histogram, refuses_another_unit_than_seconds_for_durations) {
  ft::Registry registry;
  EXPECT_THAT([&] { ft::Histogram(registry, {.name = "latency", .unit = ft::Unit::bytes}, ft::buckets::latency); },
              ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr("latency"), HasSubstr("seconds"))));
}

TEST(Histogram, keeps_the_unit_it_is_given_for_integers) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Histogram histogram{registry, {.name = "size", .unit = ft::Unit::bytes}, {64, 256}};
  histogram.record(100);
  EXPECT_EQ(ft::RecordingVisitor{reader}.histogram("size_bytes").sum, 100.0);
}

// ── bounds: HIS-1, W-15 ────────────────────────────────────────────────────────────────────────────────────────────

template <class Bound>
struct BadBounds {
  const char* name;
  std::vector<Bound> bounds;
  std::vector<const char*> said;  ///< what the message must contain
};

template <class Metric, class Bounds, class Bound>
void expect_refused(const BadBounds<Bound>& bad) {
  ft::Registry registry;
  const auto construct = [&] { Metric(registry, {.name = "size"}, Bounds{bad.bounds.data(), bad.bounds.size()}); };
  const auto construct_unregistered = [&] { Metric(Bounds{bad.bounds.data(), bad.bounds.size()}); };
  EXPECT_THROW(construct(), std::invalid_argument);
  for (const char* const text : bad.said) {
    EXPECT_THAT(construct, ThrowsMessage<std::invalid_argument>(HasSubstr(text)));
    EXPECT_THAT(construct_unregistered, ThrowsMessage<std::invalid_argument>(HasSubstr(text)));
  }
}

class BadIntegerBounds : public testing::TestWithParam<BadBounds<std::uint64_t>> {};

TEST_P(BadIntegerBounds, are_refused_with_the_figures) { expect_refused<ft::Histogram, ft::Bounds>(GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    histogram, BadIntegerBounds,
    testing::Values(BadBounds<std::uint64_t>{"none", {}, {"at least one bound"}},
                    BadBounds<std::uint64_t>{"falling", {10, 30, 20}, {"ascend", "bound 2", "20", "30"}},
                    BadBounds<std::uint64_t>{"repeated", {10, 20, 20}, {"ascend", "bound 2", "20"}},
                    BadBounds<std::uint64_t>{"falling_to_zero", {1, 0}, {"bound 1", "(0)", "1"}}),
    [](const auto& test) { return std::string{test.param.name}; });

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

class BadDoubleBounds : public testing::TestWithParam<BadBounds<double>> {};

TEST_P(BadDoubleBounds, are_refused_with_the_figures) {
  expect_refused<ft::FloatHistogram, ft::FloatBounds>(GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    float_histogram, BadDoubleBounds,
    testing::Values(BadBounds<double>{"none", {}, {"at least one bound"}},
                    BadBounds<double>{"falling", {1.5, 2.5, -2.5}, {"ascend", "bound 2", "-2.5", "2.5"}},
                    BadBounds<double>{"repeated", {0.5, 0.5}, {"ascend", "bound 1", "0.5"}},
                    BadBounds<double>{"both_zeros", {-0.0, 0.0}, {"ascend", "bound 1"}},
                    BadBounds<double>{"small_and_falling", {2e-9, 1e-9}, {"bound 1", "1e-09", "2e-09"}},
                    BadBounds<double>{"nan", {1, not_a_number}, {"bound 1", "not finite"}},
                    BadBounds<double>{"infinity_last", {1, 2, infinity}, {"bound 2", "not finite", "by itself"}},
                    BadBounds<double>{"minus_infinity_first", {-infinity, 2}, {"bound 0", "not finite"}}),
    [](const auto& test) { return std::string{test.param.name}; });

TEST(Histogram, refuses_duration_bounds_that_round_to_the_same_nanosecond) {
  EXPECT_THAT(
      [] { ft::Histogram{ft::buckets::durations(Duration<int, std::pico>{1'200}, Duration<int, std::pico>{1'700})}; },
      ThrowsMessage<std::invalid_argument>(HasSubstr("ascend")));
}

TEST(Histogram, takes_as_many_bounds_as_fit_one_run_and_refuses_one_more_with_the_figure) {
  std::vector<std::uint64_t> bounds(ft::detail::max_run_cells - 2);
  std::iota(bounds.begin(), bounds.end(), 1);
  {
    ft::Histogram widest{ft::Bounds{bounds.data(), bounds.size()}};
    widest.record(bounds.back());
    widest.record(bounds.back() + 1);
    EXPECT_EQ(widest.count(), 2u);
    EXPECT_EQ(widest.sum(), 2.0 * static_cast<double>(bounds.back()) + 1);
  }
  bounds.push_back(bounds.back() + 1);
  EXPECT_THAT([&] { ft::Histogram(ft::Bounds{bounds.data(), bounds.size()}); },
              ThrowsMessage<std::length_error>(AllOf(HasSubstr(std::to_string(bounds.size())),
                                                     HasSubstr(std::to_string(ft::detail::max_run_cells)))));
}

TEST(Histogram, copies_its_bounds) {
  ft::Registry registry;
  ft::Reader reader{registry};
  auto bounds = std::make_unique<std::vector<std::uint64_t>>(std::vector<std::uint64_t>{10, 20});
  ft::Histogram histogram{registry, {.name = "size"}, ft::Bounds{bounds->data(), bounds->size()}};
  *bounds = {0, 0};
  bounds.reset();
  histogram.record(15);
  EXPECT_THAT(ft::RecordingVisitor{reader}.histogram("size").bounds, ElementsAre(10.0, 20.0));
  EXPECT_THAT(ft::RecordingVisitor{reader}.histogram("size").buckets, ElementsAre(0, 1, 0));
}

// ── FloatHistogram: HIS-7, W-09 ────────────────────────────────────────────────────────────────────────────────────

TEST(FloatHistogram, puts_doubles_into_buckets_whose_bounds_are_inclusive) {
  Seen<ft::FloatHistogram> seen{ft::FloatBounds{-1.5, 0.0, 0.1}};
  for (const double value : {-2.0, -1.5, -1.4, -0.0, 0.0, 0.1, std::nextafter(0.1, 1.0), DBL_MAX, -DBL_MAX}) {
    seen.metric.record(value);
  }
  EXPECT_THAT(seen.buckets(), ElementsAre(3, 3, 1, 2));
  EXPECT_THAT(seen.look().bounds, ElementsAre(-1.5, 0.0, 0.1));
}

TEST(FloatHistogram, sums_what_was_recorded_with_its_sign) {
  Seen<ft::FloatHistogram> seen{ft::FloatBounds{1}};
  for (const double value : {0.5, 0.25, -2.0}) seen.metric.record(value);
  EXPECT_EQ(seen.metric.sum(), -1.25);
  EXPECT_EQ(seen.look().sum, -1.25);
  EXPECT_EQ(seen.metric.count(), 3u);
}

// Mutations: one is counted; the value is added once.
TEST(FloatHistogram, records_many_of_one_value_as_that_many_records) {
  Seen<ft::FloatHistogram> seen{ft::FloatBounds{1}};
  seen.metric.record_n(0.5, 3);
  seen.metric.record_n(-2.25, 2);
  seen.metric.record_n(5, 0);
  EXPECT_THAT(seen.buckets(), ElementsAre(5, 0));
  EXPECT_EQ(seen.metric.sum(), -3.0);
  const std::uint64_t before = ft::storage_info().dropped_not_finite;
  seen.metric.record_n(infinity, 7);
  EXPECT_EQ(ft::storage_info().dropped_not_finite, before + 1) << "records, not observations";
  EXPECT_EQ(seen.metric.count(), 5u);
}

TEST(FloatHistogram, counts_values_that_are_not_finite_as_dropped_and_nowhere_else) {
  Seen<ft::FloatHistogram> seen{ft::FloatBounds{1}};
  seen.metric.record(0.5);
  const std::uint64_t before = ft::storage_info().dropped_not_finite;
  for (const double value : {not_a_number, infinity, -infinity}) seen.metric.record(value);
  EXPECT_EQ(ft::storage_info().dropped_not_finite, before + 3);
  EXPECT_THAT(seen.buckets(), ElementsAre(1, 0));
  EXPECT_EQ(seen.metric.sum(), 0.5);
}

TEST(FloatHistogram, counts_unregistered_and_is_not_exported) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::FloatHistogram histogram{{0.5, 1}};
  histogram.record(0.75);
  EXPECT_EQ(histogram.count(), 1u);
  EXPECT_EQ(histogram.sum(), 0.75);
  EXPECT_EQ(ft::RecordingVisitor{reader}.point_count(), 0u);
}

TEST(FloatHistogram, starts_empty_in_memory_another_histogram_gave_back) {
  for (int i = 0; i < 10; ++i) {
    ft::FloatHistogram histogram{{0.5, 1}};
    EXPECT_EQ(histogram.count(), 0u);
    EXPECT_EQ(histogram.sum(), 0.0);
    histogram.record(0.75);
  }
}

// The sum is loaded, added to and stored: what a lost update looks like. Powers of two, so that no order rounds; more
// threads than there are shards for locked adds, so that in the locked build some share one.
TEST(FloatHistogram, loses_nothing_when_many_threads_record) {
  constexpr int threads = 16;
  constexpr int per_thread = 100'000;
  Seen<ft::FloatHistogram> seen{ft::FloatBounds{0.25, 0.5}};
  std::barrier start{threads};
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < threads; ++i) {
      writers.emplace_back([&] {
        start.arrive_and_wait();
        for (int n = 0; n < per_thread; ++n) seen.metric.record(n % 2 == 0 ? 0.25 : 0.5);
      });
    }
  }
  constexpr std::uint64_t each = threads * per_thread / 2;
  EXPECT_THAT(seen.buckets(), ElementsAre(each, each, 0));
  EXPECT_EQ(seen.metric.sum(), each * 0.75);
}

}  // namespace histogram_test
