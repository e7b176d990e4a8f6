// SPDX-License-Identifier: Apache-2.0
#include "dogstatsd_socket.h"

#include <poll.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

using Clock = DogStatsdSocket::Clock;
using namespace std::chrono_literals;

// Linux's default receive buffer holds some 90 packets of 1432 bytes.
constexpr std::size_t burst_packets = 32;
constexpr auto pause_between_bursts = 1ms;

// How soon a wait sees that another thread has set an earlier end. Arbitrary: far below what a shutdown may take.
constexpr auto longest_wait = 10ms;

std::error_code timed_out() noexcept { return std::make_error_code(std::errc::timed_out); }

/// Waits for room in the socket, or just for the time; a signal may end it early.
void wait(int socket, Clock::time_point until) noexcept {
  const auto left = std::max(Clock::duration::zero(), until - Clock::now());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  const timespec time{seconds.count(), (left - seconds) / 1ns};
  pollfd room{socket, POLLOUT, 0};
  ::ppoll(&room, 1, &time, nullptr);
}

FileDescriptor make_socket(int family, int type) noexcept {
  return FileDescriptor{::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

std::error_code connect(const FileDescriptor& socket, const SocketAddress& address) noexcept {
  if (::connect(socket.number(), address.get(), address.size) == 0) return {};
  return last_error();
}

}  // namespace

std::error_code DogStatsdSocket::begin(Clock::time_point deadline) {
  if (socket_ && is_udp() && probe()) close();
  return socket_ ? std::error_code{} : open(deadline);
}

std::error_code DogStatsdSocket::send(std::string_view packet, Clock::time_point deadline) {
  for (bool is_fresh = false;; is_fresh = true) {
    if (!socket_) {
      is_fresh = true;
      if (const std::error_code error = open(deadline)) return error;
    }
    const std::error_code error = is_stream_ ? send_frame(packet, deadline) : send_datagram(packet, deadline);
    if (!error || error == std::errc::timed_out || error == std::errc::message_size) return error;
    close();
    // Over UDP the error is that of a packet before: this one is not to follow it.
    if (is_fresh || is_udp()) return error;
  }
}

std::error_code DogStatsdSocket::take_late_error() noexcept {
  if (!socket_ || !is_udp()) return {};
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket_.number(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return last_error();
  return {error, std::system_category()};
}

void DogStatsdSocket::close() noexcept {
  socket_ = FileDescriptor{};
  written_ = 0;
  resolver_.forget();  // an agent that comes back may have another address
}

std::error_code DogStatsdSocket::open(Clock::time_point deadline) {
  switch (address_.socket) {
    case DogStatsdAddress::Socket::udp: return open_udp(deadline);
    case DogStatsdAddress::Socket::unix_datagram: return open_unix(SOCK_DGRAM, deadline);
    case DogStatsdAddress::Socket::unix_stream: return open_unix(SOCK_STREAM, deadline);
    case DogStatsdAddress::Socket::unix_any: break;
  }
  const std::error_code error = open_unix(SOCK_DGRAM, deadline);
  return error == std::errc::wrong_protocol_type ? open_unix(SOCK_STREAM, deadline) : error;
}

DogStatsdSocket::Clock::time_point DogStatsdSocket::earliest(Clock::time_point deadline) const noexcept {
  return std::min(deadline, resolver_.ends_by());
}

/// Takes the first address that nothing speaks against: `localhost` is two, and an agent often listens on one.
std::error_code DogStatsdSocket::open_udp(Clock::time_point deadline) {
  std::error_code error = resolver_.resolve(deadline);
  if (error) return error;
  for (SocketAddress address : resolver_.addresses()) {
    address.set_port(address_.port);
    socket_ = make_socket(address.family(), SOCK_DGRAM);
    error = socket_ ? connect(socket_, address) : last_error();
    if (!error) error = probe();
    if (!error) break;
    close();
  }
  is_stream_ = false;
  return error;
}

std::error_code DogStatsdSocket::open_unix(int type, Clock::time_point deadline) {
  sockaddr_un address = {};
  if (address_.path.size() >= sizeof address.sun_path) return std::make_error_code(std::errc::filename_too_long);
  address.sun_family = AF_UNIX;
  std::copy(address_.path.begin(), address_.path.end(), address.sun_path);

  FileDescriptor socket = make_socket(AF_UNIX, type);
  if (!socket) return last_error();
  std::error_code error = connect(socket, {&address, sizeof address});
  // A stream whose peer has many connections to accept: nothing tells when there is room.
  while (error == std::errc::resource_unavailable_try_again) {
    if (is_over(deadline)) return timed_out();
    wait(-1, Clock::now() + pause_between_bursts);
    error = connect(socket, {&address, sizeof address});
  }
  if (error) return error;
  socket_ = std::move(socket);
  is_stream_ = type == SOCK_STREAM;
  return {};
}

/// An empty line, which agents ignore. On one machine, the answer that nobody listens is there when it returns.
std::error_code DogStatsdSocket::probe() noexcept {
  static_cast<void>(take_late_error());
  if (::send(socket_.number(), "\n", 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN && errno != ENOBUFS) return last_error();
  return take_late_error();
}

std::error_code DogStatsdSocket::send_datagram(std::string_view packet, Clock::time_point deadline) noexcept {
  if (is_udp() && ++burst_ > burst_packets) {
    wait(-1, std::min(earliest(deadline), Clock::now() + pause_between_bursts));
    burst_ = 0;
    if (is_over(deadline)) return timed_out();
  }
  while (::send(socket_.number(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0) {
    if (const std::error_code error = wait_for_room(last_error(), deadline)) return error;
  }
  return {};
}

/// The packet's length and the packet, or the rest of them.
std::error_code DogStatsdSocket::send_frame(std::string_view packet, Clock::time_point deadline) noexcept {
  std::array<char, 4> length;
  for (std::size_t i = 0; i < length.size(); ++i) length[i] = static_cast<char>(packet.size() >> (8 * i));
  const std::size_t size = length.size() + packet.size();
  while (written_ < size) {
    const std::string_view head{length.data(), length.size()};
    const std::string_view rest_of_head = head.substr(std::min(written_, head.size()));
    const std::string_view rest = packet.substr(written_ - (head.size() - rest_of_head.size()));
    std::array<iovec, 2> parts{{{const_cast<char*>(rest_of_head.data()), rest_of_head.size()},  // sendmsg only reads
                                {const_cast<char*>(rest.data()), rest.size()}}};
    msghdr message = {};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const ssize_t written = ::sendmsg(socket_.number(), &message, MSG_NOSIGNAL);
    if (written >= 0) {
      written_ += static_cast<std::size_t>(written);
      continue;
    }
    if (const std::error_code error = wait_for_room(last_error(), deadline)) return error;
  }
  written_ = 0;
  return {};
}

/// An error: it is none that passes, or the time is over.
std::error_code DogStatsdSocket::wait_for_room(std::error_code error, Clock::time_point deadline) const noexcept {
  if (error == std::errc::interrupted) return {};
  if (error != std::errc::resource_unavailable_try_again && error != std::errc::no_buffer_space) return error;
  if (is_over(deadline)) return timed_out();
  // The kernel's own buffers tell nobody when they have room.
  if (error == std::errc::no_buffer_space) {
    wait(-1, std::min(earliest(deadline), Clock::now() + pause_between_bursts));
  } else {
    wait(socket_.number(), std::min(earliest(deadline), Clock::now() + longest_wait));
  }
  return {};
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
