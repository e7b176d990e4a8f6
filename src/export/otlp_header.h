// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fast_telemetry/export/otlp_http.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Throws std::invalid_argument for a name that is none or is not to be set, and for a value with control characters.
/// The message has the name only: values are secrets.
void check_otlp_header(const HttpHeader& header);

/// Of ASCII; header names are the same in any case.
[[nodiscard]] std::string lower_case(std::string_view text);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
