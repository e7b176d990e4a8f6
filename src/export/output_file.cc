// SPDX-License-Identifier: Apache-2.0
#include "output_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <climits>
#include <ctime>

#include "sigpipe_blocked.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

// How late an end is noticed that another thread brings forward. Arbitrary.
constexpr std::chrono::milliseconds look_again_after{5};

}  // namespace

OutputFile::Time OutputFile::Limit::time() const noexcept {
  return std::min(until, Time{Time::duration{ends_by.load(std::memory_order_relaxed)}});
}

std::error_code OutputFile::open(const char* path) noexcept {
  // Not to wait for the other end of a pipe.
  FileDescriptor file{::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600)};
  if (!file) return last_error();
  struct stat status{};
  if (::fstat(file.number(), &status) != 0) return last_error();
  if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode)) return std::make_error_code(std::errc::not_supported);
  file_ = std::move(file);
  is_own_file_ = S_ISREG(status.st_mode);
  return {};
}

std::error_code OutputFile::open_standard_output() noexcept {
  struct stat status{};
  if (::fstat(STDOUT_FILENO, &status) != 0) return last_error();
  is_socket_ = S_ISSOCK(status.st_mode);
  if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
    // Whether writes wait is a mode that all who have this pipe or terminal share: theirs must not change. Opened anew
    // it has a mode of its own.
    file_ = FileDescriptor{::open("/proc/self/fd/1", O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (file_) return {};
    may_block_ = true;
  }
  file_ = FileDescriptor{::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)};
  return file_ ? std::error_code{} : last_error();
}

OutputFile::Written OutputFile::write(std::string_view bytes, const Limit& limit) noexcept {
  const SigpipeBlocked blocked;
  std::string_view rest = bytes;
  std::error_code error;
  while (!rest.empty() && !error) {
    if (may_block_) error = wait_for_room(limit);
    if (error) break;
    const ssize_t count = write_some(rest);
    if (count > 0) {
      rest.remove_prefix(static_cast<std::size_t>(count));
    } else if (count == 0) {
      error = std::make_error_code(std::errc::io_error);
    } else if (errno == EAGAIN) {
      error = wait_for_room(limit);
    } else if (errno != EINTR) {
      error = last_error();
    }
  }
  return {bytes.size() - rest.size(), error};
}

ssize_t OutputFile::write_some(std::string_view bytes) const noexcept {
  if (is_socket_) return ::send(file_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  // A pipe that is ready has room for that much.
  const std::size_t size = may_block_ ? std::min<std::size_t>(bytes.size(), PIPE_BUF) : bytes.size();
  return ::write(file_.number(), bytes.data(), size);
}

std::error_code OutputFile::wait_for_room(const Limit& limit) const noexcept {
  for (;;) {
    const auto left = limit.time() - std::chrono::steady_clock::now();
    if (left.count() <= 0) return std::make_error_code(std::errc::timed_out);
    const timespec time{0, std::min<std::chrono::nanoseconds>(left, look_again_after).count()};
    pollfd room{file_.number(), POLLOUT, 0};
    if (::ppoll(&room, 1, &time, nullptr) > 0) return {};  // an error, too, is for the write to tell
  }
}

bool OutputFile::take_back(std::size_t bytes) noexcept {
  if (!is_own_file_) return false;
  const off_t end = ::lseek(file_.number(), 0, SEEK_CUR) - static_cast<off_t>(bytes);
  return ::ftruncate(file_.number(), end) == 0 && ::lseek(file_.number(), end, SEEK_SET) == end;
}

std::error_code OutputFile::close() noexcept {
  return ::close(file_.release()) == 0 || errno == EINTR ? std::error_code{} : last_error();
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
