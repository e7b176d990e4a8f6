// SPDX-License-Identifier: Apache-2.0
#include "datagram_resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "signals_blocked.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

std::optional<SocketAddress> literal(const std::string& host, std::uint16_t port) {
  sockaddr_in v4 = {};
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return SocketAddress{&v4, sizeof v4};
  }
  sockaddr_in6 v6 = {};
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    return SocketAddress{&v6, sizeof v6};
  }
  return {};
}

std::error_code error_of(int code) noexcept {
  switch (code) {
    case EAI_SYSTEM: return {errno, std::system_category()};
    case EAI_MEMORY: return std::make_error_code(std::errc::not_enough_memory);
    case EAI_AGAIN: return std::make_error_code(std::errc::resource_unavailable_try_again);
    default: return std::make_error_code(std::errc::host_unreachable);
  }
}

}  // namespace

struct DatagramResolver::Pending {
  Pending(std::string of_host, std::uint16_t of_port) : host{std::move(of_host)}, port{of_port} {}

  const std::string host;
  const std::uint16_t port;
  std::mutex mutex = {};
  std::condition_variable ready = {};
  std::optional<Resolved> result = {};  // guarded by `mutex`
};

Resolved DatagramResolver::system_lookup(const std::string& host, std::uint16_t port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); code != 0) {
    return {error_of(code), {}};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned{found, ::freeaddrinfo};
  Resolved resolved;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    resolved.addresses.emplace_back(info->ai_addr, info->ai_addrlen);
  }
  return resolved;
}

void DatagramResolver::start(const std::string& host, std::uint16_t port) {
  auto pending = std::make_shared<Pending>(host, port);
  const SignalsBlocked blocked;
  std::thread{[pending, lookup = lookup_] {
    Resolved resolved;
    try {
      resolved = lookup(pending->host, pending->port);
    } catch (const std::bad_alloc&) {
      resolved = {std::make_error_code(std::errc::not_enough_memory), {}};
    }
    const std::lock_guard lock{pending->mutex};
    pending->result = std::move(resolved);
    pending->ready.notify_all();
  }}.detach();
  pending_ = std::move(pending);
}

Resolved DatagramResolver::resolve(const std::string& host, std::uint16_t port, Clock::time_point deadline) {
  if (const auto address = literal(host, port)) return {{}, {*address}};
  if (pending_ && (pending_->host != host || pending_->port != port)) pending_.reset();
  if (!pending_) start(host, port);
  std::unique_lock lock{pending_->mutex};
  if (!pending_->ready.wait_until(lock, deadline, [this] { return pending_->result.has_value(); })) {
    return {std::make_error_code(std::errc::timed_out), {}};
  }
  Resolved resolved = std::move(*pending_->result);
  lock.unlock();
  pending_.reset();
  return resolved;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
