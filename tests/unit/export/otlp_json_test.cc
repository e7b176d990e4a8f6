// SPDX-License-Identifier: Apache-2.0
//
// Lines to files and to a standard output that is whatever it can be: a pipe that is full, slow or without a reader, a
// socket, closed.
#include "fast_telemetry/export/otlp_json.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/diagnostics.h"
#include "fast_telemetry/testing/virtual_clock.h"
#include "tests/support/made_record.h"

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

namespace otlp_json_test {

using Time = ft::Exporter::Time;

/// Only to turn a hang into a failure.
Time soon() { return std::chrono::steady_clock::now() + 30s; }

/// For a standard output that has no room: an attempt ends soon, and then it is left alone.
const ft::OtlpJsonOptions impatient{.delivery = {.attempt_timeout = 5ms}};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

bool is_whole(const std::string& line) {
  const std::size_t begin =
      std::max(line.rfind("{\"resourceMetrics\":[{") + 1, line.rfind("{\"resourceSpans\":[{") + 1);
  return begin == 1 && line.ends_with("]}]}]}");  // none begins within another
}

void expect_whole(const std::string& text, std::size_t count) {
  EXPECT_TRUE(text.empty() || text.ends_with('\n'));
  const std::vector<std::string> lines = lines_of(text);
  EXPECT_EQ(lines.size(), count);
  for (const std::string& line : lines) EXPECT_TRUE(is_whole(line)) << line;
}

void expect_balance(const ft::Exporter& exporter) {
  const ft::DeliveryInfo info = exporter.info();
  EXPECT_EQ(info.items, info.delivered + info.unconfirmed + info.rejected + info.dropped() + info.queued);
}

/// What this process's standard output is for the time of a test. What tests print meanwhile goes to the standard
/// error.
class StandardOutput {
 public:
  explicit StandardOutput(int file) : saved_{::dup(STDOUT_FILENO)} {
    std::fflush(stdout);
    if (file < 0) {
      ::close(STDOUT_FILENO);
    } else {
      ::dup2(file, STDOUT_FILENO);
      ::close(file);
    }
  }
  ~StandardOutput() {
    ::dup2(saved_, STDOUT_FILENO);
    ::close(saved_);
  }
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

 private:
  int saved_;
};

/// The other end of standard output: of a pipe of 4 KiB, or of a socket.
class Reader {
 public:
  enum class Kind { pipe, socket };

  explicit Reader(Kind kind = Kind::pipe) {
    int ends[2] = {-1, -1};
    const bool is_pipe = kind == Kind::pipe;
    if ((is_pipe ? ::pipe2(ends, O_CLOEXEC) : ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) != 0) {
      throw std::system_error{errno, std::system_category()};
    }
    if (is_pipe) ::fcntl(ends[1], F_SETPIPE_SZ, 4096);
    end_ = ends[0];
    output_.emplace(ends[1]);
  }
  ~Reader() {
    output_.reset();
    go();
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void go() {
    if (end_ >= 0) ::close(std::exchange(end_, -1));
  }

  /// What is there now.
  std::string read_some() const {
    std::string text;
    char bytes[4096];
    pollfd ready{end_, POLLIN, 0};
    while (::poll(&ready, 1, 0) > 0) {
      const ssize_t size = ::read(end_, bytes, sizeof bytes);
      if (size <= 0) break;
      text.append(bytes, static_cast<std::size_t>(size));
    }
    return text;
  }

  /// While `exporter` delivers.
  template <class Deliver>
  std::string read_while(Deliver deliver) const {
    std::string text;
    std::atomic<bool> is_over{false};
    std::thread thread{[&] {
      while (!is_over) text += read_some();
    }};
    deliver();
    is_over = true;
    thread.join();
    return text + read_some();
  }

 private:
  int end_ = -1;
  std::optional<StandardOutput> output_;
};

class OtlpJson : public testing::Test {
 protected:
  OtlpJson() {
    clock.advance(ahead);
    ft::set_diagnostics(
        [](const ft::Diagnostic& said, void* to) noexcept {
          if (said.component == "otlp_json") static_cast<std::string*>(to)->append(said.message).append("\n");
        },
        &diagnosed);
  }
  ~OtlpJson() override {
    ft::set_diagnostics(nullptr);
    std::filesystem::remove_all(folder);
  }

  [[nodiscard]] std::string content() const {
    std::ostringstream text;
    text << std::ifstream{path, std::ios::binary}.rdbuf();
    return text.str();
  }

  static std::string new_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "otlp_json_XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    return name;
  }

  void give(ft::OtlpJsonSpanExporter& exporter, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(exporter.span(made.record()), ft::SinkAnswer::taken);
  }

  /// Everything that there is, to a reader that reads, however slowly.
  static void finish(ft::Exporter& exporter) {
    const Time end = soon();
    while (!exporter.flush(soon()).is_complete()) ASSERT_LT(std::chrono::steady_clock::now(), end);
  }

  /// Lets the time that the report asks for pass.
  void wait(const ft::DeliveryReport& report) {
    ASSERT_TRUE(report.next_attempt_in.has_value());
    clock.advance(*report.next_attempt_in);
  }

  // Some messages per minute are delivered: each test has minutes of its own, and the same wall-clock time.
  static inline int tests = 0;
  const std::chrono::nanoseconds ahead = std::chrono::hours{++tests};
  ft::VirtualClock clock{ft::VirtualClock::usual_start_unix_ns - ahead.count()};
  std::string diagnosed;
  const ft::MadeRecord made;
  ft::Registry registry;
  const std::string help = std::string(10'000, 'h');
  ft::Counter first{registry, {.name = "first", .help = {help.data(), help.size()}}};  // a line that no pipe here holds
  ft::Counter requests{registry, {.name = "requests"}};
  const std::string folder = new_folder();
  const std::string path = folder + "/lines.jsonl";
};

TEST_F(OtlpJson, metrics_go_to_a_file_all_of_them_each_time) {
  const ft::ResourceAttribute resource[] = {{"service.name", "shop"}};
  ft::OtlpJsonMetricExporter exporter{registry, resource, {.path = path}};
  requests.add(31'415);
  const ft::DeliveryReport report = exporter.export_once(soon());
  EXPECT_TRUE(report.is_complete());
  const std::vector<std::string> lines = lines_of(content());
  expect_whole(content(), lines.size());
  EXPECT_EQ(report.counts.sent_bytes, content().size());
  EXPECT_EQ(report.counts.attempts, lines.size());
  EXPECT_GE(report.counts.delivered, lines.size());
  const auto shows = [](const char* name) {
    return [name](const std::string& line) { return line.find(name) != line.npos; };
  };
  ASSERT_EQ(std::count_if(lines.begin(), lines.end(), shows("\"name\":\"requests\",\"sum\"")), 1);
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(), shows("\"asInt\":\"31415\"")), 1);
  EXPECT_GE(std::count_if(lines.begin(), lines.end(), shows("\"name\":\"process.")), 1);
  EXPECT_TRUE(lines[0].starts_with(R"({"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name")"));

  requests.add(4);
  EXPECT_TRUE(exporter.close(soon()).is_complete());
  EXPECT_NE(content().find("\"asInt\":\"31419\""), std::string::npos);
  expect_balance(exporter);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(OtlpJson, spans_go_to_a_file_once) {
  const ft::ResourceAttribute resource[] = {{"service.name", "shop"}};
  ft::OtlpJsonSpanExporter exporter{resource, {.path = path}};
  give(exporter, 100);
  EXPECT_EQ(content(), "") << "a drain must not wait for a disk";
  EXPECT_EQ(exporter.export_once(soon()).counts.delivered, 100U);
  give(exporter, 1);
  EXPECT_EQ(exporter.close(soon()).counts.delivered, 1U);
  expect_whole(content(), 101);
  EXPECT_TRUE(content().starts_with(R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name")"));
  give(exporter, 2);
  EXPECT_EQ(exporter.info().dropped_shutdown, 2U);
  expect_balance(exporter);
}

TEST_F(OtlpJson, a_file_that_cannot_be_opened_is_told_at_once) {
  EXPECT_THROW((ft::OtlpJsonSpanExporter{{}, {.path = folder}}), std::system_error);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THROW((ft::OtlpJsonSpanExporter{{}, {.path = path}}), std::system_error);
}

// Mutation seen red: the limit of the first line only.
TEST_F(OtlpJson, a_file_has_its_limit) {
  ft::OtlpJsonSpanExporter exporter{{}, {.path = path, .max_file_bytes = 2000}};
  give(exporter, 100);
  const ft::DeliveryReport report = exporter.export_once(soon());
  EXPECT_TRUE(report.is_complete());
  EXPECT_GT(report.counts.delivered, 4U);
  EXPECT_EQ(report.counts.delivered + report.counts.dropped_too_large, 100U);
  EXPECT_LE(content().size(), 2000U);
  EXPECT_GT(content().size(), 1700U);
  EXPECT_NE(diagnosed.find("a line was dropped: File too large"), std::string::npos) << diagnosed;
}

// Mutation seen red: a full disk taken for a refusal.
TEST_F(OtlpJson, a_full_disk_is_tried_again) {
  ft::OtlpJsonSpanExporter exporter{{}, {.path = "/dev/full"}};
  give(exporter, 3);
  ft::DeliveryReport report = exporter.export_once(soon());
  EXPECT_EQ(report.counts.queued, 3U);
  EXPECT_EQ(report.counts.attempts, 1U) << "then it is left alone for a while";
  EXPECT_NE(diagnosed.find("lines wait to be written: No space left on device"), std::string::npos) << diagnosed;
  wait(report);
  EXPECT_EQ(exporter.deliver(soon()).counts.retries, 1U);
  EXPECT_EQ(exporter.close(soon()).counts.dropped_shutdown, 3U);
  expect_balance(exporter);
}

// A write ends in the middle of a line, and the next one fails. Mutation seen red: the half left in the file.
TEST_F(OtlpJson, a_line_that_was_written_in_part_and_dropped_is_taken_off_the_file) {
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  ft::OtlpJsonSpanExporter exporter{{}, {.path = path}};
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  give(exporter, 10);
  const ft::DeliveryReport report = exporter.export_once(soon());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, ignored);
  EXPECT_GT(report.counts.delivered, 0U);
  EXPECT_EQ(report.counts.delivered + report.counts.dropped_refused, 10U);
  give(exporter, 1);
  EXPECT_EQ(exporter.export_once(soon()).counts.delivered, 1U);
  expect_whole(content(), report.counts.delivered + 1);
}

TEST_F(OtlpJson, standard_output_may_be_a_pipe_or_a_socket_and_keeps_its_mode) {
  for (const Reader::Kind kind : {Reader::Kind::pipe, Reader::Kind::socket}) {
    Reader reader{kind};
    const int mode = ::fcntl(STDOUT_FILENO, F_GETFL);
    ft::OtlpJsonSpanExporter exporter;
    give(exporter, 1000);
    const std::string text = reader.read_while([&] { EXPECT_TRUE(exporter.export_once(soon()).is_complete()); });
    expect_whole(text, 1000);
    EXPECT_EQ(exporter.info().delivered, 1000U);
    EXPECT_EQ(::fcntl(STDOUT_FILENO, F_GETFL), mode);
  }
}

// Mutations seen red: a write that may block; no end of the wait for room. Its lines are never out in part.
TEST_F(OtlpJson, a_standard_output_that_nobody_reads_keeps_nobody_waiting_and_gets_each_line_once) {
  for (const Reader::Kind kind : {Reader::Kind::pipe, Reader::Kind::socket}) {
    Reader reader{kind};
    ft::OtlpJsonSpanExporter exporter{{}, impatient};
    give(exporter, 5000);
    ft::DeliveryReport report = exporter.export_once(soon());
    EXPECT_GE(report.counts.timed_out, 1U);
    EXPECT_GT(report.counts.delivered, 4U);
    EXPECT_EQ(report.counts.delivered + report.counts.queued, 5000U);
    std::string text;
    for (int i = 0; i < 3; ++i) {  // room for some more, each time
      text += reader.read_some();
      wait(report);
      report = exporter.deliver(soon());
      EXPECT_GE(report.counts.timed_out, 1U);
    }
    text += reader.read_while([&] { finish(exporter); });
    expect_whole(text, 5000);
    EXPECT_EQ(exporter.info().delivered, 5000U);
    expect_balance(exporter);
  }
}

// A named pipe without a reader cannot be opened anew, so its own mode is what there is. Mutation seen red: no look for
// room.
TEST_F(OtlpJson, a_pipe_that_cannot_be_opened_anew_keeps_nobody_waiting_either) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const StandardOutput pipe{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  ::close(reader);
  ft::OtlpJsonSpanExporter exporter{{}, impatient};
  give(exporter, 1);
  EXPECT_EQ(exporter.export_once(soon()).counts.dropped_refused, 1U);
  reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  give(exporter, 1000);
  EXPECT_GE(exporter.export_once(soon()).counts.timed_out, 1U);
  EXPECT_GT(exporter.info().delivered, 4U);
  ::close(reader);
}

// Mutation seen red: SIGPIPE, which ends this program.
TEST_F(OtlpJson, a_standard_output_without_a_reader_ends_nothing_and_is_counted) {
  for (const Reader::Kind kind : {Reader::Kind::pipe, Reader::Kind::socket}) {
    Reader reader{kind};
    ft::OtlpJsonSpanExporter exporter;
    give(exporter, 3);
    EXPECT_EQ(reader.read_while([&] { exporter.export_once(soon()); }).empty(), false);
    reader.go();
    give(exporter, 3);
    EXPECT_EQ(exporter.export_once(soon()).counts.dropped_refused, 3U);
    EXPECT_NE(diagnosed.find("a line was dropped: Broken pipe"), std::string::npos) << diagnosed;
    sigset_t pending;
    ::sigpending(&pending);
    EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
    expect_balance(exporter);
  }
}

TEST_F(OtlpJson, a_closed_standard_output_is_counted) {
  const StandardOutput closed{-1};
  ft::OtlpJsonMetricExporter exporter{registry};
  const ft::DeliveryReport report = exporter.export_once(soon());
  EXPECT_GT(report.counts.dropped_refused, 10U);
  EXPECT_EQ(report.counts.items, report.counts.dropped_refused);
  EXPECT_NE(diagnosed.find("a line was dropped: Bad file descriptor"), std::string::npos) << diagnosed;
}

// What the number is given to later is not ours. Mutation seen red: the number itself kept.
TEST_F(OtlpJson, standard_output_is_what_it_was_when_the_exporter_was_made) {
  for (const Reader::Kind kind : {Reader::Kind::pipe, Reader::Kind::socket}) {
    Reader reader{kind};
    ft::OtlpJsonSpanExporter exporter;
    {
      const StandardOutput file{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
      give(exporter, 2);
      expect_whole(reader.read_while([&] { exporter.export_once(soon()); }), 2);
    }
    EXPECT_EQ(content(), "");
  }
}

// The metrics' lines fill the pipe in the middle of one. Mutations seen red: any line sent when there is room; what is
// out sent again.
TEST_F(OtlpJson, lines_of_two_exporters_are_whole) {
  Reader reader;
  ft::OtlpJsonMetricExporter metrics{registry, {}, impatient};
  ft::OtlpJsonSpanExporter spans;
  ASSERT_GE(metrics.export_once(soon()).counts.timed_out, 1U);
  std::string text = reader.read_some();
  EXPECT_EQ(text.find('\n'), std::string::npos);
  give(spans, 5);
  text += reader.read_while([&] { EXPECT_EQ(spans.export_once(soon()).counts.queued, 5U); });
  text += reader.read_while([&] { finish(metrics); });
  text += reader.read_while([&] { finish(spans); });
  expect_whole(text, lines_of(text).size());
  EXPECT_EQ(spans.info().delivered, 5U);
}

// Mutation seen red: no newline behind the half.
TEST_F(OtlpJson, behind_a_line_that_was_dropped_half_way_comes_a_newline) {
  Reader reader;
  ft::OtlpJsonSpanExporter spans;
  std::string text;
  {
    ft::OtlpJsonMetricExporter metrics{registry, {}, impatient};
    ASSERT_GE(metrics.export_once(soon()).counts.timed_out, 1U);
    EXPECT_GT(metrics.close(soon()).counts.dropped_shutdown, 0U);
    expect_balance(metrics);
  }
  text += reader.read_some();
  ASSERT_FALSE(text.ends_with('\n'));
  give(spans, 5);
  text += reader.read_while([&] { EXPECT_TRUE(spans.export_once(soon()).is_complete()); });
  const std::vector<std::string> lines = lines_of(text);
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(), is_whole), static_cast<std::ptrdiff_t>(lines.size()) - 1);
  for (std::size_t i = lines.size() - 5; i < lines.size(); ++i) EXPECT_TRUE(is_whole(lines[i])) << lines[i];
}

// Mutation seen red: one that is tried again and again while it waits.
TEST_F(OtlpJson, totals_that_wait_are_not_collected_twice) {
  Reader reader;
  ft::OtlpJsonMetricExporter exporter{registry, {}, impatient};
  requests.add(1);
  ft::DeliveryReport report = exporter.export_once(soon());
  ASSERT_GE(report.counts.timed_out, 1U);
  const std::uint64_t items = exporter.info().items;
  wait(report);
  EXPECT_FALSE(exporter.export_once(soon()).is_complete());
  EXPECT_EQ(exporter.info().items, items);
  requests.add(1);
  const std::string text = reader.read_while([&] { finish(exporter); });
  EXPECT_NE(text.find("\"asInt\":\"2\""), std::string::npos);
  expect_balance(exporter);
}

// Without end_by the attempt lasts longer than this test may.
TEST_F(OtlpJson, another_thread_can_end_the_wait_for_a_reader) {
  Reader reader;
  // No line has room: as soon as the pipe is full, the attempt has begun and waits.
  const ft::ResourceAttribute resource[] = {{"long", help}};
  ft::OtlpJsonSpanExporter exporter{resource, {.delivery = {.attempt_timeout = 1h}}};
  give(exporter, 2);
  std::thread stopper{[&] {
    pollfd full{STDOUT_FILENO, POLLOUT, 0};
    while (::poll(&full, 1, 0) > 0) std::this_thread::yield();
    exporter.end_by(std::chrono::steady_clock::now());
  }};
  EXPECT_EQ(exporter.export_once(std::chrono::steady_clock::now() + 1h).counts.timed_out, 1U);
  stopper.join();
  EXPECT_EQ(exporter.flush(soon()).counts.attempts, 0U) << "it holds from then on";
  exporter.end_by(Time::max());
  reader.read_while([&] { EXPECT_TRUE(exporter.flush(soon()).is_complete()); });
}

// Mutation seen red: no look at whose process this is.
TEST_F(OtlpJson, a_forked_child_leaves_the_file_alone) {
  ft::OtlpJsonSpanExporter exporter{{}, {.path = path}};
  give(exporter, 2);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool is_left_alone = exporter.close(soon()).counts.dropped_shutdown == 2;
    ::_exit(is_left_alone ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(content(), "");
  EXPECT_TRUE(exporter.close(soon()).is_complete());
  expect_whole(content(), 2);
}

}  // namespace otlp_json_test
