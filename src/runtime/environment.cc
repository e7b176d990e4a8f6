// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/runtime/environment.h"

#include <arpa/inet.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "core/diagnose.h"
#include "datadog_variables.h"
#include "percent_list.h"
#include "span_variables.h"
#include "variables.h"

#if FAST_TELEMETRY_OTLP
#include "otlp_variables.h"
#endif

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using detail::Variables;

/// OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME. One member that is wrong discards all: "Resource SDK".
void read_resource(Variables& variables, Resource& resource) {
  constexpr const char* name = "OTEL_RESOURCE_ATTRIBUTES";
  Resource attributes;
  for (const std::string_view text : detail::split(variables.get(name), ',')) {
    const auto member = detail::parse_percent_member(text);
    if (!member || text.find('=') != text.rfind('=')) {
      variables.warn(name, text, "not key=value, percent-encoded; the whole list is ignored");
      attributes = {};
      break;
    }
    attributes.set(member->key, member->value);
  }
  if (const std::string_view service = variables.get("OTEL_SERVICE_NAME"); !service.empty()) {
    attributes.set("service.name", service);
  }
  resource = std::move(attributes);
}

struct Destinations {
  bool otlp = false;
  bool console = false;
  bool prometheus = false;
  bool is_default = false;  ///< nobody asked for them
};

/// A list of exporters. Without one that is known, the list is as good as not set.
Destinations read_destinations(Variables& variables, const char* name, bool may_be_prometheus) {
  Destinations to;
  bool is_none = false;
  for (const std::string_view word : detail::split(variables.get(name), ',')) {
    if (detail::is_same_word(word, "otlp")) {
      to.otlp = true;
    } else if (detail::is_same_word(word, "console") || detail::is_same_word(word, "otlp/stdout") ||
               detail::is_same_word(word, "logging")) {
      to.console = true;
    } else if (may_be_prometheus && detail::is_same_word(word, "prometheus")) {
      to.prometheus = true;
    } else if (detail::is_same_word(word, "none")) {
      is_none = true;
    } else {
      variables.warn(name, word, "no exporter that there is, and ignored");
    }
  }
  const bool is_any = to.otlp || to.console || to.prometheus;
  if (is_none && is_any) variables.warn(name, "'none' stands beside others, and is ignored");
  to.is_default = !is_none && !is_any;
  to.otlp = to.otlp || to.is_default;
  return to;
}

#if FAST_TELEMETRY_OTLP
void read_otlp_metrics(Variables& variables, const Destinations&, TelemetryOptions& options) {
  auto http = detail::read_otlp_http(variables, OtlpSignal::metrics);
  const OtlpTemporality temporality = detail::read_otlp_temporality(variables);
  if (http) options.otlp_metrics = OtlpMetricExporterOptions{.http = *std::move(http), .temporality = temporality};
}

void read_otlp_spans(Variables& variables, const Destinations&, TelemetryOptions& options) {
  if (auto http = detail::read_otlp_http(variables, OtlpSignal::traces)) {
    options.otlp_spans = OtlpSpanExporterOptions{.http = *std::move(http)};
  }
}
#else
void warn_of_missing_otlp(Variables& variables, const Destinations& to, const char* name) {
  if (!to.is_default) variables.warn(name, "this build of the library has no OTLP");
}

void read_otlp_metrics(Variables& variables, const Destinations& to, TelemetryOptions&) {
  warn_of_missing_otlp(variables, to, "OTEL_METRICS_EXPORTER");
}

void read_otlp_spans(Variables& variables, const Destinations& to, TelemetryOptions&) {
  warn_of_missing_otlp(variables, to, "OTEL_TRACES_EXPORTER");
}
#endif

/// The exposer resolves no names.
bool is_address(const std::string& text) noexcept {
  in6_addr address;  // of either kind
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1 || ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

ExposerOptions read_prometheus(Variables& variables) {
  ExposerOptions exposer;
  constexpr const char* host_name = "OTEL_EXPORTER_PROMETHEUS_HOST";
  const std::string host{variables.get(host_name)};
  if (detail::is_same_word(host, "localhost") || is_address(host)) {
    exposer.address = detail::is_same_word(host, "localhost") ? "localhost" : host;
  } else if (!host.empty()) {
    variables.warn(host_name, "neither an IP address nor 'localhost', and ignored");
  }
  constexpr const char* port_name = "OTEL_EXPORTER_PROMETHEUS_PORT";
  if (const auto port = variables.number(port_name)) {
    if (*port <= 65535) {
      exposer.port = static_cast<std::uint16_t>(*port);
    } else {
      variables.warn(port_name, "no port, and ignored");
    }
  }
  return exposer;
}

void read_metrics(Variables& variables, TelemetryOptions& options) {
  const Destinations to = read_destinations(variables, "OTEL_METRICS_EXPORTER", true);
  if (to.otlp) read_otlp_metrics(variables, to, options);
  if (to.prometheus) options.prometheus = read_prometheus(variables);
  options.console_metrics = to.console;
  // Metrics SDK, "Console": who looks on does not want to wait for a minute.
  if (to.console && !to.otlp) options.metrics.interval = std::chrono::seconds{10};
  options.metrics.interval = variables.interval("OTEL_METRIC_EXPORT_INTERVAL").value_or(options.metrics.interval);
  options.metrics.timeout = variables.timeout("OTEL_METRIC_EXPORT_TIMEOUT").value_or(options.metrics.timeout);
}

void read_spans(Variables& variables, TelemetryOptions& options) {
  const Destinations to = read_destinations(variables, "OTEL_TRACES_EXPORTER", false);
  if (to.otlp) read_otlp_spans(variables, to, options);
  options.console_spans = to.console;
  options.spans.interval = variables.interval("OTEL_BSP_SCHEDULE_DELAY").value_or(options.spans.interval);
  options.spans.timeout = variables.timeout("OTEL_BSP_EXPORT_TIMEOUT").value_or(options.spans.timeout);
  options.sampler = detail::read_sampler(variables);
  options.span_limits = detail::read_span_limits(variables);
}

/// What a variable asks for in vain. A value that asks for what happens anyway has no warning.
struct Unsupported {
  const char* name;
  const char* harmless;
  const char* why;
};

constexpr Unsupported unsupported[] = {
    {"OTEL_LOGS_EXPORTER", "none", "not supported: the library has no log records"},
    {"OTEL_PROPAGATORS", "tracecontext,baggage", "not supported: the program calls what extracts and injects"},
    {"OTEL_LOG_LEVEL", "none", "not supported: the program decides by set_diagnostics() what is said"},
    {"OTEL_METRICS_EXEMPLAR_FILTER", "trace_based",
     "not supported: observations that are given a sampled trace have exemplars"},
    {"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram",
     "not supported: a metric's type says which kind of histogram it is"},
    {"OTEL_BSP_MAX_QUEUE_SIZE", "", "not supported: spans that wait are bounded in bytes (set_span_budget)"},
    {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "", "not supported: requests are bounded in bytes"},
    {"OTEL_CONFIG_FILE", "", "not supported: there is no configuration by a file, and the other variables count"},
    {"OTEL_EXPERIMENTAL_CONFIG_FILE", "",
     "not supported: there is no configuration by a file, and the other variables count"},
};

void warn_of_unsupported(Variables& variables) {
  for (const Unsupported& one : unsupported) {
    const std::string_view value = variables.get(one.name);
    if (!value.empty() && !detail::is_same_word(value, one.harmless)) variables.warn(one.name, one.why);
  }
}

}  // namespace

EnvironmentOptions options_from_environment(const char* const* environment) {
  Variables variables{environment};
  EnvironmentOptions result;
  TelemetryOptions& options = result.telemetry;
  options.is_disabled = variables.is_true("OTEL_SDK_DISABLED");
  read_resource(variables, options.resource);
  read_metrics(variables, options);
  read_spans(variables, options);
  options.dogstatsd = detail::read_dogstatsd(variables, "");
  warn_of_unsupported(variables);
  result.warnings = variables.take_warnings();
  return result;
}

EnvironmentOptions options_from_environment() {
  constexpr const char* const none[] = {nullptr};
  const bool has_more_rights = ::getauxval(AT_SECURE) != 0;
  EnvironmentOptions result = options_from_environment(has_more_rights ? none : environ);
  if (has_more_rights) {
    result.warnings.emplace_back("the environment is ignored: the program has more rights than who started it");
  }
  for (const std::string& warning : result.warnings) detail::diagnose("environment", warning);
  return result;
}

FAST_TELEMETRY_END_NAMESPACE
