// SPDX-License-Identifier: Apache-2.0
//
// What the operating system says about this process: CPU time, memory, file descriptors, threads, and what its cgroup
// allows it. For the program that exports.
#pragma once

#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// What cannot be read, and a limit that is not set, is absent.
///
/// The figures of the cgroup are those of the cgroup, among the process's own and its ancestors as far as they are
/// visible, whose limit is the lowest: the limit that is met first. Where none has a limit they are the own cgroup's.
/// Memory and CPU are looked at separately, in cgroup v2 and v1. Nothing is visible above a container's own cgroup.
struct ProcessInfo {
  std::optional<double> cpu_seconds = {};  ///< user and system, all threads
  std::optional<std::uint64_t> open_fds = {};
  std::optional<std::uint64_t> max_fds = {};  ///< the soft limit
  std::optional<std::uint64_t> virtual_memory_bytes = {};
  std::optional<std::uint64_t> virtual_memory_max_bytes = {};  ///< the soft limit of the address space
  std::optional<std::uint64_t> resident_memory_bytes = {};
  std::optional<double> start_time_unix_seconds = {};
  std::optional<std::uint64_t> threads = {};
  std::optional<std::uint64_t> voluntary_context_switches = {};    ///< of all threads, as the rest
  std::optional<std::uint64_t> involuntary_context_switches = {};  ///< the scheduler took the CPU away
  std::optional<std::uint64_t> minor_page_faults = {};             ///< served from memory
  std::optional<std::uint64_t> major_page_faults = {};             ///< had to wait for a device
  std::optional<std::uint64_t> cgroup_memory_limit_bytes = {};
  std::optional<std::uint64_t> cgroup_memory_usage_bytes = {};  ///< page cache included
  std::optional<double> cgroup_cpu_limit_cores = {};            ///< the quota by its period
  std::optional<std::uint64_t> cgroup_cpu_periods = {};         ///< in which anything in the cgroup could run
  std::optional<std::uint64_t> cgroup_cpu_throttled_periods = {};
  std::optional<double> cgroup_cpu_throttled_seconds = {};
};

/// Reads all of it now, for the calling process: after a fork, the child. Costs about thirty system calls, and ten for
/// each level of the cgroup; where Linux is older than 6.2, one for some hundred open files. Takes no lock;
/// thread-safe. Throws std::bad_alloc only.
[[nodiscard]] ProcessInfo process_info();

/// Visits what is there as families of their own: `process_cpu_seconds`, … with the names that Prometheus's client
/// libraries share, and `process_cgroup_…`. Snapshot::visit with a ProcessInfo does that after a snapshot's families.
/// Their names are refused at registration of other metrics.
void visit_families(const ProcessInfo& info, Visitor& visitor);

FAST_TELEMETRY_END_NAMESPACE
