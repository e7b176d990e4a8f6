// SPDX-License-Identifier: Apache-2.0
//
// DD_…: where Datadog's agent is, and what it is told about this process.
#pragma once

#include <optional>
#include <string>

#include "fast_telemetry/export/dogstatsd.h"
#include "variables.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Nothing unless a variable says where the agent is. The process's container is looked for below `root`.
[[nodiscard]] std::optional<DogStatsdExporterOptions> read_dogstatsd(Variables& variables, const std::string& root);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
