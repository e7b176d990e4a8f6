// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/gauge.h"

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <thread>
#include <type_traits>
#include <vector>

#include "fast_telemetry/labeled.h"
#include "fast_telemetry/testing/recording_visitor.h"

namespace ft = fast_telemetry;

namespace gauge_test {

enum class Zone : std::uint8_t { inlet, outlet };

constexpr ft::Label label(Zone zone) {
  switch (zone) {
    case Zone::inlet: return {"zone", "inlet"};
    case Zone::outlet: return {"zone", "outlet"};
  }
  return {};
}

template <class T>
class GaugeOf : public testing::Test {
 protected:
  static T exported(ft::Reader& reader) {
    const ft::RecordingVisitor seen{reader};
    return std::get<T>(seen.point("level").value);
  }

  ft::Registry registry;
  ft::Reader reader{registry};
};

struct TypeNames {
  template <class T>
  static std::string GetName(int) {  // NOLINT(readability-identifier-naming): GoogleTest's name
    return std::is_same_v<T, double> ? "double" : "int64";
  }
};

using Values = testing::Types<std::int64_t, double>;
TYPED_TEST_SUITE(GaugeOf, Values, TypeNames);

// GAU-1, GAU-3
TYPED_TEST(GaugeOf, is_zero_until_it_is_set) {
  const ft::Gauge<TypeParam> unregistered;
  EXPECT_EQ(unregistered.get(), TypeParam{0});
  const ft::Gauge<TypeParam> gauge{this->registry, {.name = "level"}};
  EXPECT_EQ(gauge.get(), TypeParam{0});
  EXPECT_EQ(this->exported(this->reader), TypeParam{0});
}

// GAU-1, GAU-3
TYPED_TEST(GaugeOf, shows_the_last_value_that_was_set) {
  ft::Gauge<TypeParam> gauge{this->registry, {.name = "level"}};
  for (const TypeParam value :
       {TypeParam{1}, TypeParam{42}, TypeParam{-7}, TypeParam{0}, TypeParam{3}, std::numeric_limits<TypeParam>::max(),
        std::numeric_limits<TypeParam>::lowest(), std::numeric_limits<TypeParam>::min()}) {
    gauge.set(value);
    EXPECT_EQ(gauge.get(), value);
    EXPECT_EQ(this->exported(this->reader), value);
  }
}

TYPED_TEST(GaugeOf, unregistered_keeps_its_value_and_is_not_exported) {
  ft::Gauge<TypeParam> gauge;
  gauge.set(TypeParam{12});
  EXPECT_EQ(gauge.get(), TypeParam{12});
  EXPECT_EQ(ft::RecordingVisitor{this->reader}.point_count(), 0u);
}

// DRV-17
TYPED_TEST(GaugeOf, is_the_same_for_delta_readers) {
  ft::Reader delta{this->registry, {.temporality = ft::Temporality::delta}};
  ft::Gauge<TypeParam> gauge{this->registry, {.name = "level"}};
  gauge.set(TypeParam{9});
  EXPECT_EQ(this->exported(delta), TypeParam{9});
  delta.accept();
  EXPECT_EQ(this->exported(delta), TypeParam{9});
}

// W-18: the original sets other shards to zero one by one, so a reader can see half a set.
TYPED_TEST(GaugeOf, never_shows_a_value_that_nobody_set) {
  constexpr int writers = 3;
  ft::Gauge<TypeParam> gauge;
  std::atomic<bool> done{false};
  std::vector<std::jthread> threads;
  for (int i = 1; i <= writers; ++i) {
    threads.emplace_back([&, value = static_cast<TypeParam>(i * 1'000'003)] {
      while (!done.load(std::memory_order_relaxed)) {
        gauge.set(value);
        gauge.set(-value);
      }
    });
  }
  for (int i = 0; i < 20'000; ++i) {
    const TypeParam seen = gauge.get();
    const TypeParam magnitude = seen < 0 ? -seen : seen;
    ASSERT_TRUE(magnitude == 0 || magnitude == 1'000'003 || magnitude == 2'000'006 || magnitude == 3'000'009) << seen;
  }
  done.store(true, std::memory_order_relaxed);
}

TYPED_TEST(GaugeOf, starts_at_zero_in_memory_another_gauge_gave_back) {
  for (int i = 0; i < 10; ++i) {
    ft::Gauge<TypeParam> gauge;
    EXPECT_EQ(gauge.get(), TypeParam{0});
    gauge.set(TypeParam{77});
  }
}

// LAB-4, and LAB-7 does not hold for ours: every value type can be labelled.
TYPED_TEST(GaugeOf, has_a_value_of_its_own_for_each_label) {
  ft::Labeled<ft::Gauge<TypeParam>, Zone> gauge{this->registry, {.name = "level"}};
  gauge.with(Zone::inlet).set(TypeParam{1});
  gauge.with(Zone::outlet).set(TypeParam{2});
  gauge.with(Zone::inlet).set(TypeParam{-3});
  EXPECT_EQ(gauge.with(Zone::inlet).get(), TypeParam{-3});
  EXPECT_EQ(gauge.with(Zone::outlet).get(), TypeParam{2});
  const ft::RecordingVisitor seen{this->reader};
  EXPECT_EQ(seen.point_count("level"), 2u);
  EXPECT_EQ(std::get<TypeParam>(seen.point("level", {{"zone", "inlet"}}).value), TypeParam{-3});
  EXPECT_EQ(std::get<TypeParam>(seen.point("level", {{"zone", "outlet"}}).value), TypeParam{2});
}

TYPED_TEST(GaugeOf, shows_its_spare_point_only_while_it_is_not_zero) {
  ft::Labeled<ft::Gauge<TypeParam>, Zone> gauge{this->registry, {.name = "level"}};
  gauge.with(Zone::inlet).set(TypeParam{1});
  EXPECT_FALSE(ft::RecordingVisitor{this->reader}.has("level", {{"zone", "invalid"}}));
  gauge.with(static_cast<Zone>(200)).set(TypeParam{5});
  EXPECT_EQ(std::get<TypeParam>(ft::RecordingVisitor{this->reader}.point("level", {{"zone", "invalid"}}).value),
            TypeParam{5});
  gauge.with(static_cast<Zone>(2)).set(TypeParam{0});
  EXPECT_FALSE(ft::RecordingVisitor{this->reader}.has("level", {{"zone", "invalid"}}));
}

// GAU-3
TEST(Gauge, keeps_infinities_and_the_very_bits_of_a_nan) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Gauge<double> gauge{registry, {.name = "level"}};
  const double nan_with_payload = std::bit_cast<double>(0xFFF8'0000'0000'BEEF);
  for (const double value :
       {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), nan_with_payload, -0.0}) {
    gauge.set(value);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(gauge.get()), std::bit_cast<std::uint64_t>(value));
    EXPECT_EQ(std::bit_cast<std::uint64_t>(ft::RecordingVisitor{reader}.float_gauge("level")),
              std::bit_cast<std::uint64_t>(value));
  }
}

// GAU-3, "small decimals keep full precision"
TEST(Gauge, keeps_small_decimals_to_the_last_bit) {
  ft::Gauge<double> gauge;
  for (const double value : {0.1, 1e-9, 0.1 + 0.2, std::numeric_limits<double>::denorm_min(), 1.0 / 3}) {
    gauge.set(value);
    EXPECT_EQ(gauge.get(), value);
  }
}

TEST(Gauge, keeps_integers_that_a_double_cannot) {
  ft::Registry registry;
  ft::Reader reader{registry};
  ft::Gauge<std::int64_t> gauge{registry, {.name = "level"}};
  constexpr std::int64_t odd = (std::int64_t{1} << 53) + 1;
  gauge.set(odd);
  EXPECT_EQ(ft::RecordingVisitor{reader}.gauge("level"), odd);
}

// GAU-2: a level that moves by steps is not a gauge, so nothing here adds.
template <class T>
concept CanAdd = requires(T metric) { metric.add(1); };
static_assert(!CanAdd<ft::Gauge<std::int64_t>> && !CanAdd<ft::Gauge<double>>);

template <class T>
concept CanBeGauge = requires { typename ft::Gauge<T>; };
static_assert(CanBeGauge<std::int64_t> && CanBeGauge<double>);
static_assert(!CanBeGauge<int> && !CanBeGauge<float> && !CanBeGauge<std::uint64_t> && !CanBeGauge<bool>);

static_assert(!std::is_copy_constructible_v<ft::Gauge<double>> && !std::is_move_constructible_v<ft::Gauge<double>>);

}  // namespace gauge_test
