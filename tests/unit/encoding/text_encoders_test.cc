// SPDX-License-Identifier: Apache-2.0
//
// What the encoders of both text formats do over several collections.
#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fast_telemetry/encoding/open_metrics.h"
#include "fast_telemetry/encoding/prometheus_text.h"
#include "tests/support/shown_collection.h"

namespace ft = fast_telemetry;
using ft::Kind;

namespace text_encoders_test {

/// A series of one of the shapes, with its value at the moment.
struct Shape {
  std::uint64_t id;
  std::string label;
  std::uint64_t value;
};

struct Group {
  std::string name;
  Kind kind;
  std::vector<Shape> series;
};

void show(ft::Visitor& visitor, const std::vector<Group>& groups) {
  ft::ShownCollection shown{visitor};
  for (const Group& group : groups) {
    shown.family(group.name, group.kind, "Help of " + group.name);
    for (const auto& [id, label, value] : group.series) {
      shown.id(id);
      switch (group.kind) {
        case Kind::counter: shown.counter(value, {{"k", label}}); break;
        case Kind::up_down_counter: shown.up_down_counter(-static_cast<std::int64_t>(value), {{"k", label}}); break;
        case Kind::gauge: shown.float_gauge(static_cast<double>(value) / 7, {{"k", label}}); break;
        case Kind::histogram: shown.histogram({0.5, 1}, {value, 1, 2}, 0.25, {{"k", label}}); break;
        case Kind::exponential_histogram: {
          const std::vector<std::uint64_t> buckets{value, 0, 2};
          const ft::ExponentialPoint point{
              .scale = 0, .offset = -1, .zero_threshold = 0, .zero_count = value % 2, .buckets = buckets, .sum = 1};
          shown.exponential(point, {{"k", label}});
          break;
        }
        case Kind::info: shown.info({{"k", label}}); break;
        case Kind::state_set: shown.state_set({{"on", value % 2 == 0}, {"off", value % 2 == 1}}, {{"k", label}}); break;
      }
    }
  }
}

template <class Encoder>
std::string encoded_afresh(const std::vector<Group>& groups) {
  ft::ByteBuffer out;
  Encoder encoder{out};
  show(encoder, groups);
  return std::string{out.view()};
}

template <class Encoder>
class TextEncoder : public testing::Test {};
using Encoders = testing::Types<ft::PrometheusTextEncoder, ft::OpenMetricsEncoder>;
TYPED_TEST_SUITE(TextEncoder, Encoders);

/// The text after the header lines of one exponential histogram `x`, shown to an encoder that may remember it.
std::string shown(ft::Visitor& encoder, ft::ByteBuffer& out, const ft::ExponentialPoint& point, std::uint64_t id = 1) {
  out.clear();
  ft::ShownCollection{encoder}.family("x", Kind::exponential_histogram).id(id).exponential(point);
  std::string text{out.view()};
  text.erase(0, text.find("x_bucket"));
  return text.substr(0, text.find("x_sum"));
}

// An encoder that keeps what it rendered must write what one without memory writes, however families and series come,
// go and move. Mutation seen red: LineCache::find without the comparison of ids.
TYPED_TEST(TextEncoder, what_is_kept_between_collections_never_shows) {
  std::mt19937 random{5};
  constexpr Kind kinds[] = {Kind::counter,   Kind::up_down_counter,       Kind::gauge, Kind::histogram,
                            Kind::state_set, Kind::exponential_histogram, Kind::info};
  std::vector<Group> groups;
  std::uint64_t next_id = 1;
  ft::ByteBuffer out;
  TypeParam encoder{out};

  for (int round = 0; round < 1000; ++round) {
    const auto change = random() % 6;
    if (change == 0 && groups.size() < 12) {
      const Kind kind = kinds[random() % std::size(kinds)];
      groups.insert(groups.begin() + static_cast<std::ptrdiff_t>(random() % (groups.size() + 1)),
                    {"family_" + std::to_string(round), kind, {}});
    } else if (change == 1 && !groups.empty()) {
      groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(random() % groups.size()));
    } else if (change < 4 && !groups.empty()) {
      auto& series = groups[random() % groups.size()].series;
      series.insert(series.begin() + static_cast<std::ptrdiff_t>(random() % (series.size() + 1)),
                    {next_id, std::string(random() % 40, 'l') + std::to_string(next_id), 0});
      ++next_id;
    } else if (change == 4 && !groups.empty()) {
      auto& series = groups[random() % groups.size()].series;
      if (!series.empty()) series.erase(series.begin() + static_cast<std::ptrdiff_t>(random() % series.size()));
    }
    for (Group& group : groups) {
      for (Shape& shape : group.series) shape.value += random() % 3;
    }

    out.clear();
    show(encoder, groups);
    ASSERT_EQ(out.view(), encoded_afresh<TypeParam>(groups)) << "in round " << round;
  }
}

// Mutation seen red: add_bounds given an empty list each time.
TYPED_TEST(TextEncoder, a_bound_that_was_shown_stays_though_its_values_become_zeros) {
  ft::ByteBuffer out;
  TypeParam encoder{out};
  const std::vector<std::uint64_t> before{3, 0, 2};
  const std::vector<std::uint64_t> after{2};
  EXPECT_EQ(shown(encoder, out,
                  {.scale = 0, .offset = -1, .zero_threshold = 0, .zero_count = 1, .buckets = before, .sum = 9}),
            "x_bucket{le=\"0.5\"} 1\nx_bucket{le=\"1.0\"} 4\nx_bucket{le=\"2.0\"} 4\nx_bucket{le=\"4.0\"} 6\n"
            "x_bucket{le=\"+Inf\"} 6\n");
  EXPECT_EQ(
      shown(encoder, out, {.scale = 0, .offset = 1, .zero_threshold = 1, .zero_count = 4, .buckets = after, .sum = 9}),
      "x_bucket{le=\"0.5\"} 1\nx_bucket{le=\"1.0\"} 4\nx_bucket{le=\"2.0\"} 4\nx_bucket{le=\"4.0\"} 6\n"
      "x_bucket{le=\"+Inf\"} 6\n");
}

// Mutation seen red: a block rendered only when there is none.
TYPED_TEST(TextEncoder, bounds_are_added_as_the_range_grows) {
  ft::ByteBuffer out;
  TypeParam encoder{out};
  const std::vector<std::uint64_t> one{1};
  const std::vector<std::uint64_t> three{1, 0, 1};
  static_cast<void>(
      shown(encoder, out, {.scale = 0, .offset = 0, .zero_threshold = 0, .zero_count = 0, .buckets = one, .sum = 2}));
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(shown(encoder, out,
                    {.scale = 0, .offset = 0, .zero_threshold = 0, .zero_count = 0, .buckets = three, .sum = 9}),
              "x_bucket{le=\"1.0\"} 0\nx_bucket{le=\"2.0\"} 1\nx_bucket{le=\"4.0\"} 1\nx_bucket{le=\"8.0\"} 2\n"
              "x_bucket{le=\"+Inf\"} 2\n");
  }
}

TYPED_TEST(TextEncoder, bounds_go_with_their_series) {
  ft::ByteBuffer out;
  TypeParam encoder{out};
  const std::vector<std::uint64_t> wide{1, 0, 0, 1};
  const std::vector<std::uint64_t> narrow{1};
  const ft::ExponentialPoint point{
      .scale = 0, .offset = 0, .zero_threshold = 0, .zero_count = 0, .buckets = narrow, .sum = 2};
  static_cast<void>(
      shown(encoder, out, {.scale = 0, .offset = 0, .zero_threshold = 0, .zero_count = 0, .buckets = wide, .sum = 9}));
  EXPECT_EQ(shown(encoder, out, point, 2), "x_bucket{le=\"1.0\"} 0\nx_bucket{le=\"2.0\"} 1\nx_bucket{le=\"+Inf\"} 1\n");
  EXPECT_EQ(shown(encoder, out, point, 1), "x_bucket{le=\"1.0\"} 0\nx_bucket{le=\"2.0\"} 1\nx_bucket{le=\"+Inf\"} 1\n");
}

}  // namespace text_encoders_test
