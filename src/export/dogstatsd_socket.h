// SPDX-License-Identifier: Apache-2.0
//
// DogStatsdSocket: hands packets to the kernel, whole, on their way to an agent.
#pragma once

#include <chrono>
#include <string_view>
#include <system_error>

#include "fast_telemetry/export/dogstatsd.h"
#include "file_descriptor.h"
#include "resolver.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Waits for room until a deadline, and never otherwise. Opens its socket when it is needed, and anew after an error.
/// Not thread-safe, but for end_by.
class DogStatsdSocket {
 public:
  using Clock = std::chrono::steady_clock;

  explicit DogStatsdSocket(DogStatsdAddress address) : address_{std::move(address)}, resolver_{address_.host} {}

  /// Before the first packet of an export: an open socket, and over UDP one whose port is not known to be dead.
  [[nodiscard]] std::error_code begin(Clock::time_point deadline);

  /// No error: the kernel has all of it. message_size: it will never take it. Otherwise the same packet must be the
  /// next one, unless `holds_part` says that there is nothing of it underway.
  [[nodiscard]] std::error_code send(std::string_view packet, Clock::time_point deadline);

  /// Of a stream: the peer was sent the beginning of a packet.
  [[nodiscard]] bool holds_part() const noexcept { return written_ != 0; }

  /// Over UDP, what has come back from the packets sent.
  [[nodiscard]] std::error_code take_late_error() noexcept;

  void close() noexcept;

  /// From now on, until another time is given, no call lasts longer, nor does one under way. Any thread.
  void end_by(Clock::time_point deadline) noexcept { resolver_.end_by(deadline); }

  /// For a forked child: the connection and a lookup under way are the parent's.
  void leave_to_parent() noexcept {
    close();
    resolver_.leave_to_parent();
  }

 private:
  [[nodiscard]] std::error_code open(Clock::time_point deadline);
  [[nodiscard]] std::error_code open_udp(Clock::time_point deadline);
  [[nodiscard]] std::error_code open_unix(int type, Clock::time_point deadline);
  [[nodiscard]] std::error_code probe() noexcept;
  [[nodiscard]] std::error_code send_datagram(std::string_view packet, Clock::time_point deadline) noexcept;
  [[nodiscard]] std::error_code send_frame(std::string_view packet, Clock::time_point deadline) noexcept;
  [[nodiscard]] std::error_code wait_for_room(std::error_code error, Clock::time_point deadline) const noexcept;
  [[nodiscard]] Clock::time_point earliest(Clock::time_point deadline) const noexcept;
  [[nodiscard]] bool is_over(Clock::time_point deadline) const noexcept { return Clock::now() >= earliest(deadline); }
  [[nodiscard]] bool is_udp() const noexcept { return address_.socket == DogStatsdAddress::Socket::udp; }

  DogStatsdAddress address_;
  Resolver resolver_;
  FileDescriptor socket_;
  bool is_stream_ = false;
  std::size_t written_ = 0;  // of the packet under way and the length before it
  std::size_t burst_ = 0;    // packets since the last pause
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
