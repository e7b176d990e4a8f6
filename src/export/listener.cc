// SPDX-License-Identifier: Apache-2.0
#include "listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "fast_telemetry/export/exposer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// An address of either family.
struct Address {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  [[nodiscard]] sockaddr* get() noexcept {
    return reinterpret_cast<sockaddr*>(&storage);  // how the sockets interface spells inheritance
  }
};

bool parse(const std::string& literal, std::uint16_t port, Address& address) noexcept {
  sockaddr_in v4 = {};
  if (inet_pton(AF_INET, literal.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.size = sizeof v4;
    return true;
  }
  sockaddr_in6 v6 = {};
  if (inet_pton(AF_INET6, literal.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size = sizeof v6;
    return true;
  }
  return false;
}

// The port's offset is the same in both families' addresses; reading it through a copy avoids relying on that.
std::uint16_t port_of(const Address& address) noexcept {
  if (address.storage.ss_family == AF_INET6) {
    sockaddr_in6 v6 = {};
    std::memcpy(&v6, &address.storage, sizeof v6);
    return ntohs(v6.sin6_port);
  }
  sockaddr_in v4 = {};
  std::memcpy(&v4, &address.storage, sizeof v4);
  return ntohs(v4.sin_port);
}

}  // namespace

std::error_code Listener::open(const std::string& address, std::uint16_t port, Listener& listener) {
  const std::string literal = address == "localhost" ? "127.0.0.1" : address;
  Address bound;
  // An embedded NUL would cut what inet_pton sees.
  if (literal.find('\0') != std::string::npos || !parse(literal, port, bound)) return ExposerError::bad_address;

  FileDescriptor socket{::socket(bound.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket) return last_error();

  // So that a restart need not wait for connections of the previous run to time out. On Linux two listeners on one port
  // exclude each other all the same.
  const int on = 1;
  if (::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return last_error();
  if (bound.storage.ss_family == AF_INET6) {
    // "::" means all addresses, of both families, whatever the machine's default is.
    const int off = 0;
    if (::setsockopt(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) return last_error();
  }
  if (::bind(socket.number(), bound.get(), bound.size) != 0) return last_error();
  if (::listen(socket.number(), SOMAXCONN) != 0) return last_error();
  if (::getsockname(socket.number(), bound.get(), &bound.size) != 0) return last_error();

  listener.socket = std::move(socket);
  listener.port = port_of(bound);
  const std::string host = bound.storage.ss_family == AF_INET6 ? "[" + literal + "]" : literal;
  listener.name = host + ":" + std::to_string(listener.port);
  return {};
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
