// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/export/span_file.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "core/diagnose.h"
#include "fast_telemetry/clock.h"
#include "fast_telemetry/encoding/json_spans.h"
#include "output_file.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

constexpr std::size_t write_bytes = std::size_t{64} << 10U;  // arbitrary: a system call per some hundred spans

/// Midnight (UTC) of the day before: spans that began before the file have no negative times, unless they are older.
std::int64_t base_of(std::int64_t unix_ns) noexcept {
  constexpr std::int64_t day = std::int64_t{86'400} * 1'000'000'000;
  return unix_ns < 2 * day ? 0 : (unix_ns / day - 1) * day;
}

}  // namespace

namespace detail {

class SpanFileWriter {
 public:
  SpanFileWriter(OutputFile file, const SpanFileOptions& options, const SpanFile::Info& before)
      : file_{std::move(file)}, options_{options}, info_{before} {
    info_.bytes = 0;
    buffer_.reserve(write_bytes);
    if (options_.format == SpanFileFormat::chrome_trace) {
      append_chrome_end(end_, program_invocation_short_name, chrome_);
    }
  }

  /// Writes what the format wants first.
  [[nodiscard]] std::error_code begin() noexcept {
    const std::string_view first = options_.format == SpanFileFormat::chrome_trace ? "[\n" : "";
    if (first.size() + end_.size() > options_.max_bytes) return std::make_error_code(std::errc::invalid_argument);
    buffer_.append_unchecked(first);
    return flush();
  }

  [[nodiscard]] const SpanFile::Info& info() const noexcept { return info_; }

  void add(const SpanRecord& record) {
    const std::size_t before = buffer_.size();
    try {
      append(record);
    } catch (...) {
      buffer_.truncate(before);
      throw;
    }
    if (info_.bytes + buffer_.size() + end_.size() > options_.max_bytes) {
      buffer_.truncate(before);
      ++info_.dropped_limit;
      is_full_ = true;
    } else {
      ++info_.buffered;
      if (buffer_.size() >= write_bytes) keep(flush());
    }
  }

  /// Flushes, and tells of what has gone wrong since the last time: not before, because a drain holds a lock.
  [[nodiscard]] std::error_code flush_and_tell() noexcept {
    keep(flush());
    if (error_) tell_error();
    if (is_full_ && !is_full_told_) diagnose("span_file", "the file of spans has reached its limit");
    is_full_told_ = is_full_;
    return std::exchange(error_, {});
  }

  [[nodiscard]] std::error_code close() noexcept {
    if (process_ != ::getpid()) return {};  // a forked child: the file and what waits for it are the parent's
    keep(flush());
    buffer_.append_unchecked(end_.view());
    const std::error_code error = flush_and_tell();
    const std::error_code closed = file_.close();
    return error ? error : closed;
  }

 private:
  void append(const SpanRecord& record) {
    if (options_.format == SpanFileFormat::chrome_trace) {
      append_chrome_event(buffer_, record, chrome_);
    } else {
      append_json_line(buffer_, record);
    }
  }

  [[nodiscard]] std::error_code flush() noexcept {
    const auto [bytes, error] = file_.write(buffer_.view(), {OutputFile::Time::max(), never_ends_});
    const std::string_view written = buffer_.view().substr(0, bytes);
    count_written(error ? whole_spans(written) : written);
    buffer_.clear();
    return error;
  }

  /// The front of what was written, without a part of a span, which is taken off the file as well.
  [[nodiscard]] std::string_view whole_spans(std::string_view written) noexcept {
    const std::string_view whole = written.substr(0, written.rfind('\n') + 1);
    if (whole.size() == written.size()) return whole;
    if (!file_.take_back(written.size() - whole.size())) {
      file_ = OutputFile{};  // nothing can be read behind half a span: from now on all writes fail
    }
    return whole;
  }

  /// A span has one newline, at its end.
  void count_written(std::string_view bytes) noexcept {
    const auto lines = static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
    const std::uint64_t spans = std::min(lines, info_.buffered);  // the format's own lines come without spans
    info_.bytes += bytes.size();
    info_.written += spans;
    info_.dropped_error += info_.buffered - spans;
    info_.buffered = 0;
  }

  void tell_error() const noexcept {
    try {
      diagnose("span_file", "spans could not be written: " + error_.message());
    } catch (const std::bad_alloc&) {
      diagnose("span_file", "spans could not be written");
    }
  }

  void keep(const std::error_code& error) noexcept {
    if (error) error_ = error;
  }

  const pid_t process_ = ::getpid();
  OutputFile file_;
  std::atomic<OutputFile::Time::rep> never_ends_{OutputFile::Time::max().time_since_epoch().count()};
  SpanFileOptions options_;
  ChromeTrace chrome_{.process_id = static_cast<std::uint32_t>(process_), .base_unix_ns = base_of(unix_ns(now_ns()))};
  ByteBuffer buffer_;  ///< room for write_bytes at least
  ByteBuffer end_;     ///< what the format wants last
  SpanFile::Info info_;
  std::error_code error_;  ///< not told yet
  bool is_full_ = false;
  bool is_full_told_ = false;
};

}  // namespace detail

SpanFile::SpanFile() noexcept = default;

SpanFile::~SpanFile() { static_cast<void>(close()); }

std::error_code SpanFile::open(const char* path, const SpanFileOptions& options) {
  static_cast<void>(close());
  detail::OutputFile file;
  if (const std::error_code error = file.open(path)) return error;
  auto writer = std::make_unique<detail::SpanFileWriter>(std::move(file), options, info_);
  if (const std::error_code error = writer->begin()) return error;
  writer_ = std::move(writer);
  return {};
}

SinkAnswer SpanFile::span(const SpanRecord& record) {
  if (writer_ != nullptr) {
    writer_->add(record);
  } else {
    ++info_.dropped_error;
  }
  return SinkAnswer::taken;
}

std::error_code SpanFile::flush() noexcept {
  return writer_ != nullptr ? writer_->flush_and_tell() : std::error_code{};
}

std::error_code SpanFile::close() noexcept {
  if (writer_ == nullptr) return {};
  const std::error_code error = writer_->close();
  info_ = writer_->info();
  writer_.reset();
  return error;
}

SpanFile::Info SpanFile::info() const noexcept { return writer_ != nullptr ? writer_->info() : info_; }

FAST_TELEMETRY_END_NAMESPACE
