// SPDX-License-Identifier: Apache-2.0
#include "cgroup.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "proc_text.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

struct ProcTexts {
  std::string cgroup;
  std::string mountinfo;
};

/// A controller's cgroup of this process.
struct Cgroup {
  CgroupPlace place;
  bool v2;
};

/// On a machine with both versions a controller belongs to one of them: to v1's hierarchy that names it, or to v2's.
std::optional<Cgroup> find_cgroup(const ProcTexts& texts, std::string_view controller) {
  const auto v1 = parse_cgroup_path(texts.cgroup, controller);
  const auto path = v1 ? v1 : parse_cgroup_path(texts.cgroup, "");
  if (!path) return std::nullopt;
  auto place = parse_cgroup_place(texts.mountinfo, *path, v1 ? controller : "");
  if (!place) return std::nullopt;
  return Cgroup{std::move(*place), !v1};
}

template <class Value>
struct Limit {
  std::optional<Value> value;
  std::string folder;  ///< of the cgroup that has it; the process's own when none has
};

/// The lowest limit from the process's cgroup up to where it is mounted.
template <class Read>
auto lowest_limit(const std::string& root, const CgroupPlace& place, Read read) {
  const std::string top = root + place.mount_point;
  std::string folder = top + place.below;
  Limit<typename decltype(read(folder))::value_type> lowest{std::nullopt, folder};
  while (true) {
    const auto limit = read(folder);
    if (limit && (!lowest.value || *limit < *lowest.value)) lowest = {limit, folder};
    if (folder.size() <= top.size()) return lowest;
    folder.resize(folder.rfind('/'));
  }
}

std::optional<std::uint64_t> read_number(const std::string& path) {
  const auto text = read_file(path);
  return text ? parse_number(*text) : std::nullopt;
}

std::optional<std::uint64_t> memory_limit_v1(const std::string& folder) {
  const auto limit = read_number(folder + "/memory.limit_in_bytes");
  // No limit is the highest multiple of a page that fits 63 bits; pages differ, memory of 2^62 bytes does not exist.
  return limit && *limit < std::uint64_t{1} << 62 ? limit : std::nullopt;
}

std::optional<double> cpu_limit_v1(const std::string& folder) {
  const auto quota = read_number(folder + "/cpu.cfs_quota_us");  // -1: none
  const auto period = read_number(folder + "/cpu.cfs_period_us");
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

void read_memory(const std::string& root, const Cgroup& cgroup, ProcessInfo& info) {
  const auto limit = lowest_limit(root, cgroup.place, [&](const std::string& folder) {
    return cgroup.v2 ? read_number(folder + "/memory.max") : memory_limit_v1(folder);
  });
  info.cgroup_memory_limit_bytes = limit.value;
  info.cgroup_memory_usage_bytes =
      read_number(limit.folder + (cgroup.v2 ? "/memory.current" : "/memory.usage_in_bytes"));
}

void read_cpu(const std::string& root, const Cgroup& cgroup, ProcessInfo& info) {
  const auto limit = lowest_limit(root, cgroup.place, [&](const std::string& folder) -> std::optional<double> {
    if (!cgroup.v2) return cpu_limit_v1(folder);
    const auto text = read_file(folder + "/cpu.max");
    return text ? parse_cpu_max(*text) : std::nullopt;
  });
  info.cgroup_cpu_limit_cores = limit.value;
  const auto stat = read_file(limit.folder + "/cpu.stat");
  if (!stat) return;
  info.cgroup_cpu_periods = parse_keyed(*stat, "nr_periods");
  info.cgroup_cpu_throttled_periods = parse_keyed(*stat, "nr_throttled");
  const auto throttled = parse_keyed(*stat, cgroup.v2 ? "throttled_usec" : "throttled_time");
  if (throttled) info.cgroup_cpu_throttled_seconds = static_cast<double>(*throttled) / (cgroup.v2 ? 1e6 : 1e9);
}

}  // namespace

std::optional<std::string> read_file(const std::string& path) {
  constexpr std::size_t most = std::size_t{4}
                               << 20;  // a host's mountinfo has thousands of lines, of some hundred bytes
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  std::string text;
  try {
    while (text.size() <= most) {
      const std::size_t before = text.size();
      text.resize(before + 4096);
      const ssize_t got = read(file, text.data() + before, text.size() - before);
      text.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        close(file);
        return got == 0 ? std::optional{std::move(text)} : std::nullopt;
      }
    }
  } catch (...) {
    close(file);
    throw;
  }
  close(file);
  return std::nullopt;
}

void read_cgroup(const std::string& root, ProcessInfo& info) {
  auto cgroup = read_file(root + "/proc/self/cgroup");
  auto mountinfo = read_file(root + "/proc/self/mountinfo");
  if (!cgroup || !mountinfo) return;
  const ProcTexts texts{std::move(*cgroup), std::move(*mountinfo)};
  if (const auto memory = find_cgroup(texts, "memory")) read_memory(root, *memory, info);
  if (const auto cpu = find_cgroup(texts, "cpu")) read_cpu(root, *cpu, info);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
