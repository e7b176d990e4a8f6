// SPDX-License-Identifier: Apache-2.0
//
// What the process's cgroups allow it, and how much of it is used.
#pragma once

#include <string>

#include "fast_telemetry/process_info.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// The whole of a file, or nothing: a part could be read wrong.
[[nodiscard]] std::optional<std::string> read_file(const std::string& path);

/// Fills in the figures `cgroup_…`. Every path is read below `root`.
void read_cgroup(const std::string& root, ProcessInfo& info);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
