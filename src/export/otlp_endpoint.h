// SPDX-License-Identifier: Apache-2.0
//
// Where OTLP/HTTP requests go.
#pragma once

#include <string>
#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct OtlpEndpoint {
  std::string url;
  std::string host;  ///< an IPv6 address in brackets
  std::string port;
  bool is_tls = false;
};

/// The endpoint of one signal is taken as it is. Throws std::invalid_argument for what is no http or https URL, or has
/// a user, a password or a fragment; the message has the URL only when it can hold no secret.
[[nodiscard]] OtlpEndpoint parse_otlp_endpoint(const std::string& url);

/// The endpoint of all signals is a base, to which the signal's path ("v1/traces") is appended: OTLP exporter
/// specification, "Endpoint URLs for OTLP/HTTP". Throws likewise.
[[nodiscard]] OtlpEndpoint append_otlp_path(const std::string& base, std::string_view path);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
