// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/runtime/environment.h"

#include <gmock/gmock.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "fast_telemetry/diagnostics.h"
#include "src/spans/rules.h"
#include "tests/support/set_variable.h"
#include "tests/unit/runtime/environment_of.h"

namespace ft = fast_telemetry;
using ft::testing_support::environment_of;
using std::chrono::milliseconds;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

namespace runtime_environment_test {

std::vector<std::string> resource_of(const ft::EnvironmentOptions& options) {
  std::vector<std::string> pairs;
  for (const ft::ResourceAttribute& attribute : options.telemetry.resource.attributes()) {
    pairs.push_back(std::string{attribute.key.data(), attribute.key.size()} + '=' +
                    std::string{static_cast<const char*>(attribute.value.data()), attribute.value.size()});
  }
  return pairs;
}

// Section 5.2: the column of defaults.
TEST(OptionsFromEnvironment, without_variables_are_the_defaults_of_open_telemetry) {
  const ft::EnvironmentOptions options = environment_of({});
  const ft::TelemetryOptions& telemetry = options.telemetry;
  EXPECT_THAT(options.warnings, IsEmpty());
  EXPECT_FALSE(telemetry.is_disabled);
  EXPECT_THAT(telemetry.resource.attributes(), IsEmpty());
  EXPECT_FALSE(telemetry.dogstatsd);
  EXPECT_FALSE(telemetry.prometheus);
  EXPECT_FALSE(telemetry.console_metrics);
  EXPECT_FALSE(telemetry.console_spans);
  EXPECT_FALSE(telemetry.sampler);
  EXPECT_FALSE(telemetry.span_limits);
  EXPECT_EQ(telemetry.metrics.interval, milliseconds{60'000});
  EXPECT_EQ(telemetry.metrics.timeout, milliseconds{30'000});
  EXPECT_EQ(telemetry.spans.interval, milliseconds{5'000});
  EXPECT_EQ(telemetry.spans.timeout, milliseconds{30'000});
#if FAST_TELEMETRY_OTLP
  ASSERT_TRUE(telemetry.otlp_metrics);
  ASSERT_TRUE(telemetry.otlp_spans);
  EXPECT_EQ(telemetry.otlp_metrics->temporality, ft::OtlpTemporality::cumulative);
  for (const ft::OtlpHttpOptions& http : {telemetry.otlp_metrics->http, telemetry.otlp_spans->http}) {
    EXPECT_EQ(http.endpoint, "http://localhost:4318");
    EXPECT_EQ(http.signal_endpoint, "");
    EXPECT_THAT(http.headers, IsEmpty());
    EXPECT_EQ(http.compression, ft::OtlpCompression::none);
    EXPECT_EQ(http.delivery.attempt_timeout, milliseconds{10'000});
  }
#endif
}

// E-12, E-13. Mutations seen red: a bad member left out alone; a second `=` taken for a part of the value.
TEST(OptionsFromEnvironment, resource_attributes_are_decoded_and_one_error_discards_them_all) {
  const auto resource = [](const std::string& text) {
    return resource_of(environment_of({"OTEL_RESOURCE_ATTRIBUTES=" + text}));
  };
  EXPECT_THAT(resource("k=v,k2=v2"), ElementsAre("k=v", "k2=v2"));
  EXPECT_THAT(resource(" k = v ,\tk2=v 2 "), ElementsAre("k=v", "k2=v 2"));
  EXPECT_THAT(resource("k=a%2Cb%3dc,%6b2=%E2%82%AC"), ElementsAre("k=a,b=c", "k2=\xE2\x82\xAC"));
  EXPECT_THAT(resource("k=1,k=2"), ElementsAre("k=2"));
  EXPECT_THAT(resource("k=,,k2=v,"), ElementsAre("k=", "k2=v"));
  EXPECT_THAT(resource("port=8080"), ElementsAre("port=8080"));  // text, not a number
  for (const char* const bad : {"k", "k=v,x", "=v", "k=v,=", "k=%", "k=%4", "k=%zz", "k=v,a=b=c", "%=v", "k=% 1"}) {
    const ft::EnvironmentOptions options = environment_of({std::string{"OTEL_RESOURCE_ATTRIBUTES="} + bad});
    EXPECT_THAT(resource_of(options), IsEmpty()) << bad;
    EXPECT_THAT(options.warnings, ElementsAre(HasSubstr("OTEL_RESOURCE_ATTRIBUTES"))) << bad;
  }
}

// Mutation seen red: the name set before the attributes.
TEST(OptionsFromEnvironment, the_service_name_stands_over_the_one_among_the_attributes) {
  EXPECT_THAT(resource_of(environment_of({"OTEL_RESOURCE_ATTRIBUTES=service.name=a,x=y", "OTEL_SERVICE_NAME=b"})),
              ElementsAre("service.name=b", "x=y"));
  EXPECT_THAT(resource_of(environment_of({"OTEL_RESOURCE_ATTRIBUTES=service.name=a", "OTEL_SERVICE_NAME= "})),
              ElementsAre("service.name=a"));
  // An error among the attributes is none of the name.
  EXPECT_THAT(resource_of(environment_of({"OTEL_RESOURCE_ATTRIBUTES=x", "OTEL_SERVICE_NAME=b"})),
              ElementsAre("service.name=b"));
}

struct ExporterCase {
  const char* value;
  bool otlp;
  bool console;
  bool prometheus;
  std::size_t warnings;
};

// E-23. Mutations seen red: unknown words end the list; `none` beside others wins.
TEST(OptionsFromEnvironment, exporters_are_a_list) {
  const ExporterCase cases[] = {
      {"", true, false, false, 0},
      {"otlp", true, false, false, 0},
      {"OTLP", true, false, false, 0},
      {"none", false, false, false, 0},
      {"console", false, true, false, 0},
      {"logging", false, true, false, 0},
      {"otlp/stdout", false, true, false, 0},
      {"prometheus", false, false, true, 0},
      {"otlp,prometheus", true, false, true, 0},
      {" otlp , console,,console ", true, true, false, 0},
      {"none,otlp", true, false, false, 1},
      {"zipkin,prometheus", false, false, true, 1},
      {"zipkin", true, false, false, 1},
      {"none,zipkin", false, false, false, 1},
      {"zipkin,jaeger", true, false, false, 2},
  };
  for (const ExporterCase& one : cases) {
    const ft::EnvironmentOptions options = environment_of({std::string{"OTEL_METRICS_EXPORTER="} + one.value});
#if FAST_TELEMETRY_OTLP
    EXPECT_EQ(options.telemetry.otlp_metrics.has_value(), one.otlp) << one.value;
    EXPECT_THAT(options.warnings, SizeIs(one.warnings)) << one.value;
#endif
    EXPECT_EQ(options.telemetry.console_metrics, one.console) << one.value;
    EXPECT_EQ(options.telemetry.prometheus.has_value(), one.prometheus) << one.value;
    EXPECT_FALSE(options.telemetry.console_spans) << one.value;
  }
  for (const ExporterCase& one : cases) {
    const bool is_of_metrics = one.prometheus;
    if (is_of_metrics) continue;
    const ft::EnvironmentOptions options = environment_of({std::string{"OTEL_TRACES_EXPORTER="} + one.value});
#if FAST_TELEMETRY_OTLP
    EXPECT_EQ(options.telemetry.otlp_spans.has_value(), one.otlp) << one.value;
    EXPECT_THAT(options.warnings, SizeIs(one.warnings)) << one.value;
#endif
    EXPECT_EQ(options.telemetry.console_spans, one.console) << one.value;
    EXPECT_FALSE(options.telemetry.console_metrics) << one.value;
  }
  EXPECT_THAT(environment_of({"OTEL_TRACES_EXPORTER=otlp,prometheus"}).warnings,
              Contains(HasSubstr("OTEL_TRACES_EXPORTER='prometheus'")));
}

// E-25: the reader of a console.
TEST(OptionsFromEnvironment, a_console_alone_is_told_every_ten_seconds) {
  const auto interval = [](const std::vector<std::string>& variables) {
    return environment_of(variables).telemetry.metrics.interval;
  };
  EXPECT_EQ(interval({"OTEL_METRICS_EXPORTER=console"}), milliseconds{10'000});
  EXPECT_EQ(interval({"OTEL_METRICS_EXPORTER=console,otlp"}), milliseconds{60'000});
  EXPECT_EQ(interval({"OTEL_METRICS_EXPORTER=console", "OTEL_METRIC_EXPORT_INTERVAL=7"}), milliseconds{7});
}

// E-26. Mutation seen red: names let through.
TEST(OptionsFromEnvironment, the_metrics_server_listens_on_the_loopback_unless_an_address_is_given) {
  const auto exposer = [](const std::string& host, const std::string& port) {
    const ft::EnvironmentOptions options =
        environment_of({"OTEL_METRICS_EXPORTER=prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST=" + host,
                        "OTEL_EXPORTER_PROMETHEUS_PORT=" + port});
    return options.telemetry.prometheus->address + ' ' + std::to_string(options.telemetry.prometheus->port) + ' ' +
           std::to_string(options.warnings.size());
  };
  EXPECT_EQ(exposer("", ""), "127.0.0.1 9464 0");
  EXPECT_EQ(exposer("localhost", "1"), "localhost 1 0");
  EXPECT_EQ(exposer("LOCALHOST", "0"), "localhost 0 0");
  EXPECT_EQ(exposer("0.0.0.0", "65535"), "0.0.0.0 65535 0");
  EXPECT_EQ(exposer("::1", "9464"), "::1 9464 0");
  EXPECT_EQ(exposer("example.com", "65536"), "127.0.0.1 9464 2");
  EXPECT_EQ(exposer("256.0.0.1", "-1"), "127.0.0.1 9464 2");
}

bool is_chosen(const ft::Sampler& sampler, const ft::SpanContext* parent) {
  ft::TraceId id{};
  id.bytes[9] = std::byte{0x40};  // a quarter of the ids are below it
  return sampler.rule().is_sampled({parent, id, "name", ft::SpanKind::internal});
}

/// What it does with a root, a child of a sampled span, a child of another.
std::string decisions(const ft::EnvironmentOptions& options) {
  if (!options.telemetry.sampler) return "none";
  ft::SpanContext sampled{};
  sampled.flags = ft::sampled_flag;
  const ft::SpanContext unsampled{};
  std::string text;
  const std::array<const ft::SpanContext*, 3> parents{nullptr, &sampled, &unsampled};
  for (const ft::SpanContext* const parent : parents) {
    text += is_chosen(*options.telemetry.sampler, parent) ? '1' : '0';
  }
  return text;
}

struct SamplerCase {
  const char* name;
  const char* argument;
  const char* decisions;
  std::size_t warnings;
};

// E-15, E-16. Mutations seen red: the bound of the ratio left out (NaN, 1.1); the argument read when no sampler is set.
TEST(OptionsFromEnvironment, the_sampler_is_the_one_that_is_named) {
  const SamplerCase cases[] = {
      {"", "", "none", 0},
      {"", "rubbish", "none", 0},
      {"always_on", "", "111", 0},
      {"ALWAYS_OFF", "", "000", 0},
      {"traceidratio", "", "111", 0},
      {"traceidratio", "0", "000", 0},
      {"traceidratio", "0.2", "000", 0},
      {"traceidratio", " .3 ", "111", 0},
      {"traceidratio", "1.0", "111", 0},
      {"traceidratio", "3e-1", "111", 0},
      {"parentbased_always_on", "", "110", 0},
      {"parentbased_always_off", "", "010", 0},
      {"parentbased_traceidratio", "0.2", "010", 0},
      {"parentbased_traceidratio", "0.3", "110", 0},
      {"traceidratio", "1.1", "111", 1},
      {"traceidratio", "-0.1", "111", 1},
      {"traceidratio", "nan", "111", 1},
      {"traceidratio", "inf", "111", 1},
      {"traceidratio", "0,2", "111", 1},
      {"traceidratio", "0.2x", "111", 1},
      {"parentbased_traceidratio", "half", "110", 1},
      {"jaeger_remote", "", "none", 1},
      {"xray", "", "none", 1},
      {"always", "", "none", 1},
  };
  for (const SamplerCase& one : cases) {
    const ft::EnvironmentOptions options = environment_of(
        {std::string{"OTEL_TRACES_SAMPLER="} + one.name, std::string{"OTEL_TRACES_SAMPLER_ARG="} + one.argument});
    EXPECT_EQ(decisions(options), one.decisions) << one.name << ' ' << one.argument;
    EXPECT_THAT(options.warnings, SizeIs(one.warnings)) << one.name << ' ' << one.argument;
  }
}

// E-20. Mutation seen red: the general one read last.
TEST(OptionsFromEnvironment, limits_of_spans_stand_over_those_of_everything) {
  const ft::EnvironmentOptions options =
      environment_of({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=3", "OTEL_ATTRIBUTE_COUNT_LIMIT=4",
                      "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=5", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=6"});
  EXPECT_EQ(options.telemetry.span_limits->attributes, 3);
  EXPECT_EQ(options.telemetry.span_limits->value_characters, 5U);
  EXPECT_EQ(options.telemetry.span_limits->events, 128);
}

#if FAST_TELEMETRY_OTLP

// E-27, E-28, E-40, E-41: how paths are appended is tested with the sender (otlp_endpoint_test.cc).
TEST(OptionsFromEnvironment, a_signal_s_own_endpoint_stands_over_the_one_of_all) {
  const ft::EnvironmentOptions options = environment_of(
      {"OTEL_EXPORTER_OTLP_ENDPOINT=http://all:1/base/", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://own/v1/traces/"});
  EXPECT_EQ(options.telemetry.otlp_metrics->http.endpoint, "http://all:1/base/");
  EXPECT_EQ(options.telemetry.otlp_metrics->http.signal_endpoint, "");
  EXPECT_EQ(options.telemetry.otlp_spans->http.signal_endpoint, "https://own/v1/traces/");
  EXPECT_THAT(options.warnings, IsEmpty());
  const auto accepted = [](const char* url) {
    return environment_of({std::string{"OTEL_EXPORTER_OTLP_ENDPOINT="} + url}).telemetry.otlp_metrics.has_value();
  };
  for (const char* const url : {"http://c", "https://c", "http://[::1]:4318", "http://c:4318/a?b=c"}) {
    EXPECT_TRUE(accepted(url)) << url;
  }
}

// E-44. Mutation seen red: the default endpoint used instead.
TEST(OptionsFromEnvironment, an_endpoint_that_is_none_turns_its_exporter_off) {
  for (const char* const bad : {"localhost:4318", "ftp://c", "http://", "http://c:99999", "rubbish", "http://a b",
                                "http://user:S3CR3T@c", "http://c/#S3CR3T"}) {
    const ft::EnvironmentOptions all = environment_of({std::string{"OTEL_EXPORTER_OTLP_ENDPOINT="} + bad});
    EXPECT_FALSE(all.telemetry.otlp_metrics) << bad;
    EXPECT_FALSE(all.telemetry.otlp_spans) << bad;
    EXPECT_THAT(all.warnings, SizeIs(2)) << bad;
    EXPECT_THAT(all.warnings, Each(Not(HasSubstr("S3CR3T"))));
    const ft::EnvironmentOptions one = environment_of({std::string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="} + bad});
    EXPECT_FALSE(one.telemetry.otlp_metrics) << bad;
    EXPECT_TRUE(one.telemetry.otlp_spans) << bad;
    EXPECT_THAT(one.warnings, SizeIs(1)) << bad;
  }
}

std::vector<std::string> headers_of(const ft::OtlpHttpOptions& http) {
  std::vector<std::string> headers;
  for (const ft::HttpHeader& header : http.headers) headers.push_back(header.name + ": " + header.value);
  return headers;
}

// E-43, S-20. Mutations seen red: a bad pair ends the list; check_otlp_header not called.
TEST(OptionsFromEnvironment, headers_are_a_list_whose_bad_members_are_left_out) {
  const auto headers = [](const std::string& text) {
    return headers_of(environment_of({"OTEL_EXPORTER_OTLP_HEADERS=" + text}).telemetry.otlp_spans->http);
  };
  EXPECT_THAT(headers("k1=v1,k2=v2"), ElementsAre("k1: v1", "k2: v2"));
  EXPECT_THAT(headers("api-key=abc%2C%3D,x=%E2%82%AC"), ElementsAre("api-key: abc,=", "x: \xE2\x82\xAC"));
  EXPECT_THAT(headers(" k = v ;a=b "), ElementsAre("k: v ;a=b"));
  EXPECT_THAT(headers("Authorization=Basic%20dXNlcjpw=="), ElementsAre("Authorization: Basic dXNlcjpw=="));
  EXPECT_THAT(headers("k=1,K=2"), ElementsAre("k: 1", "K: 2"));  // of which the sender takes the last
  for (const char* const bad : {"S3CR3T", "=S3CR3T", "k=%S3CR3T", "k=%4", "k=S3CR3T%0d%0aEvil:%201", "k=S3CR3T%00",
                                "Host=S3CR3T", "content-TYPE=S3CR3T", "k k=S3CR3T", "%0a=S3CR3T"}) {
    const ft::EnvironmentOptions options =
        environment_of({std::string{"OTEL_EXPORTER_OTLP_HEADERS=a=b,"} + bad + ",c=d"});
    EXPECT_THAT(headers_of(options.telemetry.otlp_metrics->http), ElementsAre("a: b", "c: d")) << bad;
    EXPECT_THAT(options.warnings, ElementsAre(HasSubstr("OTEL_EXPORTER_OTLP_HEADERS"))) << bad;
    EXPECT_THAT(options.warnings, Each(Not(HasSubstr("S3CR3T")))) << bad;  // S-10
  }
}

// E-43. Mutation seen red: both lists read.
TEST(OptionsFromEnvironment, a_signal_s_own_headers_replace_those_of_all) {
  const ft::EnvironmentOptions options =
      environment_of({"OTEL_EXPORTER_OTLP_HEADERS=a=b", "OTEL_EXPORTER_OTLP_METRICS_HEADERS=c=d"});
  EXPECT_THAT(headers_of(options.telemetry.otlp_metrics->http), ElementsAre("c: d"));
  EXPECT_THAT(headers_of(options.telemetry.otlp_spans->http), ElementsAre("a: b"));
}

// E-6, E-32: what makes no sense is as good as not set, so the one of all signals counts.
TEST(OptionsFromEnvironment, a_signal_s_own_value_that_makes_no_sense_leaves_the_one_of_all) {
  const ft::EnvironmentOptions options =
      environment_of({"OTEL_EXPORTER_OTLP_TIMEOUT=1", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT=2",
                      "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=x", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip",
                      "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=zstd", "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION=none"});
  EXPECT_EQ(options.telemetry.otlp_metrics->http.delivery.attempt_timeout, milliseconds{2});
  EXPECT_EQ(options.telemetry.otlp_spans->http.delivery.attempt_timeout, milliseconds{1});
  EXPECT_EQ(options.telemetry.otlp_metrics->http.compression, ft::OtlpCompression::none);
  EXPECT_EQ(options.telemetry.otlp_spans->http.compression, ft::OtlpCompression::gzip);
  EXPECT_THAT(options.warnings, SizeIs(2));
}

// E-33, S-3: the files are the exporter's to refuse; none of them is ever left out.
TEST(OptionsFromEnvironment, files_of_tls_are_taken_over_and_refused_when_the_exporter_is_made) {
  const ft::EnvironmentOptions options =
      environment_of({"OTEL_EXPORTER_OTLP_ENDPOINT=https://c", "OTEL_EXPORTER_OTLP_CERTIFICATE=/nonexistent/ca.pem",
                      "OTEL_EXPORTER_OTLP_CLIENT_KEY=/all/key", "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY=/traces/key",
                      "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=/all/cert"});
  const ft::TlsOptions& tls = options.telemetry.otlp_spans->http.tls;
  EXPECT_EQ(tls.ca_file, "/nonexistent/ca.pem");
  EXPECT_EQ(tls.key_file, "/traces/key");
  EXPECT_EQ(tls.certificate_file, "/all/cert");
  EXPECT_EQ(options.telemetry.otlp_metrics->http.tls.key_file, "/all/key");
  EXPECT_THROW(ft::OtlpHttpSender(ft::OtlpSignal::traces, options.telemetry.otlp_spans->http), std::system_error);
}

// E-29, E-34.
TEST(OptionsFromEnvironment, other_protocols_and_insecure_are_said_to_be_of_no_effect) {
  const auto warnings = [](const char* variable) { return environment_of({variable}).warnings; };
  EXPECT_THAT(warnings("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"), IsEmpty());
  EXPECT_THAT(warnings("OTEL_EXPORTER_OTLP_PROTOCOL=grpc"), ElementsAre(HasSubstr("_PROTOCOL='grpc'")));
  EXPECT_THAT(warnings("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json"), ElementsAre(HasSubstr("TRACES_PROTOCOL")));
  EXPECT_THAT(warnings("OTEL_EXPORTER_OTLP_INSECURE=false"), IsEmpty());
  EXPECT_THAT(warnings("OTEL_EXPORTER_OTLP_INSECURE=true"), ElementsAre(HasSubstr("INSECURE='true'")));
}

#endif

// E-11, E-14, E-17, E-24, E-36, E-37. Mutation seen red: a row left out of the table.
TEST(OptionsFromEnvironment, what_is_not_supported_is_said_unless_it_asks_for_what_happens_anyway) {
  for (const char* const variable :
       {"OTEL_LOGS_EXPORTER=otlp", "OTEL_PROPAGATORS=b3", "OTEL_LOG_LEVEL=debug",
        "OTEL_METRICS_EXEMPLAR_FILTER=always_on",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=base2_exponential_bucket_histogram",
        "OTEL_BSP_MAX_QUEUE_SIZE=2048", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=512", "OTEL_CONFIG_FILE=/etc/otel.yaml",
        "OTEL_EXPERIMENTAL_CONFIG_FILE=/etc/otel.yaml"}) {
    const std::string text = variable;
    EXPECT_THAT(environment_of({text}).warnings, ElementsAre(HasSubstr(text.substr(0, text.find('='))))) << text;
  }
  EXPECT_THAT(environment_of({"OTEL_LOGS_EXPORTER=none", "OTEL_PROPAGATORS=tracecontext,baggage",
                              "OTEL_LOG_LEVEL=", "OTEL_METRICS_EXEMPLAR_FILTER=Trace_Based",
                              "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=explicit_bucket_histogram"})
                  .warnings,
              IsEmpty());
}

// S-25: what somebody put into a variable cannot forge lines.
TEST(OptionsFromEnvironment, warnings_are_one_line_of_printable_text) {
  const ft::EnvironmentOptions options =
      environment_of({"OTEL_TRACES_SAMPLER=a\n\x1B[31mb", "OTEL_METRICS_EXPORTER=" + std::string(100'000, 'x')});
  ASSERT_THAT(options.warnings, SizeIs(2));
  for (const std::string& warning : options.warnings) {
    EXPECT_LT(warning.size(), 500U);
    EXPECT_EQ(warning.find_first_of("\n\x1B"), std::string::npos) << warning;
  }
}

// Mutation seen red: diagnose() left out.
TEST(OptionsFromEnvironment, the_process_s_own_warnings_are_told_to_the_diagnostics_hook) {
  const ft::SetVariable bad{"OTEL_TRACES_SAMPLER", "sometimes"};
  const ft::SetVariable good{"OTEL_SERVICE_NAME", "proxy"};
  std::vector<std::string> told;
  ft::set_diagnostics(
      [](const ft::Diagnostic& diagnostic, void* context) noexcept {
        if (diagnostic.component == "environment") {
          static_cast<std::vector<std::string>*>(context)->emplace_back(diagnostic.message);
        }
      },
      &told);
  const ft::EnvironmentOptions options = ft::options_from_environment();
  ft::set_diagnostics(nullptr);
  EXPECT_THAT(resource_of(options), Contains("service.name=proxy"));
  EXPECT_THAT(options.warnings, Contains(HasSubstr("OTEL_TRACES_SAMPLER='sometimes'")));
  EXPECT_THAT(told, Contains(HasSubstr("OTEL_TRACES_SAMPLER='sometimes'")));
}

}  // namespace runtime_environment_test
