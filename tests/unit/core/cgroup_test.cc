// SPDX-License-Identifier: Apache-2.0
//
// Limits and use of cgroups, read from trees as kernels and container runtimes lay them out.
#include "src/core/cgroup.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace ft = fast_telemetry;

namespace cgroup_test {

class Cgroup : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "ft-cgroup-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root = name;
  }
  void TearDown() override { std::filesystem::remove_all(root); }

  void file(const std::string& path, const std::string& text) {
    const std::filesystem::path whole = root + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream{whole} << text;
  }

  void v2(const std::string& path, const std::string& mount_root = "/") {
    file("/proc/self/cgroup", "0::" + path + "\n");
    file("/proc/self/mountinfo", "29 22 0:26 " + mount_root + " /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n");
  }

  ft::ProcessInfo read() {
    ft::ProcessInfo info;
    ft::detail::read_cgroup(root, info);
    return info;
  }

  static bool is_empty(const ft::ProcessInfo& info) {
    return !info.cgroup_memory_limit_bytes && !info.cgroup_memory_usage_bytes && !info.cgroup_cpu_limit_cores &&
           !info.cgroup_cpu_periods && !info.cgroup_cpu_throttled_periods && !info.cgroup_cpu_throttled_seconds;
  }

  std::string root;
};

TEST_F(Cgroup, of_version_2_has_limits_and_use) {
  v2("/app");
  file("/sys/fs/cgroup/app/memory.max", "1073741824\n");
  file("/sys/fs/cgroup/app/memory.current", "536870912\n");
  file("/sys/fs/cgroup/app/cpu.max", "150000 100000\n");
  file("/sys/fs/cgroup/app/cpu.stat",
       "usage_usec 900\nuser_usec 600\nsystem_usec 300\nnr_periods 40\nnr_throttled 3\nthrottled_usec 1500000\n");
  const ft::ProcessInfo info = read();
  EXPECT_EQ(info.cgroup_memory_limit_bytes, 1073741824u);
  EXPECT_EQ(info.cgroup_memory_usage_bytes, 536870912u);
  EXPECT_EQ(info.cgroup_cpu_limit_cores, 1.5);
  EXPECT_EQ(info.cgroup_cpu_periods, 40u);
  EXPECT_EQ(info.cgroup_cpu_throttled_periods, 3u);
  EXPECT_EQ(info.cgroup_cpu_throttled_seconds, 1.5);
}

TEST_F(Cgroup, of_version_1_has_limits_and_use) {
  file("/proc/self/cgroup", "4:memory:/app\n2:cpu,cpuacct:/app\n");
  file("/proc/self/mountinfo",
       "31 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
       "34 30 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  file("/sys/fs/cgroup/memory/app/memory.limit_in_bytes", "1073741824\n");
  file("/sys/fs/cgroup/memory/app/memory.usage_in_bytes", "536870912\n");
  file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  file("/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "50000\n");
  file("/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us", "100000\n");
  file("/sys/fs/cgroup/cpu,cpuacct/app/cpu.stat", "nr_periods 40\nnr_throttled 3\nthrottled_time 1500000000\n");
  file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  const ft::ProcessInfo info = read();
  EXPECT_EQ(info.cgroup_memory_limit_bytes, 1073741824u);
  EXPECT_EQ(info.cgroup_memory_usage_bytes, 536870912u);
  EXPECT_EQ(info.cgroup_cpu_limit_cores, 0.5);
  EXPECT_EQ(info.cgroup_cpu_periods, 40u);
  EXPECT_EQ(info.cgroup_cpu_throttled_periods, 3u);
  EXPECT_EQ(info.cgroup_cpu_throttled_seconds, 1.5);
}

TEST_F(Cgroup, without_limits_shows_its_use_and_no_limits) {
  v2("/app");
  file("/sys/fs/cgroup/app/memory.max", "max\n");
  file("/sys/fs/cgroup/app/memory.current", "4096\n");
  file("/sys/fs/cgroup/app/cpu.max", "max 100000\n");
  file("/sys/fs/cgroup/app/cpu.stat", "usage_usec 900\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n");
  const ft::ProcessInfo info = read();
  EXPECT_EQ(info.cgroup_memory_limit_bytes, std::nullopt);
  EXPECT_EQ(info.cgroup_memory_usage_bytes, 4096u);
  EXPECT_EQ(info.cgroup_cpu_limit_cores, std::nullopt);
  EXPECT_EQ(info.cgroup_cpu_throttled_seconds, 0.0);
}

// Pages of 4, 16 and 64 KiB have another "no limit" each.
TEST_F(Cgroup, of_version_1_does_not_take_the_largest_number_for_a_limit) {
  file("/proc/self/cgroup", "4:memory:/app\n");
  file("/proc/self/mountinfo", "34 30 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  for (const char* const none : {"9223372036854771712\n", "9223372036854759424\n", "9223372036854710272\n",
                                 "9223372036854775807\n", "18446744073709551615\n", "-1\n"}) {
    file("/sys/fs/cgroup/memory/app/memory.limit_in_bytes", none);
    EXPECT_EQ(read().cgroup_memory_limit_bytes, std::nullopt) << none;
  }
}

TEST_F(Cgroup, is_limited_by_the_lowest_limit_above_it_and_shows_the_use_of_the_cgroup_that_has_it) {
  v2("/pod/container/session");
  file("/sys/fs/cgroup/pod/memory.max", "1000000\n");
  file("/sys/fs/cgroup/pod/memory.current", "900000\n");
  file("/sys/fs/cgroup/pod/container/memory.max", "2000000\n");
  file("/sys/fs/cgroup/pod/container/memory.current", "800000\n");
  file("/sys/fs/cgroup/pod/container/session/memory.max", "max\n");
  file("/sys/fs/cgroup/pod/container/session/memory.current", "700000\n");
  file("/sys/fs/cgroup/pod/cpu.max", "400000 100000\n");
  file("/sys/fs/cgroup/pod/cpu.stat", "nr_periods 1\nnr_throttled 1\nthrottled_usec 1\n");
  file("/sys/fs/cgroup/pod/container/cpu.max", "20000 10000\n");
  file("/sys/fs/cgroup/pod/container/cpu.stat", "nr_periods 7\nnr_throttled 5\nthrottled_usec 250000\n");
  const ft::ProcessInfo info = read();
  EXPECT_EQ(info.cgroup_memory_limit_bytes, 1000000u);
  EXPECT_EQ(info.cgroup_memory_usage_bytes, 900000u);
  EXPECT_EQ(info.cgroup_cpu_limit_cores, 2.0);
  EXPECT_EQ(info.cgroup_cpu_periods, 7u);
  EXPECT_EQ(info.cgroup_cpu_throttled_periods, 5u);
  EXPECT_EQ(info.cgroup_cpu_throttled_seconds, 0.25);
}

// A container with a cgroup namespace of its own: it is at the root of what it sees.
TEST_F(Cgroup, at_the_root_of_its_namespace_is_that_of_the_mount) {
  v2("/");
  file("/sys/fs/cgroup/memory.max", "1000000\n");
  file("/sys/fs/cgroup/memory.current", "900000\n");
  file("/sys/fs/memory.max", "1\n");  // beyond the mount
  EXPECT_EQ(read().cgroup_memory_limit_bytes, 1000000u);
  EXPECT_EQ(read().cgroup_memory_usage_bytes, 900000u);
}

// A container without one: paths are the host's, and the mount begins at the container's cgroup.
TEST_F(Cgroup, of_a_container_without_a_namespace_is_found_by_the_root_of_the_mount) {
  v2("/docker/abc/inner", "/docker/abc");
  file("/sys/fs/cgroup/memory.max", "1000000\n");
  file("/sys/fs/cgroup/inner/memory.current", "900000\n");
  file("/sys/fs/cgroup/inner/memory.max", "500000\n");
  file("/sys/fs/cgroup/docker/abc/inner/memory.max", "1\n");  // not this one
  EXPECT_EQ(read().cgroup_memory_limit_bytes, 500000u);
  EXPECT_EQ(read().cgroup_memory_usage_bytes, 900000u);
}

TEST_F(Cgroup, beyond_its_namespace_is_absent) {
  v2("/../other");
  file("/sys/fs/cgroup/memory.max", "1000000\n");
  file("/sys/fs/other/memory.max", "1\n");
  EXPECT_TRUE(is_empty(read()));
}

TEST_F(Cgroup, of_a_machine_with_both_versions_is_in_the_one_that_has_the_controller) {
  file("/proc/self/cgroup", "4:memory:/one\n0::/two\n");
  file("/proc/self/mountinfo",
       "34 30 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
       "40 30 0:37 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  file("/sys/fs/cgroup/memory/one/memory.limit_in_bytes", "1000000\n");
  file("/sys/fs/cgroup/unified/two/memory.max", "1\n");
  file("/sys/fs/cgroup/unified/two/cpu.max", "50000 100000\n");
  EXPECT_EQ(read().cgroup_memory_limit_bytes, 1000000u);
  EXPECT_EQ(read().cgroup_cpu_limit_cores, 0.5);
}

TEST_F(Cgroup, shows_what_is_readable_when_the_rest_is_not) {
  v2("/app");
  file("/sys/fs/cgroup/app/memory.max", "1000000\n");
  file("/sys/fs/cgroup/app/cpu.stat", "usage_usec 900\nnr_periods many\nnr_throttled 3\n");
  const ft::ProcessInfo info = read();
  EXPECT_EQ(info.cgroup_memory_limit_bytes, 1000000u);
  EXPECT_EQ(info.cgroup_memory_usage_bytes, std::nullopt);
  EXPECT_EQ(info.cgroup_cpu_limit_cores, std::nullopt);
  EXPECT_EQ(info.cgroup_cpu_periods, std::nullopt);
  EXPECT_EQ(info.cgroup_cpu_throttled_periods, 3u);
  EXPECT_EQ(info.cgroup_cpu_throttled_seconds, std::nullopt);
}

TEST_F(Cgroup, that_was_removed_or_is_not_mounted_is_absent) {
  v2("/app (deleted)");
  EXPECT_TRUE(is_empty(read()));
  file("/proc/self/mountinfo", "22 1 0:21 / / rw - ext4 /dev/vda rw\n");
  EXPECT_TRUE(is_empty(read()));
  std::filesystem::remove(root + "/proc/self/mountinfo");
  EXPECT_TRUE(is_empty(read()));
}

TEST_F(Cgroup, is_absent_without_proc) { EXPECT_TRUE(is_empty(read())); }

TEST(ReadFile, reads_the_whole_of_a_file_or_nothing) {
  std::string name = testing::TempDir() + "ft-file-XXXXXX";
  const int file = mkstemp(name.data());
  ASSERT_GE(file, 0);
  close(file);
  const std::string text(100'000, 'x');
  std::ofstream{name} << text;
  EXPECT_EQ(ft::detail::read_file(name), text);
  std::filesystem::resize_file(name, (std::size_t{4} << 20) + 8192);
  EXPECT_EQ(ft::detail::read_file(name), std::nullopt);
  std::filesystem::remove(name);
  EXPECT_EQ(ft::detail::read_file(name), std::nullopt);
  EXPECT_EQ(ft::detail::read_file(testing::TempDir()), std::nullopt);
}

}  // namespace cgroup_test
