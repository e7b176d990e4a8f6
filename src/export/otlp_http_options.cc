// SPDX-License-Identifier: Apache-2.0
#include "otlp_http_options.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "core/diagnose.h"
#include "fast_telemetry/build_info.h"
#include "file_descriptor.h"
#include "otlp_endpoint.h"
#include "otlp_header.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// libcurl leaves out a field with an empty value unless it is told like this.
std::string line_of(const HttpHeader& header) {
  return header.value.empty() ? header.name + ';' : header.name + ": " + header.value;
}

void append_headers(const std::vector<HttpHeader>& headers, std::vector<std::string>& lines) {
  for (const HttpHeader& header : headers) check_otlp_header(header);
  for (auto header = headers.begin(); header != headers.end(); ++header) {
    const bool comes_again = std::any_of(header + 1, headers.end(), [&](const HttpHeader& later) {
      return lower_case(later.name) == lower_case(header->name);
    });
    if (!comes_again) lines.push_back(line_of(*header));
  }
}

/// Now, in front of a person, rather than at each attempt.
void require_readable(const std::string& file) {
  if (file.empty() || FileDescriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)}) return;
  throw std::system_error{errno, std::system_category(), "OTLP: cannot read " + file};
}

void check(const TlsOptions& tls) {
  if (tls.certificate_file.empty() != tls.key_file.empty()) {
    throw std::invalid_argument{"OTLP: certificate_file and key_file are of use together only"};
  }
  for (const std::string& file : {tls.ca_file, tls.certificate_file, tls.key_file}) require_readable(file);
}

bool is_loopback(const std::string& host) noexcept {
  return host == "localhost" || host == "[::1]" || host.rfind("127.", 0) == 0;
}

}  // namespace

HttpClientOptions http_client_options(OtlpSignal signal, const OtlpHttpOptions& options) {
  const std::string_view path = signal == OtlpSignal::traces ? "v1/traces" : "v1/metrics";
  const OtlpEndpoint endpoint = options.signal_endpoint.empty() ? append_otlp_path(options.endpoint, path)
                                                                : parse_otlp_endpoint(options.signal_endpoint);
  check(options.tls);
  HttpClientOptions client;
  client.url = endpoint.url;
  client.host = endpoint.host;
  client.port = endpoint.port;
  client.lines.emplace_back("Content-Type: application/x-protobuf");
  if (options.compression == OtlpCompression::gzip) client.lines.emplace_back("Content-Encoding: gzip");
  append_headers(options.headers, client.lines);
  if (!options.headers.empty() && !endpoint.is_tls && !is_loopback(endpoint.host)) {
    diagnose("otlp", "headers, which may be credentials, are sent without TLS");
  }
  // OTLP exporter specification, "User Agent": the exporter's own name may stand before the prescribed one.
  const std::string version{library_version().data(), library_version().size()};
  client.user_agent = "fast_telemetry/" + version + " OTel-OTLP-Exporter-Cpp/" + version;
  client.ca_file = options.tls.ca_file;
  client.certificate_file = options.tls.certificate_file;
  client.key_file = options.tls.key_file;
  return client;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
