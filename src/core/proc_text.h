// SPDX-License-Identifier: Apache-2.0
//
// The texts in which Linux tells about a process and its cgroups: pure parsing. What is not as documented is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// One decimal number, with or without the end of its line, and nothing else. At most 2^63 - 1: what is more counts
/// nothing, and is absent like "max".
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text) noexcept;

/// The number after this key in lines of `key number`.
[[nodiscard]] std::optional<std::uint64_t> parse_keyed(std::string_view text, std::string_view key) noexcept;

/// cgroup v2 `cpu.max`, `quota period`: how many CPUs that is.
[[nodiscard]] std::optional<double> parse_cpu_max(std::string_view text) noexcept;

/// Fields of `/proc/self/stat`.
struct ProcStat {
  std::optional<std::uint64_t> threads;
  std::optional<std::uint64_t> start_ticks;  ///< since the machine has started
  std::optional<std::uint64_t> virtual_bytes;
  std::optional<std::uint64_t> resident_pages;
};
[[nodiscard]] ProcStat parse_proc_stat(std::string_view text) noexcept;

/// The process's path in the hierarchy that has the controller, from `/proc/self/cgroup`. Empty controller: in that of
/// cgroup v2.
[[nodiscard]] std::optional<std::string_view> parse_cgroup_path(std::string_view text,
                                                                std::string_view controller) noexcept;

/// Where a cgroup is mounted.
struct CgroupPlace {
  std::string mount_point;
  std::string below;  ///< path from there to the cgroup: empty, or begins with a slash
};

/// The place of the cgroup with this path, from `/proc/self/mountinfo`. Absent when no mount shows it: a container's
/// mount begins at the container's own cgroup, and a path beyond the process's cgroup namespace (`/../…`) has no name
/// in here.
[[nodiscard]] std::optional<CgroupPlace> parse_cgroup_place(std::string_view mountinfo, std::string_view path,
                                                            std::string_view controller);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
