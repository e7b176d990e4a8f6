// SPDX-License-Identifier: Apache-2.0
//
// From what the user says to what the HTTP client needs.
#pragma once

#include "fast_telemetry/export/otlp_http.h"
#include "http_client.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Throws as OtlpHttpSender's constructor.
[[nodiscard]] HttpClientOptions http_client_options(OtlpSignal signal, const OtlpHttpOptions& options);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
