// SPDX-License-Identifier: Apache-2.0
#include "otlp_variables.h"

#include <stdexcept>

#include "core/diagnose.h"
#include "export/otlp_endpoint.h"
#include "export/otlp_header.h"
#include "percent_list.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// The variables of one signal.
class SignalVariables {
 public:
  SignalVariables(Variables& variables, OtlpSignal signal)
      : variables_{variables},
        signal_{signal == OtlpSignal::traces ? "OTEL_EXPORTER_OTLP_TRACES_" : "OTEL_EXPORTER_OTLP_METRICS_"} {}

  /// The name of the signal's own, if that is set, or else that of all signals.
  [[nodiscard]] std::string name(const char* ending) const {
    std::string own = signal_ + ending;
    return variables_.get(own).empty() ? std::string{"OTEL_EXPORTER_OTLP_"} + ending : own;
  }

  [[nodiscard]] std::string text(const char* ending) const { return std::string{variables_.get(name(ending))}; }

  /// The signal's own, or that of all signals when the former is not set or makes no sense.
  template <class Read>
  auto first(const char* ending, Read read) const {
    auto own = read(signal_ + ending);
    return own ? own : read(std::string{"OTEL_EXPORTER_OTLP_"} + ending);
  }

 private:
  Variables& variables_;
  std::string signal_;
};

/// False, with a warning: it is none.
bool read_endpoint(Variables& variables, OtlpSignal signal, OtlpHttpOptions& http) {
  const char* const own =
      signal == OtlpSignal::traces ? "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" : "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
  const char* const name = variables.get(own).empty() ? "OTEL_EXPORTER_OTLP_ENDPOINT" : own;
  const std::string url{variables.get(name)};
  if (url.empty()) return true;
  try {
    if (name == own) {
      static_cast<void>(parse_otlp_endpoint(url));
      http.signal_endpoint = url;
    } else {
      static_cast<void>(append_otlp_path(url, "v1/traces"));
      http.endpoint = url;
    }
    return true;
  } catch (const std::invalid_argument&) {
    const char* const what = signal == OtlpSignal::traces ? "spans" : "metrics";
    variables.warn(name, std::string{"no http or https URL without credentials and fragment; OTLP exports no "} + what);
    return false;
  }
}

void read_headers(Variables& variables, const std::string& name, std::vector<HttpHeader>& headers) {
  for (const std::string_view text : split(variables.get(name), ',')) {
    // The key alone may be shown; without a `=`, what stands there may be the value.
    auto member = parse_percent_member(text);
    if (!member) {
      const std::size_t equals = text.find('=');
      const std::string key = equals == std::string_view::npos ? "" : printable(trimmed(text.substr(0, equals)));
      variables.warn_without_value(name, "'" + key + "' has no key and value that can be decoded, and is left out");
      continue;
    }
    try {
      HttpHeader header{.name = std::move(member->key), .value = std::move(member->value)};
      check_otlp_header(header);
      headers.push_back(std::move(header));
    } catch (const std::invalid_argument& error) {
      variables.warn_without_value(name, std::string{error.what()} + "; it is left out");
    }
  }
}

void read_tls(const SignalVariables& variables, TlsOptions& tls) {
  tls.ca_file = variables.text("CERTIFICATE");
  tls.certificate_file = variables.text("CLIENT_CERTIFICATE");
  tls.key_file = variables.text("CLIENT_KEY");
}

/// What is left as it is whatever they say.
void read_fixed(Variables& variables, const SignalVariables& of_signal) {
  const std::string protocol = of_signal.name("PROTOCOL");
  if (const std::string_view value = variables.get(protocol); !value.empty() && !is_same_word(value, "http/protobuf")) {
    variables.warn(protocol, "not supported: it is http/protobuf");
  }
  const std::string insecure = of_signal.name("INSECURE");
  if (variables.is_true(insecure)) variables.warn(insecure, "of no effect: the endpoint's scheme decides about TLS");
}

}  // namespace

std::optional<OtlpHttpOptions> read_otlp_http(Variables& variables, OtlpSignal signal) {
  const SignalVariables of_signal{variables, signal};
  OtlpHttpOptions http;
  const bool has_endpoint = read_endpoint(variables, signal, http);
  read_headers(variables, of_signal.name("HEADERS"), http.headers);
  read_tls(of_signal, http.tls);
  read_fixed(variables, of_signal);
  const auto compression = of_signal.first("COMPRESSION", [&](const std::string& name) {
    return variables.choice<OtlpCompression>(name, {{"none", OtlpCompression::none}, {"gzip", OtlpCompression::gzip}});
  });
  const auto timeout = of_signal.first("TIMEOUT", [&](const std::string& name) { return variables.timeout(name); });
  http.compression = compression.value_or(http.compression);
  http.delivery.attempt_timeout = timeout.value_or(http.delivery.attempt_timeout);
  return has_endpoint ? std::optional{std::move(http)} : std::nullopt;
}

OtlpTemporality read_otlp_temporality(Variables& variables) {
  return variables
      .choice<OtlpTemporality>("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
                               {{"cumulative", OtlpTemporality::cumulative},
                                {"delta", OtlpTemporality::delta},
                                {"lowmemory", OtlpTemporality::low_memory}})
      .value_or(OtlpTemporality::cumulative);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
