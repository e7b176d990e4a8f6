// SPDX-License-Identifier: Apache-2.0
//
// OutputFile: a file or a stream that is written to, for as long as there is time.
#pragma once

#include <atomic>
#include <chrono>
#include <string_view>

#include "file_descriptor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Not thread-safe.
class OutputFile {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Until when a write waits for room; another thread may bring `ends_by` forward meanwhile.
  struct Limit {
    Time until;
    const std::atomic<Time::rep>& ends_by;

    [[nodiscard]] Time time() const noexcept;
  };

  struct Written {
    std::size_t bytes;      ///< from the front
    std::error_code error;  ///< why it is not all; timed_out: there was no room until the limit
  };

  /// Creates the file with permissions 0600, or empties the one that is there. Regular files and character devices
  /// only: to open a pipe is to wait for its other end.
  [[nodiscard]] std::error_code open(const char* path) noexcept;

  /// Standard output as it is now, whatever becomes of its number.
  [[nodiscard]] std::error_code open_standard_output() noexcept;

  /// Raises no SIGPIPE.
  [[nodiscard]] Written write(std::string_view bytes, const Limit& limit) noexcept;

  /// Takes that much off the end again, which this object has just written: of a regular file that it has opened.
  [[nodiscard]] bool take_back(std::size_t bytes) noexcept;

  [[nodiscard]] std::error_code close() noexcept;

 private:
  [[nodiscard]] ssize_t write_some(std::string_view bytes) const noexcept;
  [[nodiscard]] std::error_code wait_for_room(const Limit& limit) const noexcept;

  FileDescriptor file_;
  bool is_own_file_ = false;  ///< regular
  bool is_socket_ = false;
  bool may_block_ = false;  ///< in a write, which is then only made when there is room for it
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
