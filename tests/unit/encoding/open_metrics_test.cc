// SPDX-License-Identifier: Apache-2.0
//
// What the encoder does besides the bytes of each rule of the format, which are in tests/golden.
#include "fast_telemetry/encoding/open_metrics.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "tests/support/shown_collection.h"

namespace ft = fast_telemetry;
using ft::Kind;

namespace open_metrics_test {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

template <class Show>
std::string shown(Show show, ft::OpenMetricsOptions options = {}) {
  ft::ByteBuffer out;
  ft::OpenMetricsEncoder encoder{out, options};
  {
    ft::ShownCollection collection{encoder};
    show(collection);
  }
  return std::string{out.view()};
}

// P-21: exactly the six bytes.
TEST(OpenMetrics, an_empty_collection_is_an_end) {
  EXPECT_EQ(shown([](ft::ShownCollection&) {}), "# EOF\n");
}

// P-21: an exposition that was cut short must not look whole.
TEST(OpenMetrics, a_collection_that_does_not_end_has_no_end) {
  ft::ByteBuffer out;
  ft::OpenMetricsEncoder encoder{out};
  encoder.begin({.time_unix_ns = 0, .since_unix_ns = 0, .temporality = ft::Temporality::cumulative});
  encoder.family({.scope = {}, .name = "x", .full_name = "x", .help = {}, .unit = ft::Unit::none, .kind = Kind::gauge});
  EXPECT_EQ(out.view(), "# TYPE x gauge\n");
}

TEST(OpenMetrics, appends_to_what_the_buffer_holds) {
  ft::ByteBuffer out;
  out.append("before\n");
  ft::OpenMetricsEncoder encoder{out};
  ft::ShownCollection{encoder}.family("x", Kind::gauge).gauge(1);
  EXPECT_EQ(out.view(), "before\n# TYPE x gauge\nx 1\n# EOF\n");
}

// P-25: a visitor of one's own may name a family without its unit.
TEST(OpenMetrics, a_unit_that_the_name_does_not_end_in_is_not_shown) {
  EXPECT_EQ(shown([](ft::ShownCollection& shown) {
              shown.family("x_seconds", Kind::gauge, {}, ft::Unit::seconds)
                  .family("x", Kind::gauge, {}, ft::Unit::seconds)
                  .family("seconds", Kind::gauge, {}, ft::Unit::seconds)
                  .family("y_bytes", Kind::info, {}, ft::Unit::bytes)
                  .family("z_bytes", Kind::state_set, {}, ft::Unit::bytes);
            }),
            "# TYPE x_seconds gauge\n# UNIT x_seconds seconds\n# TYPE x gauge\n# TYPE seconds gauge\n"
            "# TYPE y_bytes info\n# TYPE z_bytes stateset\n# EOF\n");
}

// P-29. Mutation seen red: is_count always true.
TEST(OpenMetrics, what_no_counter_can_be_is_left_out) {
  ft::ByteBuffer out;
  ft::OpenMetricsEncoder encoder{out};
  for (int collection = 0; collection < 2; ++collection) {
    out.clear();
    ft::ShownCollection{encoder}
        .family("x", Kind::counter)
        .float_counter(not_a_number, {{"k", "nan"}})
        .float_counter(-0.5, {{"k", "negative"}})
        .up_down_counter(-1, {{"k", "negative integer"}})
        .float_counter(std::numeric_limits<double>::infinity(), {{"k", "infinite"}})
        .float_counter(0.5, {{"k", "real"}});
    EXPECT_EQ(out.view(), "# TYPE x counter\nx_total{k=\"infinite\"} +Inf\nx_total{k=\"real\"} 0.5\n# EOF\n");
  }
}

// P-34: on anything else it fails the scrape. Mutation seen red: write_sum without its question for the kind.
TEST(OpenMetrics, gauges_and_up_down_counters_show_no_exemplars) {
  const ft::Exemplar exemplar{.value = 1, .time_unix_ns = 0, .trace_id = {}, .span_id = {}, .labels = {}};
  EXPECT_EQ(shown([&](ft::ShownCollection& shown) {
              shown.family("x", Kind::up_down_counter).up_down_counter(1, {}, &exemplar);
              shown.family("y", Kind::gauge).gauge(1, {}, &exemplar);
            }),
            "# TYPE x gauge\nx 1\n# TYPE y gauge\ny 1\n# EOF\n");
}

// P-35: `above < value <= le`. Mutation seen red: the lower bound taken as part of the bucket.
TEST(OpenMetrics, an_exemplar_outside_its_bucket_is_left_out) {
  const auto of = [](double value) {
    return ft::Exemplar{.value = value, .time_unix_ns = 0, .trace_id = {}, .span_id = {}, .labels = {}};
  };
  const ft::Exemplar below = of(1);
  const ft::Exemplar at = of(2);
  const ft::Exemplar none = of(not_a_number);
  EXPECT_EQ(shown([&](ft::ShownCollection& shown) {
              shown.family("x", Kind::histogram).histogram({1, 2}, {1, 1, 1}, 5, {}, {&none, &below, &below});
              shown.family("y", Kind::histogram).histogram({1, 2}, {1, 1, 1}, 5, {}, {nullptr, &at, nullptr});
            }),
            "# TYPE x histogram\nx_bucket{le=\"1.0\"} 1\nx_bucket{le=\"2.0\"} 2\nx_bucket{le=\"+Inf\"} 3\n"
            "x_sum 5\nx_count 3\n"
            "# TYPE y histogram\ny_bucket{le=\"1.0\"} 1\ny_bucket{le=\"2.0\"} 2 # {} 2\ny_bucket{le=\"+Inf\"} 3\n"
            "y_sum 5\ny_count 3\n# EOF\n");
}

// Buckets of an exponential histogram become one line, which has one exemplar.
TEST(OpenMetrics, a_line_of_several_buckets_shows_the_latest_exemplar) {
  const auto of = [](double value, std::int64_t time) {
    return ft::Exemplar{.value = value, .time_unix_ns = time, .trace_id = {}, .span_id = {}, .labels = {}};
  };
  const ft::Exemplar older = of(1.5, 1'000'000'000);
  const ft::Exemplar latest = of(1.25, 3'000'000'000);
  const ft::Exemplar above = of(3, 2'000'000'000);
  const ft::Exemplar* const exemplars[] = {&older, nullptr, &latest, &above};
  const std::vector<std::uint64_t> buckets{1, 1, 1, 0};
  EXPECT_EQ(shown([&](ft::ShownCollection& shown) {
              shown.family("x", Kind::exponential_histogram)
                  .exponential({.scale = 1,
                                .offset = 0,
                                .zero_threshold = 0,
                                .zero_count = 0,
                                .buckets = buckets,
                                .sum = 6,
                                .exemplars = exemplars});
            }),
            "# TYPE x histogram\nx_bucket{le=\"1.0\"} 0\nx_bucket{le=\"2.0\"} 2 # {} 1.25 3\n"
            "x_bucket{le=\"4.0\"} 3 # {} 3 2\nx_bucket{le=\"+Inf\"} 3\nx_sum 6\nx_count 3\n# EOF\n");
}

// A forked child's series have the ids of the parent's and are born again. Mutation seen red: the time kept with the
// line.
TEST(OpenMetrics, created_follows_the_series) {
  ft::ByteBuffer out;
  ft::OpenMetricsEncoder encoder{out, {.created = true}};
  for (const std::int64_t second : {1'520'430'000, 1'600'000'000}) {
    out.clear();
    ft::ShownCollection{encoder}
        .born(second * 1'000'000'000 + 123'000'000)
        .family("x", Kind::counter)
        .counter(1, {{"k", "v"}})
        .family("y", Kind::gauge)
        .gauge(2)
        .family("z", Kind::histogram)
        .histogram({}, {1}, 3);
    const std::string created = std::to_string(second) + ".123\n";
    EXPECT_EQ(out.view(), "# TYPE x counter\nx_total{k=\"v\"} 1\nx_created{k=\"v\"} " + created +
                              "# TYPE y gauge\ny 2\n# TYPE z histogram\nz_bucket{le=\"+Inf\"} 1\nz_sum 3\nz_count 1\n"
                              "z_created " +
                              created + "# EOF\n");
  }
}

TEST(OpenMetricsDeathTest, a_delta_collection_is_refused_in_debug_builds) {
  ft::ByteBuffer out;
  ft::OpenMetricsEncoder encoder{out};
  EXPECT_DEBUG_DEATH(encoder.begin({.time_unix_ns = 0, .since_unix_ns = 0, .temporality = ft::Temporality::delta}),
                     "use a cumulative reader");
}

}  // namespace open_metrics_test
