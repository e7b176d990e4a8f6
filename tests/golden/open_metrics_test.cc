// SPDX-License-Identifier: Apache-2.0
//
// The bytes of OpenMetrics 1.0's text format, one small file per rule in open_metrics/, and one with every kind and
// hostile text. `tools/update_golden.py` writes them anew; a strict parser and a real Prometheus read these very files
// in tests/conformance/prometheus. Numbers, bounds and the order of labels are those of format 0.0.4 and have their
// files there. Without a case: P-37, until something has resource attributes, and summaries, until something has
// quantiles.
#include "fast_telemetry/encoding/open_metrics.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/golden/golden.h"
#include "tests/support/shown_collection.h"

namespace ft = fast_telemetry;
using ft::Kind;
using ft::Unit;

namespace open_metrics_test {

constexpr std::int64_t second = 1'000'000'000;

struct Trace {
  std::byte id[16];
  std::byte span[8];
};

consteval Trace trace_of(unsigned char seed) {
  Trace trace{};
  for (std::size_t i = 0; i < 16; ++i) trace.id[i] = static_cast<std::byte>(seed + 17 * i);
  for (std::size_t i = 0; i < 8; ++i) trace.span[i] = static_cast<std::byte>(255 - seed - 17 * i);
  return trace;
}

constexpr Trace first_trace = trace_of(1);
constexpr Trace second_trace = trace_of(7);

struct GoldenCase {
  const char* rule;
  void (*show)(ft::ShownCollection& shown);
  ft::OpenMetricsOptions options = {};
};

class OpenMetricsGolden : public testing::TestWithParam<GoldenCase> {};

const GoldenCase cases[] = {
    // P-21: the six bytes.
    {"nothing_is_an_end", [](ft::ShownCollection&) {}},
    // P-23, PRM-3: `_total` on samples only.
    {"counter_family_bears_no_total",
     [](ft::ShownCollection& shown) {
       shown.family("http_requests", Kind::counter, "Requests read completely.").counter(17, {{"code", "200"}});
     }},
    // P-22, P-33: a family without points, or without help, says no more than it has.
    {"families_are_whole",
     [](ft::ShownCollection& shown) {
       shown.family("requests", Kind::counter, "All.")
           .counter(1, {{"k", "a"}})
           .counter(2, {{"k", "b"}})
           .family("idle", Kind::counter)
           .family("limit", Kind::gauge, "Most at once.")
           .gauge(-3);
     }},
    // P-25
    {"type_then_unit_then_help",
     [](ft::ShownCollection& shown) {
       shown.family("received_bytes", Kind::counter, "From clients.", Unit::bytes)
           .counter(5)
           .family("load_ratio", Kind::gauge, {}, Unit::ratio)
           .float_gauge(0.5);
     }},
    // P-24, P-27: kinds that 0.0.4 has no word for, and one that OpenMetrics has none for either.
    {"info_state_set_and_up_down_counter",
     [](ft::ShownCollection& shown) {
       shown.family("build", Kind::info, "What runs.")
           .info({{"version", "1.2.3"}, {"commit", "abc"}})
           .family("breaker", Kind::state_set, "Of the upstream.")
           .state_set({{"closed", false}, {"open", true}}, {{"upstream", "a"}})
           .state_set({{"closed", true}})
           .family("in_flight", Kind::up_down_counter, "Now.")
           .up_down_counter(-2);
     }},
    // P-36: no label twice.
    {"a_state_set_has_its_own_label_once",
     [](ft::ShownCollection& shown) {
       shown.family("breaker", Kind::state_set).state_set({{"open", true}}, {{"breaker", "x"}, {"upstream", "a"}});
     }},
    // P-23, P-30: seconds, for counters and histograms.
    {"created",
     [](ft::ShownCollection& shown) {
       shown.born(1'520'430'000 * second + 123'000'000)
           .family("http_requests", Kind::counter)
           .counter(17, {{"code", "200"}})
           .family("latency_seconds", Kind::histogram)
           .histogram({0.5}, {1, 2}, 3)
           .family("limit", Kind::gauge)
           .gauge(1);
     },
     {.created = true}},
    // P-28: neither _sum nor _count, and the count is that of +Inf.
    {"histogram_of_negative_values",
     [](ft::ShownCollection& shown) {
       shown.family("negative_bound", Kind::histogram)
           .histogram({-1, 0}, {2, 1, 0}, -5.5)
           .histogram({-1, 0}, {0, 0, 2}, 5.5, {{"k", "no negative value"}})
           .family("negative_sum", Kind::histogram)
           .histogram({0, 1}, {2, 1, 0}, -5.5)
           .histogram({0, 1}, {0, 1, 2}, 5.5, {{"k", "positive"}});
     }},
    // P-32: a bound per power of two.
    {"exponential_histogram",
     [](ft::ShownCollection& shown) {
       static constexpr std::uint64_t buckets[] = {3, 0, 2, 1, 1};
       shown.family("size", Kind::exponential_histogram, "Of things.")
           .exponential(
               {.scale = 1, .offset = -1, .zero_threshold = 1e-9, .zero_count = 4, .buckets = buckets, .sum = 8.5},
               {{"k", "v"}})
           .exponential({.scale = 3, .offset = 0, .zero_threshold = 0, .zero_count = 2, .buckets = {}, .sum = 0},
                        {{"k", "zeros"}});
     }},
    // P-34, P-35, W-54. A real Prometheus gives these back from its store.
    {"exemplars",
     [](ft::ShownCollection& shown) {
       static constexpr ft::Label path[] = {{"path", "/a \"quoted\" \\ \n größe"}};
       static const std::string long_text(100, 'x');
       static const ft::Label too_long[] = {{"text", long_text}};
       static const ft::Exemplar with_label{.value = 1,
                                            .time_unix_ns = 1'700'000'000 * second + 789'000'000,
                                            .trace_id = first_trace.id,
                                            .span_id = first_trace.span,
                                            .labels = path};
       static const ft::Exemplar shortened{.value = 0.25,
                                           .time_unix_ns = 1'700'000'001 * second,
                                           .trace_id = second_trace.id,
                                           .span_id = second_trace.span,
                                           .labels = too_long};
       static const ft::Exemplar without_ids{
           .value = 0.75, .time_unix_ns = 1'700'000'002 * second, .trace_id = {}, .span_id = {}, .labels = {}};
       static const ft::Exemplar large{
           .value = 3, .time_unix_ns = 1'700'000'003 * second, .trace_id = first_trace.id, .span_id = {}, .labels = {}};
       static const ft::Exemplar* const of_powers[] = {&large};
       static constexpr std::uint64_t powers[] = {3, 0, 2};
       shown.family("http_requests", Kind::counter)
           .counter(17, {{"code", "200"}}, &with_label)
           .float_counter(1.5, {}, &shortened)
           .family("latency_seconds", Kind::histogram)
           .histogram({0.5, 1}, {1, 1, 1}, 4, {{"code", "200"}}, {&shortened, &without_ids, &large})
           .histogram({0.5, 1}, {1, 1, 1}, 4, {}, {nullptr, nullptr, nullptr})
           .family("size", Kind::exponential_histogram)
           .exponential({.scale = 0,
                         .offset = -1,
                         .zero_threshold = 0,
                         .zero_count = 0,
                         .buckets = powers,
                         .sum = 8.5,
                         .exemplars = of_powers});
     }},
    // P-34. On its own, because Python's parser takes the first brace for the end of the labels.
    {"a_brace_in_an_exemplar",
     [](ft::ShownCollection& shown) {
       static constexpr ft::Label labels[] = {{"path", "\"} 9\n# EOF\n{"}};
       static const ft::Exemplar exemplar{
           .value = 0.5, .time_unix_ns = 1'700'000'000 * second, .trace_id = {}, .span_id = {}, .labels = labels};
       shown.family("a", Kind::counter).counter(1, {{"x", "} # {"}}, &exemplar);
     }},
    // P-22, P-31, P-7, P-8, P-17, S-21: whatever the text, it adds no line, no label and no end.
    {"every_kind_with_hostile_text",
     [](ft::ShownCollection& shown) {
       using namespace std::string_view_literals;
       static constexpr std::string_view help = "a\"b\\c\nd # EOF\n# EOF\n nul:\0, bad: \xff, größe"sv;
       static constexpr std::string_view value = "q\"\\\n # {trace_id=\"1\"} 1\n# EOF\n,}{=\r\xc3("sv;
       static constexpr ft::Label labels[] = {{"path", "\" 9\n# EOF\n"}};
       static const ft::Exemplar exemplar{
           .value = 0.5, .time_unix_ns = 0, .trace_id = first_trace.id, .span_id = first_trace.span, .labels = labels};
       static constexpr std::uint64_t buckets[] = {1, 2};
       shown.family("a", Kind::counter, help)
           .counter(1, {{"x", value}, {"empty", ""}}, &exemplar)
           .family("b", Kind::up_down_counter, help)
           .up_down_counter(-1, {{"x", value}})
           .family("c", Kind::gauge, help)
           .float_gauge(-0.5, {{"x", value}})
           .family("d", Kind::histogram, help)
           .histogram({1}, {1, 1}, 3, {{"x", value}}, {&exemplar, nullptr})
           .family("e", Kind::exponential_histogram, help)
           .exponential({.scale = 0, .offset = 0, .zero_threshold = 0, .zero_count = 1, .buckets = buckets, .sum = 8.5},
                        {{"x", value}})
           .family("f", Kind::info, help)
           .info({{"x", value}})
           .family("g", Kind::state_set, help)
           .state_set({{value, true}, {"off", false}}, {{"x", value}});
     }},
};

TEST_P(OpenMetricsGolden, is_written_as_reviewed) {
  ft::ByteBuffer out;
  ft::OpenMetricsEncoder encoder{out, GetParam().options};
  for (int collection = 0; collection < 2; ++collection) {  // the second from what was kept
    out.clear();
    {
      ft::ShownCollection shown{encoder};
      GetParam().show(shown);
    }
    EXPECT_TRUE(ft::golden_matches(std::string{"open_metrics/"} + GetParam().rule + ".txt", out.view()));
  }
}

INSTANTIATE_TEST_SUITE_P(rules, OpenMetricsGolden, testing::ValuesIn(cases),
                         [](const auto& test) { return std::string{test.param.rule}; });

}  // namespace open_metrics_test
