// SPDX-License-Identifier: Apache-2.0
#include "line_output.h"

#include <limits>
#include <mutex>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What several outputs may share.
struct LineOutput::Stream {
  std::mutex mutex;
  OutputFile file;
  std::error_code error;                ///< why there is none
  const LineOutput* part_of = nullptr;  ///< whose line is out in part: nobody else writes
  bool is_broken = false;               ///< what is out ends in a part of a line that nobody goes on with
};

std::shared_ptr<LineOutput::Stream> LineOutput::standard_output() {
  static std::mutex mutex;
  static std::weak_ptr<Stream> shared;
  const std::lock_guard lock{mutex};
  std::shared_ptr<Stream> stream = shared.lock();
  if (stream == nullptr) {
    stream = std::make_shared<Stream>();
    stream->error = stream->file.open_standard_output();
    shared = stream;
  }
  return stream;
}

std::shared_ptr<LineOutput::Stream> LineOutput::file(const std::string& path) {
  auto stream = std::make_shared<Stream>();
  if (const std::error_code error = stream->file.open(path.c_str())) {
    throw std::system_error{error, "cannot open " + path};
  }
  return stream;
}

LineOutput::LineOutput(const std::string& path, std::uint64_t max_bytes)
    : stream_{path.empty() ? standard_output() : file(path)},
      max_bytes_{path.empty() ? std::numeric_limits<std::uint64_t>::max() : max_bytes} {}

LineOutput::~LineOutput() { abandon(); }

AttemptResult LineOutput::begin(std::string_view line, const OutputFile::Limit& limit) noexcept {
  abandon();
  if (line.size() > max_bytes_ - bytes_) {
    error_ = std::make_error_code(std::errc::file_too_large);
    return {.verdict = AttemptVerdict::too_large, .has_answer = true};
  }
  return resume(line, limit);
}

AttemptResult LineOutput::resume(std::string_view line, const OutputFile::Limit& limit) noexcept {
  const std::unique_lock lock{stream_->mutex, std::try_to_lock};
  if (!lock || (stream_->part_of != nullptr && stream_->part_of != this)) {
    return failed(std::make_error_code(std::errc::device_or_resource_busy));
  }
  if (stream_->error) return failed(stream_->error);
  if (stream_->is_broken) {
    if (const std::error_code error = stream_->file.write("\n", limit).error) return failed(error);
    stream_->is_broken = false;
  }
  return attempt(line, limit);
}

AttemptResult LineOutput::attempt(std::string_view line, const OutputFile::Limit& limit) noexcept {
  const OutputFile::Written written = stream_->file.write(line.substr(part_), limit);
  part_ += written.bytes;
  bytes_ += written.bytes;
  AttemptResult result =
      written.error ? failed(written.error) : AttemptResult{.verdict = AttemptVerdict::delivered, .has_answer = true};
  result.sent_bytes = written.bytes;
  if (part_ == line.size()) part_ = 0;
  stream_->part_of = part_ != 0 ? this : nullptr;
  return result;
}

/// What passes is tried again: no room, no space on a disk, another one's line.
AttemptResult LineOutput::failed(std::error_code error) noexcept {
  error_ = error;
  if (error == std::errc::timed_out) return {.is_timed_out = true};
  const bool passes =
      error == std::errc::no_space_on_device || error == std::error_code{EDQUOT, std::system_category()};
  if (passes || error == std::errc::device_or_resource_busy) return {.has_answer = passes};
  return {.verdict = AttemptVerdict::refused, .has_answer = true};
}

void LineOutput::abandon() noexcept {
  if (part_ == 0 || !is_ours()) return;
  const std::lock_guard lock{stream_->mutex};  // nobody else holds it for long: the stream is ours
  if (stream_->file.take_back(part_)) {
    bytes_ -= part_;
  } else {
    stream_->is_broken = true;
  }
  stream_->part_of = nullptr;
  part_ = 0;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
