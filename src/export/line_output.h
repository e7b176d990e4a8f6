// SPDX-License-Identifier: Apache-2.0
//
// LineOutput: one exporter's lines, whole, among those of others.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>

#include "delivery_queue.h"
#include "output_file.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Lines go out one after the other; a line of which a part is out is the next one's business before any other.
class LineOutput {
 public:
  using Time = OutputFile::Time;

  /// To standard output, if the path is empty. Throws std::system_error when the file cannot be opened.
  LineOutput(const std::string& path, std::uint64_t max_bytes);
  ~LineOutput();
  LineOutput(const LineOutput&) = delete;
  LineOutput& operator=(const LineOutput&) = delete;

  /// Of a line that has not come before: what may be left of the one before it, which was dropped, is no longer sent.
  [[nodiscard]] AttemptResult begin(std::string_view line, const OutputFile::Limit& limit) noexcept;
  /// Of the line that came last, which could not be written until its limit: what is left of it.
  [[nodiscard]] AttemptResult resume(std::string_view line, const OutputFile::Limit& limit) noexcept;

  /// The line that came last was dropped.
  void abandon() noexcept;

  /// A forked child's copy does nothing when it is destroyed, and must not be used otherwise: the stream is its
  /// parent's.
  [[nodiscard]] bool is_ours() const noexcept { return process_ == ::getpid(); }

  /// Why the last attempt failed, if it did.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

 private:
  struct Stream;
  [[nodiscard]] static std::shared_ptr<Stream> standard_output();
  [[nodiscard]] static std::shared_ptr<Stream> file(const std::string& path);

  [[nodiscard]] AttemptResult attempt(std::string_view line, const OutputFile::Limit& limit) noexcept;
  [[nodiscard]] AttemptResult failed(std::error_code error) noexcept;

  const pid_t process_ = ::getpid();
  std::shared_ptr<Stream> stream_;
  std::uint64_t max_bytes_;
  std::uint64_t bytes_ = 0;  ///< in the file
  std::size_t part_ = 0;     ///< of the line that came last: is out
  std::error_code error_;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
