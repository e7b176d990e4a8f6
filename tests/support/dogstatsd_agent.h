// SPDX-License-Identifier: Apache-2.0
//
// Sockets on which a test is the agent that DogStatsD is sent to.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// A folder for sockets, removed at the end.
class SocketFolder {
 public:
  SocketFolder() {
    char name[] = "/tmp/dogstatsd.XXXXXX";
    if (::mkdtemp(name) == nullptr) throw std::system_error{errno, std::system_category()};
    path_ = name;
  }
  ~SocketFolder() {
    ::unlink(socket().c_str());
    ::rmdir(path_.c_str());
  }
  SocketFolder(const SocketFolder&) = delete;
  SocketFolder& operator=(const SocketFolder&) = delete;

  [[nodiscard]] std::string socket() const { return path_ + "/dsd"; }

 private:
  std::string path_;
};

/// Owns a socket and fails loudly.
class AgentSocket {
 public:
  AgentSocket(int family, int type) : fd_{checked(::socket(family, type | SOCK_CLOEXEC, 0))} {}
  explicit AgentSocket(int fd) : fd_{fd} {}
  AgentSocket(AgentSocket&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  ~AgentSocket() { close(); }

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  [[nodiscard]] int number() const { return fd_; }

  static int checked(int result) {
    if (result < 0) throw std::system_error{errno, std::system_category()};
    return result;
  }

  /// What comes in one read, empty at a stream's end; nothing if nothing comes. The wait ends a hang, and is not waited
  /// out otherwise but where nothing is expected (`patience_ms` 0: what is there).
  [[nodiscard]] std::optional<std::string> receive(int patience_ms = 10'000) const {
    pollfd readable{fd_, POLLIN, 0};
    if (::poll(&readable, 1, patience_ms) <= 0) return {};
    std::string data(70'000, '\0');
    const ssize_t size = ::recv(fd_, data.data(), data.size(), 0);
    if (size < 0) return {};
    data.resize(static_cast<std::size_t>(size));
    return data;
  }

 private:
  int fd_;
};

class UdpAgent {
 public:
  explicit UdpAgent(int family = AF_INET, std::uint16_t port = 0) : socket_{family, SOCK_DGRAM} {
    sockaddr_in v4 = {};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6 = {};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v6.sin6_addr = in6addr_loopback;
    const bool is_v4 = family == AF_INET;
    AgentSocket::checked(::bind(socket_.number(),
                                is_v4 ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6),
                                is_v4 ? sizeof v4 : sizeof v6));
    sockaddr_in6 bound = {};
    socklen_t size = sizeof bound;
    AgentSocket::checked(::getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&bound), &size));
    port_ = ntohs(bound.sin6_port);  // at the same place in both families' addresses
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const AgentSocket& socket() const { return socket_; }

  /// The next packet but for empty lines.
  [[nodiscard]] std::optional<std::string> packet(int patience_ms = 10'000) const {
    for (;;) {
      auto received = socket_.receive(patience_ms);
      if (received != "\n") return received;
    }
  }

 private:
  AgentSocket socket_;
  std::uint16_t port_ = 0;
};

/// At a path, of SOCK_DGRAM or SOCK_STREAM.
class UnixAgent {
 public:
  UnixAgent(const std::string& path, int type) : socket_{AF_UNIX, type} {
    ::unlink(path.c_str());
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    AgentSocket::checked(::bind(socket_.number(), reinterpret_cast<sockaddr*>(&address), sizeof address));
    if (type == SOCK_STREAM) AgentSocket::checked(::listen(socket_.number(), 8));
  }

  [[nodiscard]] AgentSocket accept() const {
    return AgentSocket{AgentSocket::checked(::accept(socket_.number(), nullptr, nullptr))};
  }
  [[nodiscard]] std::optional<std::string> packet(int patience_ms = 10'000) const {
    return socket_.receive(patience_ms);
  }
  void close() { socket_.close(); }

 private:
  AgentSocket socket_;
};

/// Reads frames off a stream: each a length of 32 bits, little-endian, and so many bytes.
class FrameReader {
 public:
  explicit FrameReader(const AgentSocket& socket) : socket_{socket} {}

  /// The next frame; nothing at the stream's end or if nothing comes.
  [[nodiscard]] std::optional<std::string> frame(int patience_ms = 10'000) {
    for (;;) {
      if (data_.size() >= 4) {
        std::size_t size = 0;
        for (std::size_t i = 0; i < 4; ++i) size |= std::size_t{static_cast<unsigned char>(data_[i])} << (8 * i);
        if (data_.size() >= 4 + size) {
          std::string frame = data_.substr(4, size);
          data_.erase(0, 4 + size);
          return frame;
        }
      }
      const auto received = socket_.receive(patience_ms);
      if (!received || received->empty()) return {};
      data_ += *received;
    }
  }

 private:
  const AgentSocket& socket_;
  std::string data_;
};

FAST_TELEMETRY_END_NAMESPACE
