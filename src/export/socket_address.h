// SPDX-License-Identifier: Apache-2.0
//
// SocketAddress: where a socket is connected to, of any family.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  SocketAddress() noexcept = default;
  SocketAddress(const void* address, std::size_t bytes) noexcept : size{static_cast<socklen_t>(bytes)} {
    std::memcpy(&storage, address, bytes);
  }

  /// Of an internet address.
  void set_port(std::uint16_t port) noexcept {
    const std::uint16_t bytes = htons(port);
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    std::memcpy(reinterpret_cast<char*>(&storage) + offsetof(sockaddr_in, sin_port), &bytes, sizeof bytes);
  }

  [[nodiscard]] int family() const noexcept { return storage.ss_family; }
  [[nodiscard]] const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage);  // how the sockets interface spells inheritance
  }
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
