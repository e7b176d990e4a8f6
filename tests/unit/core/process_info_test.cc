// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/process_info.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "src/core/names.h"
#include "src/core/process_reader.h"

namespace ft = fast_telemetry;
using testing::HasSubstr;

namespace process_info_test {

constexpr std::int64_t second_ns = 1'000'000'000;

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double wall_clock() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// ── the process that asks ──────────────────────────────────────────────────────────────────────────────────────────

TEST(ProcessInfo, agrees_with_what_the_kernel_says_before_and_after) {
  rusage before{};
  rusage after{};
  ASSERT_EQ(getrusage(RUSAGE_SELF, &before), 0);
  const ft::ProcessInfo info = ft::process_info();
  ASSERT_EQ(getrusage(RUSAGE_SELF, &after), 0);
  constexpr double rounding = 1e-9;
  EXPECT_GE(info.cpu_seconds.value(), seconds_of(before.ru_utime) + seconds_of(before.ru_stime) - rounding);
  EXPECT_LE(info.cpu_seconds.value(), seconds_of(after.ru_utime) + seconds_of(after.ru_stime) + rounding);
  const auto is_between = [](std::optional<std::uint64_t> value, long low, long high) {
    EXPECT_GE(value.value(), static_cast<std::uint64_t>(low));
    EXPECT_LE(value.value(), static_cast<std::uint64_t>(high));
  };
  is_between(info.voluntary_context_switches, before.ru_nvcsw, after.ru_nvcsw);
  is_between(info.involuntary_context_switches, before.ru_nivcsw, after.ru_nivcsw);
  is_between(info.minor_page_faults, before.ru_minflt, after.ru_minflt);
  is_between(info.major_page_faults, before.ru_majflt, after.ru_majflt);
}

TEST(ProcessInfo, counts_the_context_switches_of_all_threads) {
  const std::uint64_t before = ft::process_info().voluntary_context_switches.value();
  std::thread{[] {
    for (int i = 0; i < 20; ++i) {
      const timespec moment{0, 1'000'000};  // to give up the CPU, not to wait: shorter ones can be over before it does
      nanosleep(&moment, nullptr);
    }
  }}.join();
  EXPECT_GE(ft::process_info().voluntary_context_switches.value(), before + 10);
}

TEST(ProcessInfo, counts_open_files_without_the_one_it_counts_with) {
  const std::uint64_t before = ft::process_info().open_fds.value();
  std::vector<int> files;
  for (int i = 0; i < 7; ++i) files.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(ft::process_info().open_fds.value(), before + 7);
  for (const int file : files) close(file);
  EXPECT_EQ(ft::process_info().open_fds.value(), before);
  const auto listed = std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {});
  EXPECT_EQ(before + 1, static_cast<std::uint64_t>(listed)) << "that listing has one of its own";
}

TEST(ProcessInfo, shows_the_soft_limits_and_none_that_is_not_set) {
  rlimit files{};
  rlimit space{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  ASSERT_EQ(getrlimit(RLIMIT_AS, &space), 0);
  rlimit lower = files;
  lower.rlim_cur = std::min<rlim_t>(files.rlim_cur, 123);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &lower), 0);
  rlimit large = space;  // more than sanitizers reserve
  large.rlim_cur = std::min<rlim_t>(space.rlim_cur, rlim_t{1} << 62);
  ASSERT_EQ(setrlimit(RLIMIT_AS, &large), 0);
  ft::ProcessInfo info = ft::process_info();
  EXPECT_EQ(info.max_fds, lower.rlim_cur);
  EXPECT_EQ(info.virtual_memory_max_bytes, large.rlim_cur);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
  ASSERT_EQ(setrlimit(RLIMIT_AS, &space), 0);
  info = ft::process_info();
  EXPECT_EQ(info.max_fds, files.rlim_cur);
  EXPECT_EQ(info.virtual_memory_max_bytes.has_value(), space.rlim_cur != RLIM_INFINITY);
}

TEST(ProcessInfo, sees_memory_that_is_written_become_resident) {
  constexpr std::size_t bytes = std::size_t{64} << 20;
  const ft::ProcessInfo before = ft::process_info();
  std::vector<char> memory(bytes, 'x');
  asm volatile("" : : "r"(memory.data()) : "memory");
  const ft::ProcessInfo after = ft::process_info();
  // Not more than before: a kernel that reclaims idle memory (DAMON) may have taken what earlier tests left.
  EXPECT_GE(after.resident_memory_bytes.value(), bytes);
  EXPECT_LE(after.resident_memory_bytes.value(), after.virtual_memory_bytes.value());
  // A sanitizer may have had the address space before.
  EXPECT_GE(after.virtual_memory_bytes.value(), before.virtual_memory_bytes.value());
}

TEST(ProcessInfo, counts_threads) {
  const std::uint64_t before = ft::process_info().threads.value();
  std::atomic<bool> done{false};
  std::atomic<bool> runs{false};
  std::thread thread{[&] {
    runs = true;
    runs.notify_one();
    done.wait(false);
  }};
  runs.wait(false);
  EXPECT_EQ(ft::process_info().threads.value(), before + 1);
  done = true;
  done.notify_one();
  thread.join();
}

TEST(ProcessInfo, says_the_same_start_time_each_time) {
  const double start = ft::process_info().start_time_unix_seconds.value();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ft::process_info().start_time_unix_seconds.value(), start);
}

TEST(ProcessInfo, started_after_the_machine_and_before_now) {
  timespec running{};
  ASSERT_EQ(clock_gettime(CLOCK_BOOTTIME, &running), 0);
  const double start = ft::process_info().start_time_unix_seconds.value();
  EXPECT_LE(start, wall_clock());
  EXPECT_GE(start, wall_clock() - static_cast<double>(running.tv_sec) - 2);
}

TEST(ProcessInfo, is_the_childs_after_a_fork) {
  const ft::ProcessInfo parent = ft::process_info();
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    close(file);
    const ft::ProcessInfo info = ft::process_info();
    const bool holds = info.threads <= parent.threads && info.open_fds == parent.open_fds &&
                       info.start_time_unix_seconds.value() >= parent.start_time_unix_seconds.value();
    _exit(holds ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  close(file);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

// ── other roots ────────────────────────────────────────────────────────────────────────────────────────────────────

class ReadProcessInfo : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "ft-proc-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root = name;
    std::filesystem::create_directories(root + "/proc/self/fd");
  }
  void TearDown() override { std::filesystem::remove_all(root); }

  std::string root;
};

TEST_F(ReadProcessInfo, without_proc_has_what_system_calls_say_and_no_more) {
  const ft::ProcessInfo info = ft::detail::read_process_info(root + "/nothing", second_ns);
  EXPECT_TRUE(info.cpu_seconds && info.max_fds && info.voluntary_context_switches && info.minor_page_faults);
  EXPECT_FALSE(info.open_fds || info.threads || info.virtual_memory_bytes || info.resident_memory_bytes ||
               info.start_time_unix_seconds);
}

TEST_F(ReadProcessInfo, converts_pages_and_ticks) {
  std::ofstream{root + "/proc/self/stat"} << "1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 250 8192 2 0\n";
  const ft::ProcessInfo info = ft::detail::read_process_info(root, 1000 * second_ns);
  EXPECT_EQ(info.threads, 3u);
  EXPECT_EQ(info.virtual_memory_bytes, 8192u);
  EXPECT_EQ(info.resident_memory_bytes, 2 * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(info.start_time_unix_seconds, 1000.0 + 250.0 / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

TEST_F(ReadProcessInfo, does_not_multiply_beyond_what_can_be_counted) {
  std::ofstream{root + "/proc/self/stat"}
      << "1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 250 8192 9007199254740992 0\n";
  EXPECT_EQ(ft::detail::read_process_info(root, second_ns).resident_memory_bytes, std::nullopt);
}

// Kernels before 6.2 do not tell the number of files as the folder's size; neither does another file system.
TEST_F(ReadProcessInfo, counts_files_one_by_one_where_the_folder_does_not_tell) {
  for (const char* const name : {"0", "1", "2", "999999"}) std::ofstream{root + "/proc/self/fd/" + name};
  EXPECT_EQ(ft::detail::read_process_info(root, second_ns).open_fds, 4u);
}

TEST(KeptBootTime, stays_while_clocks_waver_and_follows_one_that_was_set) {
  constexpr std::int64_t boot = 1'000'000 * second_ns;
  std::atomic<std::int64_t> kept{0};
  const auto measure = [&](std::int64_t measured) { return ft::detail::kept_boot_time(kept, measured); };
  EXPECT_EQ(measure(boot), boot);
  EXPECT_EQ(measure(boot + 1), boot);
  EXPECT_EQ(measure(boot - 900'000'000), boot);
  EXPECT_EQ(measure(boot + 900'000'000), boot);
  EXPECT_EQ(measure(boot + 3600 * second_ns), boot + 3600 * second_ns);
  EXPECT_EQ(measure(boot + 3600 * second_ns - 1), boot + 3600 * second_ns);
  EXPECT_EQ(measure(boot - 2 * second_ns), boot - 2 * second_ns);
}

// ── as families ────────────────────────────────────────────────────────────────────────────────────────────────────

constexpr ft::ProcessInfo example{.cpu_seconds = 1.25,
                                  .open_fds = 2,
                                  .max_fds = 3,
                                  .virtual_memory_bytes = 4,
                                  .virtual_memory_max_bytes = 5,
                                  .resident_memory_bytes = 6,
                                  .start_time_unix_seconds = 7.5,
                                  .threads = 8,
                                  .voluntary_context_switches = 9,
                                  .involuntary_context_switches = 10,
                                  .minor_page_faults = 11,
                                  .major_page_faults = 12,
                                  .cgroup_memory_limit_bytes = 13,
                                  .cgroup_memory_usage_bytes = 14,
                                  .cgroup_cpu_limit_cores = 1.5,
                                  .cgroup_cpu_periods = 16,
                                  .cgroup_cpu_throttled_periods = 17,
                                  .cgroup_cpu_throttled_seconds = 18.5};

ft::RecordingVisitor shown(const ft::ProcessInfo& info) {
  ft::RecordingVisitor seen;
  ft::visit_families(info, seen);
  return seen;
}

TEST(VisitProcessInfo, shows_each_figure_under_its_name) {
  const ft::RecordingVisitor seen = shown(example);
  EXPECT_EQ(seen.float_counter("process_cpu_seconds"), 1.25);
  EXPECT_EQ(seen.gauge("process_open_fds"), 2);
  EXPECT_EQ(seen.gauge("process_max_fds"), 3);
  EXPECT_EQ(seen.gauge("process_virtual_memory_bytes"), 4);
  EXPECT_EQ(seen.gauge("process_virtual_memory_max_bytes"), 5);
  EXPECT_EQ(seen.gauge("process_resident_memory_bytes"), 6);
  EXPECT_EQ(seen.float_gauge("process_start_time_seconds"), 7.5);
  EXPECT_EQ(seen.gauge("process_threads"), 8);
  EXPECT_EQ(seen.counter("process_context_switches", {{"type", "voluntary"}}), 9u);
  EXPECT_EQ(seen.counter("process_context_switches", {{"type", "involuntary"}}), 10u);
  EXPECT_EQ(seen.counter("process_page_faults", {{"type", "minor"}}), 11u);
  EXPECT_EQ(seen.counter("process_page_faults", {{"type", "major"}}), 12u);
  EXPECT_EQ(seen.gauge("process_cgroup_memory_limit_bytes"), 13);
  EXPECT_EQ(seen.gauge("process_cgroup_memory_usage_bytes"), 14);
  EXPECT_EQ(seen.float_gauge("process_cgroup_cpu_limit_cores"), 1.5);
  EXPECT_EQ(seen.counter("process_cgroup_cpu_periods"), 16u);
  EXPECT_EQ(seen.counter("process_cgroup_cpu_throttled_periods"), 17u);
  EXPECT_EQ(seen.float_counter("process_cgroup_cpu_throttled_seconds"), 18.5);
}

TEST(VisitProcessInfo, announces_families_as_other_metrics_are_announced) {
  for (const ft::RecordedFamily& family : shown(example).families()) {
    EXPECT_EQ(family.scope, "process");
    EXPECT_FALSE(family.help.empty());
    EXPECT_EQ(family.full_name, ft::detail::full_name(family.scope, family.name, family.unit));
  }
}

TEST(VisitProcessInfo, does_not_announce_what_is_absent) {
  EXPECT_EQ(shown({}).describe(), "nothing\n");
  EXPECT_EQ(shown({.threads = 8}).describe(), "process_threads 8\n");
  EXPECT_EQ(shown({.major_page_faults = 12}).describe(), "process_page_faults{type=\"major\"} 12\n");
}

// Encoders keep what they have rendered for a series by its id: a value that comes and goes must not move the others.
TEST(VisitProcessInfo, gives_a_series_the_same_id_whatever_else_is_there) {
  const ft::RecordingVisitor all = shown(example);
  ft::RecordingVisitor own;
  ft::visit_families(ft::storage_info(), own);
  std::set<std::uint64_t> ids;
  for (const auto& families : {all.families(), own.families()}) {
    for (const ft::RecordedFamily& family : families) {
      for (const ft::RecordedPoint& point : family.points) EXPECT_TRUE(ids.insert(point.id).second);
    }
  }
  ft::ProcessInfo fewer = example;
  fewer.cpu_seconds.reset();
  fewer.virtual_memory_max_bytes.reset();
  fewer.voluntary_context_switches.reset();
  fewer.cgroup_memory_limit_bytes.reset();
  const ft::RecordingVisitor few = shown(fewer);
  for (const ft::RecordedFamily& family : few.families()) {
    for (const ft::RecordedPoint& point : family.points) {
      const auto& points = all.family(family.full_name).points;
      EXPECT_TRUE(std::any_of(points.begin(), points.end(), [&](const ft::RecordedPoint& other) {
        return other.id == point.id && other.labels == point.labels;
      })) << family.full_name;
    }
  }
}

TEST(VisitProcessInfo, follows_a_snapshot) {
  ft::Registry registry;
  ft::Reader reader{registry};
  const ft::Counter counter{registry, {.name = "c"}};
  ft::RecordingVisitor seen;
  reader.collect().visit(seen, ft::storage_info(), example);
  EXPECT_TRUE(seen.complete());
  EXPECT_EQ(seen.families().front().full_name, "c");
  EXPECT_EQ(seen.gauge("process_threads"), 8);
  EXPECT_TRUE(seen.has("fast_telemetry_metrics"));
}

TEST(VisitProcessInfo, has_names_that_no_registered_metric_can_have) {
  ft::Registry registry;
  ASSERT_EQ(shown(example).families().size(), ft::detail::process_info_families().size());
  for (const ft::RecordedFamily& family : shown(example).families()) {
    for (const std::string& sample : ft::detail::sample_names(family.full_name, family.kind)) {
      try {
        const ft::Gauge<double> clash{registry, {.name = ft::Name::checked(sample)}};
        ADD_FAILURE() << sample << " was registered";
      } catch (const std::invalid_argument& refusal) {
        EXPECT_THAT(refusal.what(), HasSubstr(sample));
        EXPECT_THAT(refusal.what(), HasSubstr("is the library's own"));
      }
    }
  }
  const ft::Counter other{ft::Scope{registry, "process"}, {.name = "restarts"}};
}

}  // namespace process_info_test
