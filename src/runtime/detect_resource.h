// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "fast_telemetry/runtime/resource.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// detect_resource() with every path read below `root`, which has no slash at its end.
[[nodiscard]] Resource detect_resource_below(const std::string& root);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
