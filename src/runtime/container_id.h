// SPDX-License-Identifier: Apache-2.0
//
// Which container this process runs in, by what Linux lets it see: the rules of Datadog's client libraries.
#pragma once

#include <string>
#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// From `/proc/self/cgroup`: of the first line whose path ends with one, with or without `.scope` behind it. An id is
/// 64 hexadecimal digits, an UUID, or 32 digits with a dash and a number (ECS tasks). Empty: there is none.
[[nodiscard]] std::string_view container_id_of_cgroup(std::string_view text) noexcept;

/// From `/proc/self/mountinfo`, where the path of `hostname` tells of it. One below `sandboxes` is of a pod's pause
/// container. Empty: there is none.
[[nodiscard]] std::string_view container_id_of_mountinfo(std::string_view text) noexcept;

/// One of these, or empty. Every path is read below `root`.
[[nodiscard]] std::string find_container_id(const std::string& root);

/// The inode of this process's cgroup, by which an agent on the same machine finds its container; 0: there is none.
[[nodiscard]] std::uint64_t find_cgroup_inode(const std::string& root);

/// Whether this process sees the machine's cgroups and not only those of its container: an inode would then say
/// nothing.
[[nodiscard]] bool is_in_host_cgroup_namespace() noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
