// SPDX-License-Identifier: Apache-2.0
//
// Every variable with random bytes: nothing crashes, warnings are printable, and the options can be used.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "fast_telemetry/encoding/dogstatsd.h"
#include "tests/unit/runtime/environment_of.h"

namespace ft = fast_telemetry;
using ft::testing_support::environment_of;

namespace environment_random_test {

constexpr std::array names{"OTEL_SDK_DISABLED",
                           "OTEL_RESOURCE_ATTRIBUTES",
                           "OTEL_SERVICE_NAME",
                           "OTEL_TRACES_SAMPLER",
                           "OTEL_TRACES_SAMPLER_ARG",
                           "OTEL_BSP_SCHEDULE_DELAY",
                           "OTEL_BSP_EXPORT_TIMEOUT",
                           "OTEL_BSP_MAX_QUEUE_SIZE",
                           "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                           "OTEL_ATTRIBUTE_COUNT_LIMIT",
                           "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                           "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
                           "OTEL_SPAN_EVENT_COUNT_LIMIT",
                           "OTEL_SPAN_LINK_COUNT_LIMIT",
                           "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
                           "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
                           "OTEL_TRACES_EXPORTER",
                           "OTEL_METRICS_EXPORTER",
                           "OTEL_LOGS_EXPORTER",
                           "OTEL_METRIC_EXPORT_INTERVAL",
                           "OTEL_METRIC_EXPORT_TIMEOUT",
                           "OTEL_EXPORTER_PROMETHEUS_HOST",
                           "OTEL_EXPORTER_PROMETHEUS_PORT",
                           "OTEL_EXPORTER_OTLP_ENDPOINT",
                           "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                           "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
                           "OTEL_EXPORTER_OTLP_PROTOCOL",
                           "OTEL_EXPORTER_OTLP_HEADERS",
                           "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                           "OTEL_EXPORTER_OTLP_COMPRESSION",
                           "OTEL_EXPORTER_OTLP_TIMEOUT",
                           "OTEL_EXPORTER_OTLP_INSECURE",
                           "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
                           "OTEL_PROPAGATORS",
                           "OTEL_LOG_LEVEL",
                           "OTEL_CONFIG_FILE",
                           "DD_AGENT_HOST",
                           "DD_DOGSTATSD_PORT",
                           "DD_DOGSTATSD_URL",
                           "DD_ENV",
                           "DD_SERVICE",
                           "DD_VERSION",
                           "DD_TAGS",
                           "DD_ENTITY_ID",
                           "DD_EXTERNAL_ENV",
                           "DD_CARDINALITY",
                           "DD_ORIGIN_DETECTION_ENABLED"};

constexpr std::array words{"otlp",     "console",    "prometheus", "none",    "traceidratio",
                           "true",     "gzip",       "delta",      "http://", "https://c",
                           "udp://",   "unix:///a",  "0.5",        "nan",     "-",
                           "1",        "2147483647", "4294967296", "%",       "%2C",
                           "%0a",      "%00",        "=",          ",",       ":",
                           ";",        " ",          "[::1]",      "@",       "#",
                           "\xE2\x82", "localhost",  "k=v",        "k:v"};

/// Random bytes, or what variables are made of in a random order.
std::string random_value(std::mt19937_64& random) {
  std::string value;
  const std::size_t parts = random() % 6;
  const bool is_words = random() % 2 == 0;
  for (std::size_t i = 0; i < parts; ++i) {
    if (is_words) {
      value += words[random() % words.size()];
    } else {
      const auto byte = static_cast<char>(1 + random() % 255);
      value += byte;
    }
  }
  return value;
}

void expect_printable(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    for (const char c : warning) EXPECT_TRUE(c >= ' ' && c < '\x7f') << warning;
  }
}

/// What the exporters' constructors, and what drives them, refuse.
void expect_valid(const ft::TelemetryOptions& options) {
  for (const ft::ExportSchedule& schedule : {options.metrics, options.spans, options.dogstatsd_schedule}) {
    EXPECT_GE(schedule.interval.count(), 1);
    EXPECT_GE(schedule.timeout.count(), 1);
  }
#if FAST_TELEMETRY_OTLP
  if (options.otlp_metrics) ft::OtlpHttpSender{ft::OtlpSignal::metrics, options.otlp_metrics->http};
  if (options.otlp_spans) ft::OtlpHttpSender{ft::OtlpSignal::traces, options.otlp_spans->http};
#endif
  if (options.dogstatsd) ft::DogStatsdEncoder{options.dogstatsd->lines};
}

// Mutation seen red: check_otlp_header not called (the sender throws).
TEST(RandomEnvironment, always_gives_options_that_can_be_used) {
  std::mt19937_64 random{20'260'101};  // arbitrary, and the same in each run
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> variables;
    for (const char* const name : names) {
      if (random() % 4 == 0) variables.push_back(std::string{name} + '=' + random_value(random));
    }
    const ft::EnvironmentOptions options = environment_of(variables);
    expect_printable(options.warnings);
    try {
      expect_valid(options.telemetry);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what() << " with " << testing::PrintToString(variables);
    }
  }
}

// S-10: a header's value is in no warning, whatever stands around it.
TEST(RandomEnvironment, shows_no_secret_in_its_warnings) {
  std::mt19937_64 random{20'260'102};
  for (int round = 0; round < 3000; ++round) {
    const std::string value = random_value(random) + "=S3CR3T" + random_value(random);
    const std::string url = "http://" + random_value(random) + ":S3CR3T" + random_value(random) + "@c";
    for (const std::string& variable :
         {"OTEL_EXPORTER_OTLP_HEADERS=" + value, "OTEL_EXPORTER_OTLP_TRACES_HEADERS=" + value,
          "OTEL_EXPORTER_OTLP_ENDPOINT=" + url, "DD_DOGSTATSD_URL=" + url}) {
      for (const std::string& warning : environment_of({variable}).warnings) {
        EXPECT_EQ(warning.find("S3CR3T"), std::string::npos) << variable << '\n' << warning;
      }
    }
  }
}

}  // namespace environment_random_test
