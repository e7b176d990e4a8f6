// SPDX-License-Identifier: Apache-2.0
//
// `key=value,key=value`, as resource attributes and headers come in variables: W3C's baggage without metadata.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct PercentMember {
  std::string key;
  std::string value;
};

/// Nothing if a `%` is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

/// One member: key and value, trimmed and decoded, are what stands before and after the first `=`. Nothing without one,
/// without a key, or when either cannot be decoded.
[[nodiscard]] std::optional<PercentMember> parse_percent_member(std::string_view text);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
