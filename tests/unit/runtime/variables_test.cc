// SPDX-License-Identifier: Apache-2.0
//
// The rules that all variables share, each variable with the values that try them.
#include <gmock/gmock.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/unit/runtime/environment_of.h"

namespace ft = fast_telemetry;
using ft::testing_support::environment_of;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace variables_test {

constexpr std::int64_t ms_a_day = 24 * 60 * 60 * 1000;

/// A variable that is a number, and where it ends up.
struct NumberCase {
  const char* name;
  std::int64_t otherwise;
  std::int64_t at_zero;  ///< -1: refused
  std::int64_t most;
  std::function<std::int64_t(const ft::TelemetryOptions&)> get;
};

std::int64_t limit_or(const ft::TelemetryOptions& options, std::int64_t (*get)(const ft::SpanLimits&)) {
  return get(options.span_limits.value_or(ft::SpanLimits{}));
}

#if FAST_TELEMETRY_OTLP
std::int64_t metrics_attempt(const ft::TelemetryOptions& options) {
  return options.otlp_metrics->http.delivery.attempt_timeout.count();
}
std::int64_t spans_attempt(const ft::TelemetryOptions& options) {
  return options.otlp_spans->http.delivery.attempt_timeout.count();
}
#endif

const std::vector<NumberCase>& numbers() {
  using Options = ft::TelemetryOptions;
  constexpr std::int64_t most = 2147483647;
  constexpr std::int64_t unlimited = 4294967295;
  static const std::vector<NumberCase> cases{
      // E-17
      {"OTEL_BSP_SCHEDULE_DELAY", 5000, -1, most, [](const Options& o) { return o.spans.interval.count(); }},
      {"OTEL_BSP_EXPORT_TIMEOUT", 30000, ms_a_day, most, [](const Options& o) { return o.spans.timeout.count(); }},
      // E-25
      {"OTEL_METRIC_EXPORT_INTERVAL", 60000, -1, most, [](const Options& o) { return o.metrics.interval.count(); }},
      {"OTEL_METRIC_EXPORT_TIMEOUT", 30000, ms_a_day, most, [](const Options& o) { return o.metrics.timeout.count(); }},
      // E-19, E-20, E-21
      {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", unlimited, 0, most,
       [](const Options& o) {
         return limit_or(o, [](const ft::SpanLimits& l) -> std::int64_t { return l.value_characters; });
       }},
      {"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", unlimited, 0, most,
       [](const Options& o) {
         return limit_or(o, [](const ft::SpanLimits& l) -> std::int64_t { return l.value_characters; });
       }},
      {"OTEL_ATTRIBUTE_COUNT_LIMIT", 128, 0, 65535,
       [](const Options& o) {
         return limit_or(o, [](const ft::SpanLimits& l) -> std::int64_t { return l.attributes; });
       }},
      {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", 128, 0, 65535,
       [](const Options& o) {
         return limit_or(o, [](const ft::SpanLimits& l) -> std::int64_t { return l.attributes; });
       }},
      {"OTEL_SPAN_EVENT_COUNT_LIMIT", 128, 0, 65535,
       [](const Options& o) { return limit_or(o, [](const ft::SpanLimits& l) -> std::int64_t { return l.events; }); }},
      {"OTEL_SPAN_LINK_COUNT_LIMIT", 128, 0, 65535,
       [](const Options& o) { return limit_or(o, [](const ft::SpanLimits& l) -> std::int64_t { return l.links; }); }},
      {"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", 128, 0, 65535,
       [](const Options& o) {
         return limit_or(o, [](const ft::SpanLimits& l) -> std::int64_t { return l.attributes_per_event; });
       }},
      {"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", 128, 0, 65535,
       [](const Options& o) {
         return limit_or(o, [](const ft::SpanLimits& l) -> std::int64_t { return l.attributes_per_link; });
       }},
#if FAST_TELEMETRY_OTLP
      // E-32
      {"OTEL_EXPORTER_OTLP_TIMEOUT", 10000, ms_a_day, most, metrics_attempt},
      {"OTEL_EXPORTER_OTLP_TIMEOUT", 10000, ms_a_day, most, spans_attempt},
      {"OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", 10000, ms_a_day, most, metrics_attempt},
      {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", 10000, ms_a_day, most, spans_attempt},
#endif
  };
  return cases;
}

struct Reading {
  std::int64_t value;
  std::vector<std::string> warnings;
};

Reading read(const NumberCase& number, const std::string& text) {
  const ft::EnvironmentOptions options = environment_of({std::string{number.name} + '=' + text});
  return {number.get(options.telemetry), options.warnings};
}

// E-1, E-3, E-4. Mutations seen red: values above 2^31 - 1 let through; the end of the text not looked at.
TEST(Variables, numbers_are_whole_and_in_range_or_as_good_as_not_set) {
  for (const NumberCase& number : numbers()) {
    EXPECT_EQ(number.get(environment_of({}).telemetry), number.otherwise) << number.name;
    for (const char* const empty : {"", " ", "\t "}) {
      const Reading reading = read(number, empty);
      EXPECT_EQ(reading.value, number.otherwise) << number.name;
      EXPECT_THAT(reading.warnings, IsEmpty()) << number.name;
    }
    for (const auto& [text, value] : {std::pair{"5", 5}, {" 5 ", 5}, {"007", 7}, {"65535", 65535}}) {
      const Reading reading = read(number, text);
      EXPECT_EQ(reading.value, value) << number.name << '=' << text;
      EXPECT_THAT(reading.warnings, IsEmpty()) << number.name << '=' << text;
    }
    for (const char* const bad : {"-1", "+5", "5000ms", "0x10", "1.5", "1e3", "five", "5 5", "2147483648",
                                  "18446744073709551616", "99999999999999999999999", "5,"}) {
      const Reading reading = read(number, bad);
      EXPECT_EQ(reading.value, number.otherwise) << number.name << '=' << bad;
      EXPECT_THAT(reading.warnings, ElementsAre(HasSubstr(std::string{number.name} + "='" + bad + "': "))) << bad;
    }
  }
}

// E-4: no limit; no pause is refused. E-19: no attributes at all.
TEST(Variables, zero_is_what_the_variable_makes_of_it) {
  for (const NumberCase& number : numbers()) {
    const Reading reading = read(number, "0");
    EXPECT_EQ(reading.value, number.at_zero < 0 ? number.otherwise : number.at_zero) << number.name;
    EXPECT_EQ(reading.warnings.size(), number.at_zero < 0 ? 1U : 0U) << number.name;
  }
}

TEST(Variables, what_is_more_than_a_span_can_have_is_cut_and_said) {
  for (const NumberCase& number : numbers()) {
    const Reading reading = read(number, "2147483647");
    EXPECT_EQ(reading.value, number.most) << number.name;
    EXPECT_EQ(reading.warnings.size(), number.most == 65535 ? 1U : 0U) << number.name;
  }
}

struct ChoiceCase {
  const char* name;
  std::vector<std::pair<const char*, int>> words;  ///< the first one is the default
  std::function<int(const ft::TelemetryOptions&)> get;
};

#if FAST_TELEMETRY_OTLP
// E-5, E-31, E-35. Mutation seen red: words compared with their case.
TEST(Variables, words_are_the_same_in_any_case_and_unknown_ones_are_ignored) {
  using Options = ft::TelemetryOptions;
  const ChoiceCase cases[] = {
      {"OTEL_EXPORTER_OTLP_COMPRESSION",
       {{"none", 0}, {"gzip", 1}},
       [](const Options& o) { return static_cast<int>(o.otlp_metrics->http.compression); }},
      {"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
       {{"none", 0}, {"gzip", 1}},
       [](const Options& o) { return static_cast<int>(o.otlp_spans->http.compression); }},
      {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
       {{"cumulative", 0}, {"delta", 1}, {"lowmemory", 2}},
       [](const Options& o) { return static_cast<int>(o.otlp_metrics->temporality); }},
  };
  for (const ChoiceCase& one : cases) {
    const std::string name = std::string{one.name} + '=';
    for (const auto& [word, value] : one.words) {
      std::string upper = word;
      for (char& c : upper) c = static_cast<char>(std::toupper(c));
      for (const std::string& text : {std::string{word}, upper, ' ' + upper + ' '}) {
        const ft::EnvironmentOptions options = environment_of({name + text});
        EXPECT_EQ(one.get(options.telemetry), value) << name << text;
        EXPECT_THAT(options.warnings, IsEmpty()) << name << text;
      }
    }
    const std::string last = name + one.words.back().first + 'x';
    const ft::EnvironmentOptions options = environment_of({last});
    EXPECT_EQ(one.get(options.telemetry), 0);
    EXPECT_THAT(options.warnings, ElementsAre(HasSubstr(std::string{one.words.back().first} + "x': unknown")));
  }
}
#endif

// E-2, E-10. Mutation seen red: `1` taken for true.
TEST(Variables, only_true_is_true) {
  for (const char* const text : {"true", "TRUE", "True", " true "}) {
    const ft::EnvironmentOptions options = environment_of({std::string{"OTEL_SDK_DISABLED="} + text});
    EXPECT_TRUE(options.telemetry.is_disabled) << text;
    EXPECT_THAT(options.warnings, IsEmpty());
  }
  for (const char* const text : {"", "false", "FALSE", " "}) {
    const ft::EnvironmentOptions options = environment_of({std::string{"OTEL_SDK_DISABLED="} + text});
    EXPECT_FALSE(options.telemetry.is_disabled) << text;
    EXPECT_THAT(options.warnings, IsEmpty()) << text;
  }
  for (const char* const text : {"1", "yes", "on", "truee", "t", "0"}) {
    const ft::EnvironmentOptions options = environment_of({std::string{"OTEL_SDK_DISABLED="} + text});
    EXPECT_FALSE(options.telemetry.is_disabled) << text;
    EXPECT_EQ(options.warnings.size(), 1U) << text;
  }
}

TEST(Variables, a_name_is_a_whole_name_and_the_first_of_two_counts) {
  const auto interval = [](const std::vector<std::string>& variables) {
    return environment_of(variables).telemetry.metrics.interval;
  };
  EXPECT_EQ(interval({"OTEL_METRIC_EXPORT_INTERVAL=1", "OTEL_METRIC_EXPORT_INTERVAL=2"}), milliseconds{1});
  EXPECT_EQ(interval({"OTEL_METRIC_EXPORT_INTERVALS=1", "XOTEL_METRIC_EXPORT_INTERVAL=1", "OTEL_METRIC_EXPORT_INTERVAL",
                      "OTEL_METRIC_EXPORT_INTERVA=1", "=", ""}),
            milliseconds{60'000});
  EXPECT_EQ(interval({"otel_metric_export_interval=1"}), milliseconds{60'000});
}

}  // namespace variables_test
