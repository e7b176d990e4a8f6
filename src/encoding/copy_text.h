// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Returns the end of the copy.
inline char* copy_text(char* out, std::string_view text) noexcept { return std::copy(text.begin(), text.end(), out); }

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
