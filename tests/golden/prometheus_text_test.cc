// SPDX-License-Identifier: Apache-2.0
//
// The bytes of the text format 0.0.4, one small file per rule in prometheus_text/. `tools/update_golden.py` writes them
// anew; what a real Prometheus makes of the same rules is in tests/conformance/prometheus. Without a case: P-15, until
// something has quantiles, and P-18, until names beyond [a-z0-9_] can be declared at all.
#include "fast_telemetry/encoding/prometheus_text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "tests/golden/golden.h"
#include "tests/support/shown_collection.h"

namespace ft = fast_telemetry;
using ft::Kind;

namespace prometheus_text_test {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct GoldenCase {
  const char* rule;
  void (*show)(ft::ShownCollection& shown);
};

class PrometheusTextGolden : public testing::TestWithParam<GoldenCase> {};

const GoldenCase cases[] = {
    // P-13, PRM-3: metadata and samples bear `_total`.
    {"counter_bears_total",
     [](ft::ShownCollection& shown) {
       shown.family("http_requests", Kind::counter, "Requests read completely.").counter(17, {{"code", "200"}});
     }},
    // P-3, PRM-7: no `{}`.
    {"no_labels_no_braces",
     [](ft::ShownCollection& shown) { shown.family("up_since_seconds", Kind::gauge, "When.").float_gauge(12.5); }},
    // PRM-7
    {"labels_keep_their_order",
     [](ft::ShownCollection& shown) {
       shown.family("x", Kind::counter).counter(1, {{"zone", "a"}, {"command", "get"}, {"outcome", "ok"}});
     }},
    // P-9, P-10, PRM-1: header once, points together, families in the order shown, also one without points.
    {"families_are_whole",
     [](ft::ShownCollection& shown) {
       shown.family("requests", Kind::counter, "All.")
           .counter(1, {{"k", "a"}})
           .counter(2, {{"k", "b"}})
           .family("idle", Kind::counter, "Nothing yet.")
           .family("limit", Kind::gauge, "Most at once.")
           .gauge(-3);
     }},
    // P-9, PRM-1
    {"no_help_no_help_line", [](ft::ShownCollection& shown) { shown.family("x", Kind::gauge).gauge(1); }},
    // P-9, PRM-2: what the format has no word for.
    {"up_down_counter_is_a_gauge",
     [](ft::ShownCollection& shown) { shown.family("in_flight", Kind::up_down_counter, "Now.").up_down_counter(-2); }},
    {"info_is_a_gauge_of_one",
     [](ft::ShownCollection& shown) {
       shown.family("build", Kind::info, "What runs.").info({{"version", "1.2.3"}, {"commit", "abc"}});
     }},
    {"state_set_is_a_gauge_per_state",
     [](ft::ShownCollection& shown) {
       shown.family("breaker", Kind::state_set, "Of the upstream.")
           .state_set({{"closed", false}, {"open", true}, {"half \"open\"", false}}, {{"upstream", "a"}})
           .state_set({{"closed", true}});
     }},
    // P-36: no label twice.
    {"a_state_set_has_its_own_label_once",
     [](ft::ShownCollection& shown) {
       shown.family("breaker", Kind::state_set).state_set({{"open", true}}, {{"breaker", "x"}, {"upstream", "a"}});
     }},
    // P-14, PRM-4: cumulative, `le` after the user's labels, `+Inf` equals the count.
    {"histogram",
     [](ft::ShownCollection& shown) {
       shown.family("latency_seconds", Kind::histogram, "Of requests.")
           .histogram({0.005, 0.5, 1}, {1, 0, 3, 2}, 4.75, {{"command", "get"}})
           .histogram({0.005, 0.5, 1}, {0, 0, 0, 0}, 0);
     }},
    // P-14
    {"histogram_without_bounds",
     [](ft::ShownCollection& shown) { shown.family("x", Kind::histogram).histogram({}, {3}, 1.5); }},
    {"histogram_of_negative_values",
     [](ft::ShownCollection& shown) { shown.family("x", Kind::histogram).histogram({-1, 0}, {2, 1, 0}, -5.5); }},
    // P-32: one spelling for both text formats.
    {"bounds_are_canonical",
     [](ft::ShownCollection& shown) {
       shown.family("x", Kind::histogram)
           .histogram({0.00001, 0.0001, 0.1, 1, 10, 100000, 1e6, 2.5e10}, {1, 1, 1, 1, 1, 1, 1, 1, 1}, 1);
     }},
    // P-14: integers beyond 2^53 can become one double, and no `le` appears twice.
    {"bounds_that_are_one_double",
     [](ft::ShownCollection& shown) {
       shown.family("x", Kind::histogram)
           .histogram({1, 18446744073709551616.0, 18446744073709551616.0}, {1, 2, 4, 8}, 1);
     }},
    // PRM-5: a classic histogram with a bound per power of two in use: (0.5, 1], (2, 4], zero below 1e-9.
    {"exponential_histogram",
     [](ft::ShownCollection& shown) {
       static constexpr std::uint64_t buckets[] = {3, 0, 2};
       shown.family("size", Kind::exponential_histogram, "Of things.")
           .exponential(
               {.scale = 0, .offset = -1, .zero_threshold = 1e-9, .zero_count = 4, .buckets = buckets, .sum = 8.5},
               {{"k", "v"}})
           .exponential({.scale = 1, .offset = 0, .zero_threshold = 0, .zero_count = 0, .buckets = buckets, .sum = 9})
           .exponential({.scale = 3, .offset = 0, .zero_threshold = 0, .zero_count = 0, .buckets = {}, .sum = 0},
                        {{"k", "empty"}});
     }},
    // Powers that are no double other than 0 are not shown; what exceeds all doubles is in `+Inf`.
    {"exponential_histogram_at_the_ends_of_doubles",
     [](ft::ShownCollection& shown) {
       static constexpr std::uint64_t buckets[] = {1, 2, 4, 8};
       shown.family("size", Kind::exponential_histogram)
           .exponential(
               {.scale = -9, .offset = -4, .zero_threshold = 0, .zero_count = 16, .buckets = buckets, .sum = 1})
           .exponential({.scale = -9, .offset = 0, .zero_threshold = 0, .zero_count = 0, .buckets = buckets, .sum = 1},
                        {{"k", "v"}});
     }},
    // P-5, P-8, PRM-9
    {"help_is_escaped",
     [](ft::ShownCollection& shown) {
       using namespace std::string_view_literals;
       shown.family("a", Kind::gauge, "a\"b\\c\nd").gauge(1).family("b", Kind::gauge, "nul:\0, bad: \xff"sv).gauge(2);
     }},
    // P-6, P-7, S-21, PRM-9
    {"label_values_are_escaped",
     [](ft::ShownCollection& shown) {
       shown.family("a", Kind::gauge)
           .gauge(1, {{"x", "q\"\\\n"}})
           .gauge(2, {{"x", "x=\"1\"} 9 # "}})
           .gauge(3, {{"x", "größe"}, {"y", "bad: \xc3("}});
     }},
    // P-17: an empty value is an absent label.
    {"empty_labels_are_absent",
     [](ft::ShownCollection& shown) {
       shown.family("a", Kind::gauge)
           .gauge(1, {{"x", ""}})
           .gauge(2, {{"x", ""}, {"y", "1"}, {"z", ""}})
           .family("h", Kind::histogram)
           .histogram({}, {1}, 1, {{"x", ""}});
     }},
    // P-11, PRM-8, PRM-10: unsigned sums are unsigned, and signed values signed.
    {"numbers",
     [](ft::ShownCollection& shown) {
       shown.family("u", Kind::counter)
           .counter(0)
           .counter(9007199254740993)
           .counter(std::numeric_limits<std::uint64_t>::max())
           .family("i", Kind::gauge)
           .gauge(std::numeric_limits<std::int64_t>::min())
           .family("d", Kind::gauge)
           .float_gauge(0.1)
           .float_gauge(1e300)
           .float_gauge(5e-324)
           .float_gauge(-0.0)
           .float_gauge(100000)
           .float_gauge(std::numeric_limits<double>::quiet_NaN())
           .float_gauge(infinity)
           .float_gauge(-infinity);
     }},
};

/// What follows a sample's name and labels.
std::string_view after_labels(std::string_view line) {
  bool braced = false;
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && line[i] == '{') {
      braced = true;
    } else if (!quoted && line[i] == '}') {
      return line.substr(i + 1);
    } else if (!braced && line[i] == ' ') {
      return line.substr(i);
    }
  }
  return {};
}

// P-2, P-3, P-12, P-16, PRM-11: every line ends, in a newline alone. There are HELP, TYPE and samples, and a sample is
// a name, labels, one blank and a value: no timestamp, no exemplar, no other comment.
TEST_P(PrometheusTextGolden, is_nothing_but_metadata_and_bare_samples) {
  ft::ByteBuffer out;
  ft::PrometheusTextEncoder encoder{out};
  {
    ft::ShownCollection shown{encoder};
    GetParam().show(shown);
  }
  std::string_view text = out.view();
  ASSERT_TRUE(text.ends_with('\n'));
  EXPECT_EQ(text.find('\r'), std::string_view::npos);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    if (line.starts_with("# HELP ") || line.starts_with("# TYPE ")) continue;
    EXPECT_FALSE(line.starts_with('#')) << line;
    const std::string_view value = after_labels(line);
    EXPECT_TRUE(value.size() > 1 && value.rfind(' ') == 0) << line;
  }
}

TEST_P(PrometheusTextGolden, is_written_as_reviewed) {
  ft::ByteBuffer out;
  ft::PrometheusTextEncoder encoder{out};
  for (int collection = 0; collection < 2; ++collection) {  // the second from what was kept
    out.clear();
    {
      ft::ShownCollection shown{encoder};
      GetParam().show(shown);
    }
    EXPECT_TRUE(ft::golden_matches(std::string{"prometheus_text/"} + GetParam().rule + ".txt", out.view()));
  }
}

INSTANTIATE_TEST_SUITE_P(rules, PrometheusTextGolden, testing::ValuesIn(cases),
                         [](const auto& test) { return std::string{test.param.rule}; });

}  // namespace prometheus_text_test
