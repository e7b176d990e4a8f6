// SPDX-License-Identifier: Apache-2.0
//
// The exporters that TelemetryOptions names.
#pragma once

#include "driver.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Throws what their constructors throw, and std::invalid_argument for one that is not built.
void add_built_in_exporters(Driver& driver, const TelemetryOptions& options, Registry& registry);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
