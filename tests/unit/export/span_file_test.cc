// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/export/span_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "fast_telemetry/diagnostics.h"
#include "fast_telemetry/spans/tracer.h"
#include "tests/support/recorded_spans.h"

namespace ft = fast_telemetry;

namespace span_file_test {

using testing::HasSubstr;

class SpanFile : public testing::Test {
 protected:
  SpanFile() {
    ft::forget_spans();
    ft::set_diagnostics(
        [](const ft::Diagnostic& said, void* to) noexcept {
          if (said.component == "span_file") static_cast<std::string*>(to)->append(said.message).append("\n");
        },
        &diagnosed);
  }
  ~SpanFile() override {
    ft::set_diagnostics(nullptr);
    std::filesystem::remove_all(folder);
  }

  void record(std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) tracer.root("op").set_attribute("n", i);
  }
  void drain(std::size_t count) {
    record(count);
    EXPECT_EQ(ft::drain_spans(file).spans, count);
  }
  [[nodiscard]] std::string content() const {
    std::ostringstream text;
    text << std::ifstream{path, std::ios::binary}.rdbuf();
    return text.str();
  }
  void expect_whole_lines(std::size_t count) const {
    std::istringstream lines{content()};
    std::size_t found = 0;
    for (std::string line; std::getline(lines, line); ++found) {
      EXPECT_TRUE(line.starts_with("{\"resourceSpans\"") && line.ends_with("}]}]}]}")) << line;
    }
    EXPECT_TRUE(content().empty() || content().ends_with('\n'));
    EXPECT_EQ(found, count);
  }
  void expect_counts(std::uint64_t written, std::uint64_t dropped_limit, std::uint64_t dropped_error) const {
    const ft::SpanFile::Info info = file.info();
    EXPECT_EQ(info.written, written);
    EXPECT_EQ(info.dropped_limit, dropped_limit);
    EXPECT_EQ(info.dropped_error, dropped_error);
    EXPECT_EQ(info.buffered, 0U);
  }

  static std::string new_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "span_file_XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    return name;
  }

  std::string diagnosed;
  const ft::Tracer tracer{"lib"};
  const std::string folder = new_folder();
  const std::string path = folder + "/spans";
  ft::SpanFile file;
};

/// Runs it in a child process, which is killed at its end.
template <class Run>
void run_and_kill(Run run) {
  const pid_t child = ::fork();
  if (child == 0) {
    run();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST_F(SpanFile, has_a_line_per_span) {
  ASSERT_EQ(file.open(path.c_str()), std::error_code{});
  drain(1000);
  drain(1);
  EXPECT_EQ(file.close(), std::error_code{});
  expect_whole_lines(1001);
  expect_counts(1001, 0, 0);
  EXPECT_EQ(file.info().bytes, content().size());
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(SpanFile, of_a_chrome_trace_is_an_array) {
  ASSERT_EQ(file.open(path.c_str(), {.format = ft::SpanFileFormat::chrome_trace}), std::error_code{});
  drain(2);
  EXPECT_EQ(file.close(), std::error_code{});
  EXPECT_TRUE(content().starts_with("[\n{\"ph\":\"X\",\"name\":\"op\""));
  EXPECT_TRUE(content().ends_with("}},\n{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":" + std::to_string(::getpid()) +
                                  ",\"args\":{\"name\":\"export_test\"}}\n]\n"));
  expect_counts(2, 0, 0);
}

TEST_F(SpanFile, that_is_not_open_drops_and_counts) {
  drain(3);
  expect_counts(0, 0, 3);
  EXPECT_EQ(file.flush(), std::error_code{});
}

TEST_F(SpanFile, that_cannot_be_one_is_refused) {
  EXPECT_EQ(file.open((folder + "/missing/spans").c_str()), std::errc::no_such_file_or_directory);
  EXPECT_EQ(file.open(folder.c_str()), std::errc::is_a_directory);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_NE(file.open(path.c_str()), std::error_code{});
  std::fstream both_ends{path};  // so that opening one for writing does not fail for want of a reader
  EXPECT_EQ(file.open(path.c_str()), std::errc::not_supported);
  EXPECT_EQ(file.open((folder + "/small").c_str(), {.format = ft::SpanFileFormat::chrome_trace, .max_bytes = 9}),
            std::errc::invalid_argument);
  EXPECT_EQ(file.open("/dev/full", {.format = ft::SpanFileFormat::chrome_trace}), std::errc::no_space_on_device);
}

// Mutation seen red: dropped spans not counted.
TEST_F(SpanFile, never_exceeds_its_limit) {
  for (const auto format : {ft::SpanFileFormat::json_lines, ft::SpanFileFormat::chrome_trace}) {
    const std::uint64_t before = file.info().written + file.info().dropped_limit;
    ASSERT_EQ(file.open(path.c_str(), {.format = format, .max_bytes = 100'000}), std::error_code{});
    drain(1000);
    EXPECT_EQ(file.flush(), std::error_code{});
    EXPECT_THAT(diagnosed, HasSubstr("the file of spans has reached its limit"));
    diagnosed.clear();
    EXPECT_EQ(file.close(), std::error_code{});
    EXPECT_EQ(file.info().written + file.info().dropped_limit, before + 1000);
    EXPECT_GT(file.info().dropped_limit, 500U);
    EXPECT_LE(content().size(), 100'000U);
    EXPECT_GT(content().size(), 99'000U);
  }
  expect_counts(file.info().written, file.info().dropped_limit, 0);
}

// Mutation seen red: what could not be written counted as written.
TEST_F(SpanFile, on_a_full_disk_counts_what_is_lost) {
  ASSERT_EQ(file.open("/dev/full"), std::error_code{});
  drain(1000);
  EXPECT_EQ(file.flush(), std::errc::no_space_on_device);
  EXPECT_THAT(diagnosed, HasSubstr("spans could not be written: No space left on device"));
  EXPECT_EQ(file.flush(), std::error_code{}) << "an error is told once";
  EXPECT_EQ(file.close(), std::error_code{});
  expect_counts(0, 0, 1000);
}

// Writes stop in the middle of a span. Mutation seen red: the half of a span left in the file.
TEST_F(SpanFile, that_could_be_written_in_part_has_whole_spans_and_goes_on) {
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_EQ(file.open(path.c_str()), std::error_code{});
  const rlimit small{10'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  drain(100);
  EXPECT_EQ(file.flush(), std::errc::file_too_large);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, ignored);

  const std::uint64_t written = file.info().written;
  EXPECT_GT(written, 20U);
  EXPECT_LT(written, 100U);
  expect_whole_lines(written);
  expect_counts(written, 0, 100 - written);
  drain(10);
  EXPECT_EQ(file.close(), std::error_code{});
  expect_whole_lines(written + 10);
}

// Mutation seen red: nothing written before close.
TEST_F(SpanFile, of_a_killed_process_has_what_was_flushed) {
  run_and_kill([this] {
    if (file.open(path.c_str())) return;
    record(500);
    ft::drain_spans(file);
    static_cast<void>(file.flush());
    record(3);
    ft::drain_spans(file);
  });
  expect_whole_lines(500);
}

TEST_F(SpanFile, of_a_chrome_trace_can_be_opened_after_a_kill) {
  run_and_kill([this] {
    if (file.open(path.c_str(), {.format = ft::SpanFileFormat::chrome_trace})) return;
    record(5);
    ft::drain_spans(file);
    static_cast<void>(file.flush());
  });
  EXPECT_TRUE(content().starts_with("[\n{"));
  EXPECT_TRUE(content().ends_with("}},\n"));
}

// Mutation seen red: no look at whose process this is.
TEST_F(SpanFile, is_left_alone_by_a_forked_child) {
  ASSERT_EQ(file.open(path.c_str()), std::error_code{});
  drain(2);
  run_and_kill([this] { static_cast<void>(file.close()); });
  EXPECT_EQ(content(), "");
  EXPECT_EQ(file.close(), std::error_code{});
  expect_whole_lines(2);
}

// The last test here: what it diagnoses is more than is delivered in a minute.
// Mutation seen red: no room kept for the end of the array.
TEST_F(SpanFile, has_room_for_its_end_within_its_limit) {
  for (std::uint64_t limit = 2000; limit < 2360; limit += 45) {  // a span has 340 bytes, the end has 90
    ASSERT_EQ(file.open(path.c_str(), {.format = ft::SpanFileFormat::chrome_trace, .max_bytes = limit}),
              std::error_code{});
    drain(10);
    EXPECT_EQ(file.close(), std::error_code{});
    EXPECT_LE(content().size(), limit);
    EXPECT_TRUE(content().ends_with("}}\n]\n"));
  }
}

}  // namespace span_file_test
