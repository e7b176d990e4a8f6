// SPDX-License-Identifier: Apache-2.0
//
// What exporters of totals show after a registry's metrics, and since when it counts.
#include "src/export/library_families.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <string>

#include "fast_telemetry/process_info.h"
#include "fast_telemetry/spans/tracer.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "src/core/own_families.h"

namespace ft = fast_telemetry;

namespace library_families_test {

ft::RecordingVisitor shown(const ft::detail::LibraryFamilies& families) {
  ft::RecordingVisitor seen;
  visit_families(families, seen);
  return seen;
}

bool has(const ft::RecordingVisitor& seen, const std::string& beginning) {
  for (const auto& family : seen.families()) {
    if (family.full_name.starts_with(beginning)) return true;
  }
  return false;
}

bool is_process_start(std::int64_t unix_ns) {
  const double seconds = ft::process_info().start_time_unix_seconds.value_or(0);
  return unix_ns != 0 && std::abs(static_cast<double>(unix_ns) / 1e9 - seconds) < 1e-3;
}

TEST(LibraryFamilies, are_the_librarys_and_the_processs_and_once_there_is_a_tracer_the_spans) {
  EXPECT_TRUE(has(shown({}), "fast_telemetry_dropped_records"));
  EXPECT_TRUE(has(shown({}), "process_cpu_seconds"));
  EXPECT_FALSE(has(shown({.process = false}), "process_"));
  const ft::Tracer tracer{"shop"};
  EXPECT_TRUE(has(shown({.process = false}), "fast_telemetry_spans_recorded"));
}

// OTM-3, W-49: receivers compute rates from the start. Mutations seen red: OwnFamilies::series with a birth of 0; began
// left out of visit_families(ProcessInfo).
TEST(LibraryFamilies, began_when_the_process_did_but_for_the_cgroups) {
  const ft::Tracer tracer{"shop"};
  for (const auto& family : shown({}).families()) {
    for (const auto& point : family.points) {
      if (family.full_name.find("cgroup_cpu_") != std::string::npos && family.kind == ft::Kind::counter) {
        EXPECT_EQ(point.born_unix_ns, 0) << family.full_name;
      } else if (family.kind == ft::Kind::counter) {
        EXPECT_TRUE(is_process_start(point.born_unix_ns)) << family.full_name;
      }
    }
  }
}

// Mutation seen red: the process's number not looked at.
TEST(LibraryFamilies, of_a_forked_child_began_with_the_child) {
  const std::int64_t start = ft::detail::process_start_unix_ns();
  ASSERT_TRUE(is_process_start(start));
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(is_process_start(ft::detail::process_start_unix_ns()) ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace library_families_test
