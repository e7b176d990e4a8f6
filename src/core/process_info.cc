// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/process_info.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <limits>
#include <new>

#include "cgroup.h"
#include "proc_text.h"
#include "process_reader.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

/// Start times are told in these.
double ticks_to_seconds(std::uint64_t ticks) noexcept {
  return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::int64_t boot_unix_ns() noexcept {
  timespec wall{};
  timespec running{};  // since boot, time asleep included: what start times are told in
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_gettime(CLOCK_BOOTTIME, &running);
  const std::int64_t measured = (wall.tv_sec - running.tv_sec) * second_ns + (wall.tv_nsec - running.tv_nsec);
  static std::atomic<std::int64_t> kept{0};
  return kept_boot_time(kept, measured);
}

std::optional<std::uint64_t> count(long number) noexcept {
  return number >= 0 ? std::optional{static_cast<std::uint64_t>(number)} : std::nullopt;
}

/// For all threads: what /proc/self/status says of context switches is the main thread's alone.
void read_usage(ProcessInfo& info) noexcept {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return;
  const std::int64_t microseconds =
      (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1'000'000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  info.cpu_seconds = static_cast<double>(microseconds) / 1e6;
  info.voluntary_context_switches = count(usage.ru_nvcsw);
  info.involuntary_context_switches = count(usage.ru_nivcsw);
  info.minor_page_faults = count(usage.ru_minflt);
  info.major_page_faults = count(usage.ru_majflt);
}

std::optional<std::uint64_t> soft_limit(decltype(RLIMIT_AS) resource) noexcept {
  rlimit limit{};
  // RLIM_INFINITY is larger than what can be counted, too.
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur > std::numeric_limits<std::int64_t>::max()) {
    return std::nullopt;
  }
  return limit.rlim_cur;
}

std::optional<std::uint64_t> count_open_files(const std::string& folder) noexcept {
  constexpr auto proc = 0x9fa0;  // Linux, PROC_SUPER_MAGIC
  struct stat status{};
  struct statfs system{};
  // Linux 6.2 tells their number as the folder's size: at once, and also where there is none left to open the folder.
  if (stat(folder.c_str(), &status) == 0 && status.st_size > 0 && statfs(folder.c_str(), &system) == 0 &&
      system.f_type == proc) {
    return static_cast<std::uint64_t>(status.st_size);
  }
  DIR* const open_folder = opendir(folder.c_str());
  if (open_folder == nullptr) return std::nullopt;
  std::uint64_t files = 0;
  while (const dirent* const entry = readdir(open_folder)) {
    const auto number = parse_number(entry->d_name);
    // The folder itself is open for the time of counting only.
    if (number && *number != static_cast<std::uint64_t>(dirfd(open_folder))) ++files;
  }
  closedir(open_folder);
  return files;
}

void read_stat(const std::string& path, std::int64_t boot, ProcessInfo& info) {
  const auto text = read_file(path);
  if (!text) return;
  const ProcStat stat = parse_proc_stat(*text);
  info.threads = stat.threads;
  info.virtual_memory_bytes = stat.virtual_bytes;
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  if (stat.resident_pages && *stat.resident_pages <= most / page) {
    info.resident_memory_bytes = *stat.resident_pages * page;
  }
  if (stat.start_ticks) {
    info.start_time_unix_seconds =
        static_cast<double>(boot) / static_cast<double>(second_ns) + ticks_to_seconds(*stat.start_ticks);
  }
}

// Names and help of the first eight: Prometheus, "Writing client libraries", process metrics. They have none for the
// rest.
constexpr OwnFamily cpu{"cpu", "process_cpu_seconds", "Total user and system CPU time spent in seconds.", Unit::seconds,
                        Kind::counter};
constexpr OwnFamily open_fds{"open_fds", "process_open_fds", "Number of open file descriptors.", Unit::none,
                             Kind::gauge};
constexpr OwnFamily max_fds{"max_fds", "process_max_fds", "Maximum number of open file descriptors.", Unit::none,
                            Kind::gauge};
constexpr OwnFamily virtual_memory{"virtual_memory", "process_virtual_memory_bytes", "Virtual memory size in bytes.",
                                   Unit::bytes, Kind::gauge};
constexpr OwnFamily virtual_memory_max{"virtual_memory_max", "process_virtual_memory_max_bytes",
                                       "Maximum amount of virtual memory available in bytes.", Unit::bytes,
                                       Kind::gauge};
constexpr OwnFamily resident_memory{"resident_memory", "process_resident_memory_bytes",
                                    "Resident memory size in bytes.", Unit::bytes, Kind::gauge};
constexpr OwnFamily start_time{"start_time", "process_start_time_seconds",
                               "Start time of the process since unix epoch in seconds.", Unit::seconds, Kind::gauge};
constexpr OwnFamily threads{"threads", "process_threads", "Number of OS threads in the process.", Unit::none,
                            Kind::gauge};
constexpr OwnFamily context_switches{"context_switches", "process_context_switches",
                                     "Times that a thread of the process gave up the CPU or lost it, by type.",
                                     Unit::none, Kind::counter};
constexpr OwnFamily page_faults{"page_faults", "process_page_faults",
                                "Page faults of the process: minor ones were served from memory.", Unit::none,
                                Kind::counter};
constexpr OwnFamily memory_limit{"cgroup_memory_limit", "process_cgroup_memory_limit_bytes",
                                 "Lowest memory limit of the cgroups that the process is in.", Unit::bytes,
                                 Kind::gauge};
constexpr OwnFamily memory_usage{"cgroup_memory_usage", "process_cgroup_memory_usage_bytes",
                                 "Memory used in the cgroup with that limit, page cache included.", Unit::bytes,
                                 Kind::gauge};
constexpr OwnFamily cpu_limit{"cgroup_cpu_limit_cores", "process_cgroup_cpu_limit_cores",
                              "Lowest CPU quota of the cgroups that the process is in, as a number of CPUs.",
                              Unit::none, Kind::gauge};
constexpr OwnFamily cpu_periods{"cgroup_cpu_periods", "process_cgroup_cpu_periods",
                                "Quota periods in which the cgroup with that quota could run.", Unit::none,
                                Kind::counter};
constexpr OwnFamily throttled_periods{"cgroup_cpu_throttled_periods", "process_cgroup_cpu_throttled_periods",
                                      "Quota periods in which the cgroup with that quota was throttled.", Unit::none,
                                      Kind::counter};
constexpr OwnFamily throttled_time{"cgroup_cpu_throttled", "process_cgroup_cpu_throttled_seconds",
                                   "Time that the cgroup with that quota was throttled, added up over CPUs.",
                                   Unit::seconds, Kind::counter};

constexpr std::array all_families{
    cpu,        open_fds,    max_fds,           virtual_memory, virtual_memory_max, resident_memory,
    start_time, threads,     context_switches,  page_faults,    memory_limit,       memory_usage,
    cpu_limit,  cpu_periods, throttled_periods, throttled_time};

template <class Value>
void show_point(OwnFamilies& own, Kind kind, std::optional<Value> value, std::span<const Label> labels = {}) {
  if (!value) return own.absent();
  if (kind == Kind::counter) return own.sum(*value, labels);
  own.gauge(*value, labels);
}

template <class Value>
void show(OwnFamilies& own, const OwnFamily& family, std::optional<Value> value) {
  if (value) own.family(family);
  show_point(own, family.kind, value);
}

struct Typed {
  const char* type;
  std::optional<std::uint64_t> value;
};

void show_by_type(OwnFamilies& own, const OwnFamily& family, const Typed& one, const Typed& other) {
  if (one.value || other.value) own.family(family);
  for (const Typed& typed : {one, other}) {
    const Label label{"type", typed.type};
    show_point(own, family.kind, typed.value, {&label, 1});
  }
}

}  // namespace

std::span<const OwnFamily> process_info_families() noexcept { return all_families; }

std::int64_t kept_boot_time(std::atomic<std::int64_t>& kept, std::int64_t measured) noexcept {
  // Relaxed: the number carries nothing with it.
  std::int64_t before = kept.load(std::memory_order_relaxed);
  const bool same = measured - before < second_ns && before - measured < second_ns;
  if (before != 0 && same) return before;
  // Of two threads that are first, one says what both use.
  return kept.compare_exchange_strong(before, measured, std::memory_order_relaxed) ? measured : before;
}

ProcessInfo read_process_info(const std::string& root, std::int64_t boot) {
  ProcessInfo info;
  read_usage(info);
  info.max_fds = soft_limit(RLIMIT_NOFILE);
  info.virtual_memory_max_bytes = soft_limit(RLIMIT_AS);
  info.open_fds = count_open_files(root + "/proc/self/fd");
  read_stat(root + "/proc/self/stat", boot, info);
  read_cgroup(root, info);
  return info;
}

}  // namespace detail

namespace detail {

std::int64_t process_start_unix_ns() noexcept {
  // The first is read before the second, and written after it: a forked child never takes its parent's for its own.
  static std::atomic<pid_t> of_process{0};
  static std::atomic<std::int64_t> start{0};
  if (of_process.load(std::memory_order_acquire) == getpid()) return start.load(std::memory_order_relaxed);
  std::int64_t now = 0;
  try {
    ProcessInfo info;
    read_stat("/proc/self/stat", boot_unix_ns(), info);
    now = static_cast<std::int64_t>(info.start_time_unix_seconds.value_or(0) * static_cast<double>(second_ns));
  } catch (const std::bad_alloc&) {
    return 0;  // the next one may know
  }
  start.store(now, std::memory_order_relaxed);
  // Release: pairs with the acquire above, without which a thread could see this process's number and no start.
  of_process.store(getpid(), std::memory_order_release);
  return now;
}

}  // namespace detail

ProcessInfo process_info() { return detail::read_process_info("", detail::boot_unix_ns()); }

void visit_families(const ProcessInfo& info, Visitor& visitor) {
  using namespace detail;  // NOLINT(google-build-using-namespace): the families' names
  OwnFamilies own{visitor, "process", process_info_ids};
  show(own, cpu, info.cpu_seconds);
  show(own, open_fds, info.open_fds);
  show(own, max_fds, info.max_fds);
  show(own, virtual_memory, info.virtual_memory_bytes);
  show(own, virtual_memory_max, info.virtual_memory_max_bytes);
  show(own, resident_memory, info.resident_memory_bytes);
  show(own, start_time, info.start_time_unix_seconds);
  show(own, threads, info.threads);
  show_by_type(own, context_switches, {"voluntary", info.voluntary_context_switches},
               {"involuntary", info.involuntary_context_switches});
  show_by_type(own, page_faults, {"minor", info.minor_page_faults}, {"major", info.major_page_faults});
  show(own, memory_limit, info.cgroup_memory_limit_bytes);
  show(own, memory_usage, info.cgroup_memory_usage_bytes);
  show(own, cpu_limit, info.cgroup_cpu_limit_cores);
  own.began(0);  // the cgroup may be older than the process: nobody knows since when it counts
  show(own, cpu_periods, info.cgroup_cpu_periods);
  show(own, throttled_periods, info.cgroup_cpu_throttled_periods);
  show(own, throttled_time, info.cgroup_cpu_throttled_seconds);
}

FAST_TELEMETRY_END_NAMESPACE
