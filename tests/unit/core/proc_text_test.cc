// SPDX-License-Identifier: Apache-2.0
#include "src/core/proc_text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace ft = fast_telemetry;
using ft::detail::parse_cgroup_path;
using ft::detail::parse_cgroup_place;
using ft::detail::parse_cpu_max;
using ft::detail::parse_keyed;
using ft::detail::parse_number;
using ft::detail::parse_proc_stat;

namespace proc_text_test {

TEST(ParseNumber, takes_one_number_and_the_end_of_its_line) {
  EXPECT_EQ(parse_number("0"), 0u);
  EXPECT_EQ(parse_number("42\n"), 42u);
  EXPECT_EQ(parse_number("9223372036854775807\n"), 9223372036854775807u);
}

TEST(ParseNumber, takes_nothing_else) {
  for (const char* const text : {"", "\n", "max", "max\n", "-1\n", "+1", " 1", "1 ", "1\n\n", "1\n2\n", "0x10", "1.5",
                                 "1kB", "9223372036854775808", "18446744073709551615", "99999999999999999999999"}) {
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_number(std::string_view{"1\0", 2}), std::nullopt);
}

TEST(ParseKeyed, finds_the_line_of_exactly_this_key) {
  constexpr std::string_view text = "nr_periods_more 1\nnr_periods 22\nnr_throttled max\nempty\nlast 5";
  EXPECT_EQ(parse_keyed(text, "nr_periods"), 22u);
  EXPECT_EQ(parse_keyed(text, "last"), 5u);
  EXPECT_EQ(parse_keyed(text, "nr_throttled"), std::nullopt);
  EXPECT_EQ(parse_keyed(text, "nr"), std::nullopt);
  EXPECT_EQ(parse_keyed(text, "empty"), std::nullopt);
  EXPECT_EQ(parse_keyed("", "nr_periods"), std::nullopt);
}

TEST(ParseCpuMax, is_the_quota_by_its_period) {
  EXPECT_EQ(parse_cpu_max("150000 100000\n"), 1.5);
  EXPECT_EQ(parse_cpu_max("1000 1000000\n"), 0.001);
}

TEST(ParseCpuMax, is_absent_without_a_quota_and_for_what_is_no_quota) {
  for (const char* const text : {"max 100000\n", "max\n", "", "100000\n", "100000 \n", "100000 0\n", "0 100000\n",
                                 "-1 100000\n", "1 2 3\n", "99999999999999999999 100000\n"}) {
    EXPECT_EQ(parse_cpu_max(text), std::nullopt) << text;
  }
}

std::string stat_of(const std::string& name) {
  return "4711 (" + name +
         ") S 1 4711 4711 0 -1 4194560 2900 0 3 0 14 6 0 0 20 0 12 0 1551185 3133440 388 18446744073709551615 1 1 0 0 "
         "0 0 0 4096 17642 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
}

TEST(ParseProcStat, reads_behind_whatever_name_the_program_has) {
  for (const char* const name : {"proxy", "", "a b c", ")", "((", ") S 9 9 9",
                                 ") R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", "line\nfeed) ", "\xff\xfe", "(x) (y)"}) {
    const ft::detail::ProcStat stat = parse_proc_stat(stat_of(name));
    EXPECT_EQ(stat.threads, 12u) << name;
    EXPECT_EQ(stat.start_ticks, 1551185u) << name;
    EXPECT_EQ(stat.virtual_bytes, 3133440u) << name;
    EXPECT_EQ(stat.resident_pages, 388u) << name;
  }
}

TEST(ParseProcStat, is_absent_where_the_text_ends_early_or_is_none) {
  for (const char* const text : {"", "4711", "4711 (proxy", "4711 (proxy)", "4711 (proxy) ", "4711 (proxy)S 1 2 3",
                                 "4711 (proxy) S 1 4711 4711 0 -1 4194560 2900 0 3 0 14 6 0 0 20 0"}) {
    const ft::detail::ProcStat stat = parse_proc_stat(text);
    EXPECT_FALSE(stat.threads || stat.start_ticks || stat.virtual_bytes || stat.resident_pages) << text;
  }
}

TEST(ParseProcStat, takes_no_field_for_another_when_one_is_no_number) {
  const ft::detail::ProcStat stat = parse_proc_stat("1 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 many 0 -7 3e9 0x10 1\n");
  EXPECT_FALSE(stat.threads || stat.start_ticks || stat.virtual_bytes || stat.resident_pages);
}

TEST(ParseProcStat, does_not_show_the_memory_of_a_main_thread_that_has_ended) {
  const ft::detail::ProcStat stat = parse_proc_stat("1 (x) Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 77 0 0 1\n");
  EXPECT_EQ(stat.threads, 2u);
  EXPECT_EQ(stat.start_ticks, 77u);
  EXPECT_FALSE(stat.virtual_bytes || stat.resident_pages);
}

constexpr std::string_view hybrid =
    "9:name=systemd:/\n"
    "4:memory:/jobs/a:b\n"
    "2:cpu,cpuacct:/jobs\n"
    "1:cpuset:/sets\n"
    "0::/unified\n";

TEST(ParseCgroupPath, finds_the_hierarchy_of_a_controller) {
  EXPECT_EQ(parse_cgroup_path(hybrid, "memory"), "/jobs/a:b");
  EXPECT_EQ(parse_cgroup_path(hybrid, "cpu"), "/jobs");
  EXPECT_EQ(parse_cgroup_path(hybrid, "cpuacct"), "/jobs");
  EXPECT_EQ(parse_cgroup_path(hybrid, "cpuset"), "/sets");
  EXPECT_EQ(parse_cgroup_path(hybrid, ""), "/unified");
}

TEST(ParseCgroupPath, is_absent_otherwise) {
  EXPECT_EQ(parse_cgroup_path(hybrid, "pids"), std::nullopt);
  EXPECT_EQ(parse_cgroup_path(hybrid, "systemd"), std::nullopt);
  EXPECT_EQ(parse_cgroup_path("4:memory:/jobs\n", ""), std::nullopt);
  for (const char* const text : {"", "\n", ":", "::", "0::", "0::relative\n", "0:\n", "10::/x\n", "nonsense\n"}) {
    EXPECT_EQ(parse_cgroup_path(text, ""), std::nullopt) << text;
  }
}

std::string place(std::string_view mountinfo, std::string_view path, std::string_view controller) {
  const auto found = parse_cgroup_place(mountinfo, path, controller);
  return found ? found->mount_point + "|" + found->below : "absent";
}

constexpr std::string_view mounts =
    "22 1 0:21 / / rw - ext4 /dev/vda rw\n"
    "30 22 0:27 / /sys/fs/cgroup ro - tmpfs tmpfs rw,mode=755\n"
    "31 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "34 30 0:31 /docker/abc /sys/fs/cgroup/memory rw shared:10 master:2 - cgroup cgroup rw,memory\n"
    "40 30 0:37 / /sys/fs/cgroup/uni\\040fied\\134x rw - cgroup2 cgroup2 rw\n";

TEST(ParseCgroupPlace, is_below_the_mount_of_the_hierarchy) {
  EXPECT_EQ(place(mounts, "/jobs/a", "cpu"), "/sys/fs/cgroup/cpu,cpuacct|/jobs/a");
  EXPECT_EQ(place(mounts, "/", "cpuacct"), "/sys/fs/cgroup/cpu,cpuacct|");
  EXPECT_EQ(place(mounts, "/x", ""), "/sys/fs/cgroup/uni fied\\x|/x");
  EXPECT_EQ(place("1 0 0:1 / / rw - cgroup2 none rw\n", "/x", ""), "|/x");
}

TEST(ParseCgroupPlace, begins_at_the_cgroup_that_a_container_is_shown) {
  EXPECT_EQ(place(mounts, "/docker/abc", "memory"), "/sys/fs/cgroup/memory|");
  EXPECT_EQ(place(mounts, "/docker/abc/inner", "memory"), "/sys/fs/cgroup/memory|/inner");
}

TEST(ParseCgroupPlace, is_absent_for_a_cgroup_that_no_mount_shows) {
  EXPECT_EQ(place(mounts, "/docker/abcdef", "memory"), "absent");
  EXPECT_EQ(place(mounts, "/docker", "memory"), "absent");
  EXPECT_EQ(place(mounts, "/", "memory"), "absent");
  EXPECT_EQ(place(mounts, "/x", "pids"), "absent");
  EXPECT_EQ(place("", "/x", ""), "absent");
}

TEST(ParseCgroupPlace, climbs_out_of_no_namespace) {
  EXPECT_EQ(place(mounts, "/..", ""), "absent");
  EXPECT_EQ(place(mounts, "/../sibling", ""), "absent");
  EXPECT_EQ(place(mounts, "/a/../b", ""), "absent");
  EXPECT_EQ(place(mounts, "/a/..b/c..", ""), "/sys/fs/cgroup/uni fied\\x|/a/..b/c..");
  constexpr std::string_view older = "1 0 0:1 /../.. /mnt rw - cgroup2 none rw\n";
  EXPECT_EQ(place(older, "/", ""), "absent");
  EXPECT_EQ(place(older, "/../../other", ""), "/mnt|/other");
}

TEST(ParseCgroupPlace, takes_nothing_from_lines_that_are_cut_short) {
  const std::string whole = "40 30 0:37 / /mnt rw shared:1 - cgroup2 cgroup2 rw";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string found = place(whole.substr(0, size), "/x", "");
    EXPECT_TRUE(found == "absent" || found == "/mnt|/x") << whole.substr(0, size);
  }
}

/// For the sanitizers: whatever the texts are, nothing is read beyond their ends.
TEST(ProcText, survives_any_text) {
  std::mt19937 random{1};
  const std::string pieces[] = {"0::/",   "1:memory:/x",
                                "\n",     " ",
                                ")",      "(",
                                "..",     "/",
                                "\\04",   "\\040",
                                "-",      "cgroup2",
                                "cgroup", "memory",
                                ",",      "18446744073709551616",
                                "7",      std::string(1, '\0'),
                                "max",    ":"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::size_t n = random() % 24; n > 0; --n) text += pieces[random() % std::size(pieces)];
    const std::string copy{text.data(), text.size()};
    static_cast<void>(parse_proc_stat(copy));
    static_cast<void>(parse_keyed(copy, "7"));
    static_cast<void>(parse_cpu_max(copy));
    const auto path = parse_cgroup_path(copy, "memory");
    const auto found = parse_cgroup_place(copy, path.value_or("/x"), i % 2 == 0 ? "memory" : "");
    if (found) {
      EXPECT_EQ(found->below.find("/../"), std::string::npos) << text;
    }
  }
}

}  // namespace proc_text_test
