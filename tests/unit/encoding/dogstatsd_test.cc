// SPDX-License-Identifier: Apache-2.0
//
// What DogStatsD packets say, read by a strict parser of our own (tests/support/dogstatsd_parser.h).
#include "fast_telemetry/encoding/dogstatsd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/distribution.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/sampled_timer.h"
#include "tests/support/dogstatsd_parser.h"
#include "tests/support/shown_collection.h"

namespace ft = fast_telemetry;
using ft::DogStatsdParser;
using ft::DogStatsdSample;
using ft::Kind;
using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

namespace dogstatsd_test {

constexpr ft::Collection window{.time_unix_ns = 1'700'000'000'999'999'999,
                                .since_unix_ns = 1'699'999'990'000'000'000,
                                .temporality = ft::Temporality::delta};

std::string text_of(const ft::DogStatsdEncoder& encoder) {
  std::string text;
  for (std::size_t i = 0; i < encoder.packet_count(); ++i) text += encoder.packet(i);
  return text;
}

std::vector<DogStatsdSample> samples_of(const ft::DogStatsdEncoder& encoder) {
  return DogStatsdParser::packet(text_of(encoder));
}

std::uint64_t count_of(const std::vector<DogStatsdSample>& samples) {
  return std::accumulate(samples.begin(), samples.end(), std::uint64_t{0},
                         [](std::uint64_t count, const DogStatsdSample& sample) { return count + sample.count(); });
}

double sum_of(const std::vector<DogStatsdSample>& samples) {
  return std::accumulate(samples.begin(), samples.end(), 0.0,
                         [](double sum, const DogStatsdSample& sample) { return sum + sample.sum(); });
}

/// A registry, the reader that the encoder wants, and the encoder.
struct DogStatsd : testing::Test {
  ft::Registry registry;
  ft::Reader reader{registry, ft::DogStatsdEncoder::reader_options};
  ft::DogStatsdEncoder encoder;

  std::string encoded() {
    reader.collect().visit(encoder);
    reader.accept();
    return text_of(encoder);
  }
};

// DSD-1, DSD-2: the original's lines; types h, ms and s are not used either.
TEST(DogStatsdEncoder, writes_a_line_per_point) {
  ft::DogStatsdEncoder encoder;
  ft::ShownCollection{encoder, window}
      .family("requests", Kind::counter)
      .counter(7)
      .counter(1'234'567'890'123'456'789, {{"method", "get"}, {"code", "200"}})
      .family("cpu", Kind::counter)
      .float_counter(0.25)
      .family("open", Kind::up_down_counter)
      .up_down_counter(-3)
      .family("load", Kind::gauge)
      .gauge(std::numeric_limits<std::int64_t>::min())
      .float_gauge(0.5)
      .family("build", Kind::info)
      .info({{"version", "1.2"}})
      .family("state", Kind::state_set)
      .state_set({{"on", true}, {"off", false}}, {{"disk", "sda"}});
  EXPECT_EQ(text_of(encoder),
            "requests:7|c\n"
            "requests:1234567890123456789|c|#method:get,code:200\n"
            "cpu:0.25|c\n"
            "open:-3|g\n"
            "load:-9223372036854775808|g\n"
            "load:0.5|g\n"
            "build:1|g|#version:1.2\n"
            "state:1|g|#disk:sda,state:on\n"
            "state:0|g|#disk:sda,state:off\n");
  EXPECT_EQ(samples_of(encoder).size(), 9u);
  EXPECT_EQ(encoder.info().lines, 9u);
}

// DSD-3. No bare `|#` (W-55), and a label stands for a constant tag of its key.
TEST(DogStatsdEncoder, has_the_series_labels_first_then_the_constant_tags) {
  ft::DogStatsdEncoder encoder{{.tags = {{"env", "prod"}, {"method", "none"}, {"empty", ""}}}};
  ft::ShownCollection{encoder, window}
      .family("a", Kind::counter)
      .counter(1)
      .counter(1, {{"method", "get"}})
      .counter(1, {{"method", ""}});
  EXPECT_EQ(text_of(encoder),
            "a:1|c|#env:prod,method:none\n"
            "a:1|c|#method:get,env:prod\n"
            "a:1|c|#env:prod,method:none\n");
}

// W-55. The series stays known: its next line is the same. Mutation seen red: write_increase without its condition.
TEST(DogStatsdEncoder, has_no_line_for_a_counter_that_did_not_rise) {
  ft::DogStatsdEncoder encoder;
  for (const std::uint64_t increase : {3u, 0u, 5u}) {
    ft::ShownCollection{encoder, window}
        .family("a", Kind::counter)
        .counter(increase)
        .float_counter(static_cast<double>(increase));
    const std::string line = "a:" + std::to_string(increase) + "|c\n";
    EXPECT_EQ(text_of(encoder), increase == 0 ? "" : line + line);
  }
  EXPECT_EQ(encoder.packet_count(), 1u);
}

// DSD-7: the original can also send totals, which agents add up again; here the assertion in `begin` says so.
TEST_F(DogStatsd, counters_are_increases_and_up_down_counters_levels) {
  ft::Counter requests{registry, {.name = "requests"}};
  ft::UpDownCounter open{registry, {.name = "open"}};
  requests.add(5);
  open.add(3);
  EXPECT_EQ(encoded(), "requests:5|c\nopen:3|g\n");
  requests.add(2);
  open.sub();
  EXPECT_EQ(encoded(), "requests:2|c\nopen:2|g\n");
  EXPECT_EQ(encoded(), "open:2|g\n");
}

TEST_F(DogStatsd, names_are_scopes_and_name_joined_by_dots_without_a_unit) {
  const ft::Scope proxy{registry, "proxy", {{"listener", "a"}}};
  ft::Counter sent{ft::Scope{proxy, "pool"}, {.name = "sent", .unit = ft::Unit::bytes}};
  sent.add(1);
  EXPECT_EQ(encoded(), "proxy.pool.sent:1|c|#listener:a\n");
}

// W-53. Whatever a value has in it, there is one line with one value. Mutation seen red: append_dogstatsd_tag without
// the check of characters.
TEST_F(DogStatsd, no_text_of_others_makes_a_field_or_a_line) {
  ft::Dynamic<ft::Counter, 1> hostile{registry, {.name = "hostile"}, {"host"}, {.max_series = 300}};
  std::mt19937 random{1};
  for (int i = 0; i < 200; ++i) {
    std::string value = "v" + std::to_string(i);
    for (int k = 0; k < 8; ++k) value += "|,#:\n\r\\@ \"\0\xff\xc3\xb6T1"[random() % 17];
    hostile.at(value).add(1);
  }
  encoded();
  const auto samples = samples_of(encoder);
  EXPECT_EQ(samples.size(), 200u);
  for (const DogStatsdSample& sample : samples) {
    EXPECT_EQ(sample.name, "hostile");
    EXPECT_THAT(sample.values, ElementsAre(1));
    EXPECT_EQ(sample.tags.size(), 1u);
    EXPECT_TRUE(sample.tags[0].starts_with("host_:v"));
  }
}

TEST(DogStatsdEncoder, cleans_the_names_and_fields_of_others) {
  ft::DogStatsdEncoder encoder{{.tags = {{"a|b", "c,d"}},
                                .container_id = "ci-1|2\n3",
                                .external_data = "it-false,cn-x|y",
                                .cardinality = "low"}};
  ft::ShownCollection{encoder, window}.family("a:1|c\nb", Kind::counter).counter(1);
  EXPECT_EQ(text_of(encoder), "a_1_c_b:1|c|#a_b:c_d|c:ci-123|e:it-false,cn-xy|card:low\n");
  EXPECT_EQ(samples_of(encoder).at(0).container, "ci-123");
}

// D-14: a key that only this option can set. Mutation seen red: the id written as it is.
TEST(DogStatsdEncoder, tells_the_entity_on_every_line_by_a_tag_that_no_label_can_be) {
  ft::DogStatsdEncoder encoder{{.tags = {{"dd.internal.entity_id", "forged"}}, .entity_id = "75a2b6d5-11|x,y\n"}};
  ft::ShownCollection{encoder, window}
      .family("c", Kind::counter)
      .counter(1)
      .family("s", Kind::state_set)
      .state_set({{"on", true}});
  EXPECT_EQ(text_of(encoder),
            "c:1|c|#dd.internal.entity_id_:forged,dd.internal.entity_id:75a2b6d5-11_x_y_\n"
            "s:1|g|#dd.internal.entity_id_:forged,dd.internal.entity_id:75a2b6d5-11_x_y_,s:on\n");
}

// DSD-6: the original prints infinities and NaN as text, which agents read as such.
TEST(DogStatsdEncoder, drops_and_counts_what_is_not_finite) {
  ft::DogStatsdEncoder encoder;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  ft::ShownCollection{encoder, window}
      .family("g", Kind::gauge)
      .float_gauge(infinity)
      .float_gauge(-infinity)
      .float_gauge(std::nan(""))
      .float_gauge(9007199254740991)
      .float_gauge(1e-7)
      .family("c", Kind::counter)
      .float_counter(std::nan(""));
  EXPECT_EQ(text_of(encoder), "g:9007199254740991|g\ng:0.0000001|g\n");
  EXPECT_EQ(encoder.info().dropped_not_finite, 4u);
}

TEST(DogStatsdEncoder, has_the_time_on_counters_and_gauges_when_asked) {
  ft::DogStatsdEncoder encoder{{.container_id = "in-7", .timestamps = true}};
  const auto show = [&](const ft::Collection& collection) {
    ft::ShownCollection{encoder, collection}
        .family("c", Kind::counter)
        .counter(1)
        .family("g", Kind::gauge)
        .float_gauge(0.5)
        .family("s", Kind::state_set)
        .state_set({{"on", true}})
        .family("h", Kind::histogram)
        .histogram({1}, {1, 0}, 0.5);
    return text_of(encoder);
  };
  EXPECT_EQ(show(window),
            "c:1|c|c:in-7|T1700000000\n"
            "g:0.5|g|c:in-7|T1700000000\n"
            "s:1|g|#s:on|c:in-7|T1700000000\n"
            "h:0.5|d|c:in-7\n");
  for (const DogStatsdSample& sample : samples_of(encoder)) EXPECT_EQ(sample.timestamp == 0, sample.type == "d");
  ft::Collection before_1970 = window;
  before_1970.time_unix_ns = -1;
  EXPECT_EQ(show(before_1970).find('T'), std::string::npos);
}

// ── distributions ──────────────────────────────────────────────────────────────────────────────────────────────────

// DSD-4, DSD-5. The original sends a histogram's count and sum alone.
TEST(DogStatsdEncoder, packs_few_observations_and_samples_many) {
  ft::DogStatsdEncoder encoder;
  ft::ShownCollection{encoder, window}
      .family("h", Kind::histogram)
      .histogram({1, 2, 4}, {2, 0, 1'000'000, 0}, 2 * 0.5 + 1'000'000 * 3.0, {{"k", "v"}});
  EXPECT_EQ(text_of(encoder), "h:3|d|@0.000001|#k:v\nh:0.5:0.5|d|#k:v\n");
}

TEST(DogStatsdEncoder, has_no_line_for_a_histogram_without_observations) {
  ft::DogStatsdEncoder encoder;
  ft::ShownCollection{encoder, window}
      .family("h", Kind::histogram)
      .histogram({1}, {0, 0}, 0)
      .family("e", Kind::exponential_histogram)
      .exponential({.scale = 3, .offset = 0, .zero_threshold = 1, .zero_count = 0, .buckets = {}, .sum = 0});
  EXPECT_THAT(text_of(encoder), IsEmpty());
}

// Mutations seen red: sample_rate without its loop; zero_count left out.
TEST_F(DogStatsd, an_agent_computes_the_exact_count_and_the_sum_of_every_histogram) {
  ft::Histogram latency{registry, {.name = "latency", .unit = ft::Unit::seconds}, ft::buckets::latency};
  ft::FloatHistogram ratio{registry, {.name = "ratio"}, ft::FloatBounds{0.1, 0.5, 0.9}};
  ft::Distribution size{registry, {.name = "size"}, ft::Range{1, 1'000'000}};
  ft::FloatDistribution level{registry, {.name = "level"}, ft::FloatRange{0.001, 1000}};
  std::mt19937_64 random{9};
  for (const std::uint64_t observations : {1u, 2u, 49u, 1000u, 20'000u}) {
    double sums[4] = {};
    std::lognormal_distribution<double> shape{0, 2};
    for (std::uint64_t i = 0; i < observations; ++i) {
      const double value = shape(random);
      const auto whole = static_cast<std::uint64_t>(value * 1000);
      latency.record(std::chrono::nanoseconds{whole});
      ratio.record(value);
      size.record(whole);
      level.record(value);
      sums[0] += static_cast<double>(whole) * 1e-9;
      sums[1] += value;
      sums[2] += static_cast<double>(whole);
      sums[3] += value;
    }
    encoded();
    const auto samples = samples_of(encoder);
    const char* const names[] = {"latency", "ratio", "size", "level"};
    for (std::size_t i = 0; i < 4; ++i) {
      std::vector<DogStatsdSample> of_one;
      for (const DogStatsdSample& sample : samples) {
        if (sample.name == names[i]) of_one.push_back(sample);
        EXPECT_EQ(sample.type, "d");
      }
      EXPECT_EQ(count_of(of_one), observations) << names[i];
      EXPECT_NEAR(sum_of(of_one), sums[i], std::abs(sums[i]) * 1e-6) << names[i];
    }
  }
}

TEST_F(DogStatsd, a_duration_is_in_seconds_and_alone_is_itself) {
  ft::Distribution latency{registry, {.name = "latency"}, ft::Range::latency()};
  latency.record(12'340us);
  EXPECT_EQ(encoded(), "latency:0.01234|d\n");
}

// DSD-4. A timer is its calls, and the distribution of those that were timed.
TEST_F(DogStatsd, a_sampled_timer_is_a_counter_and_a_distribution) {
  ft::SampledTimer timer{registry, {.name = "work"}, ft::buckets::latency, 1};
  timer.record_elapsed(2ms);
  EXPECT_EQ(encoded(), "work_calls:1|c\nwork_samples:0.002|d\nwork_sample_stride:1|g\n");
}

TEST(DogStatsdEncoder, no_value_lies_outside_its_bucket) {
  ft::DogStatsdEncoder encoder;
  const std::vector<std::uint64_t> buckets{1, 2, 3};
  ft::ShownCollection{encoder, window}
      .family("e", Kind::exponential_histogram)
      .exponential({.scale = 0, .offset = 1, .zero_threshold = 0.5, .zero_count = 1, .buckets = buckets, .sum = 1e6});
  EXPECT_EQ(text_of(encoder), "e:0.5:4:8:8:16:16:16|d\n");
}

// ── packets ────────────────────────────────────────────────────────────────────────────────────────────────────────

// DSX-3. Mutations seen red: the newline not counted; begin_packet without packet_begin_.
TEST(DogStatsdEncoder, packets_have_whole_lines_and_no_more_than_their_limit) {
  std::mt19937 random{2};
  for (const std::size_t limit : {64u, 100u, 512u, 1432u, 8192u}) {
    ft::DogStatsdEncoder encoder{{.max_packet_bytes = limit}};
    std::uint64_t observations = 0;
    {
      ft::ShownCollection shown{encoder, window};
      shown.family("requests", Kind::counter);
      for (int i = 0; i < 500; ++i) {
        const std::string label(random() % 40, 'x');
        shown.counter(1 + random() % 1'000'000, {{"k", label}});
      }
      shown.family("latency", Kind::histogram);
      for (std::uint64_t i = 1; i < 50; ++i) {
        shown.histogram({0.123456, 0.234567}, {i, 2 * i, i * i}, static_cast<double>(i), {{"k", "v"}});
        observations += 3 * i + i * i;
      }
    }
    std::size_t lines = 0;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < encoder.packet_count(); ++i) {
      EXPECT_LE(encoder.packet(i).size(), limit);
      const auto samples = DogStatsdParser::packet(encoder.packet(i));
      lines += samples.size();
      for (const DogStatsdSample& sample : samples) seen += sample.type == "d" ? sample.count() : 0;
      // Packed greedily: the next line would not have had room.
      if (i + 1 == encoder.packet_count()) continue;
      const std::string_view next = encoder.packet(i + 1);
      EXPECT_GT(encoder.packet(i).size() + next.find('\n') + 1, limit);
    }
    EXPECT_EQ(lines, encoder.info().lines);
    if (limit >= 100) {
      EXPECT_EQ(encoder.info().dropped_too_long, 0u);
      EXPECT_EQ(seen, observations);
    }
  }
}

TEST(DogStatsdEncoder, drops_and_counts_a_line_that_no_packet_can_have) {
  ft::DogStatsdEncoder encoder{{.max_packet_bytes = 20}};
  ft::ShownCollection{encoder, window}
      .family("a", Kind::counter)
      .counter(1)
      .counter(1, {{"k", "0123456789abcdef"}})
      .counter(2)
      .counter(3, {{"k", "0123456789"}})  // 20 bytes: fits
      .family("h", Kind::histogram)
      .histogram({1}, {3, 0}, 1.5, {{"k", "0123456789abcdef"}});
  EXPECT_EQ(text_of(encoder), "a:1|c\na:2|c\na:3|c|#k:0123456789\n");
  EXPECT_EQ(encoder.packet(1).size(), 20u);
  EXPECT_EQ(encoder.info().lines, 3u);
  EXPECT_EQ(encoder.info().dropped_too_long, 4u);  // each value of the histogram had a line of its own
}

// What is kept of series must not show, however they come and go: an encoder that stays writes what a fresh one does.
TEST(DogStatsdEncoder, what_is_kept_between_collections_never_shows) {
  std::mt19937 random{5};
  ft::DogStatsdEncoder staying;
  for (int round = 0; round < 200; ++round) {
    const auto seed = random();
    const auto show = [seed](ft::DogStatsdEncoder& encoder) {
      std::mt19937 choice{seed};
      ft::ShownCollection shown{encoder, window};
      for (std::uint64_t family = 0; family < 3; ++family) {
        const std::string name = "f" + std::to_string(family);
        shown.family(name, family == 1 ? Kind::gauge : Kind::counter);
        for (std::uint64_t series = 0; series < 10; ++series) {
          if (choice() % 4 == 0) continue;
          const std::string label = std::to_string(series);
          shown.id(100 * family + series);
          if (family == 1) {
            shown.gauge(static_cast<std::int64_t>(choice() % 3), {{"s", label}});
          } else {
            shown.counter(choice() % 3, {{"s", label}});
          }
        }
      }
    };
    ft::DogStatsdEncoder fresh;
    show(staying);
    show(fresh);
    ASSERT_EQ(text_of(staying), text_of(fresh));
  }
}

}  // namespace dogstatsd_test
