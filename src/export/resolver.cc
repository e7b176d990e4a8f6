// SPDX-License-Identifier: Apache-2.0
#include "resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "signals_blocked.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr std::chrono::seconds fresh_for{60};  // as libcurl's own cache

std::string literal_of(const addrinfo& info) {
  char text[INET6_ADDRSTRLEN] = "";
  if (info.ai_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(info.ai_addr)->sin_addr, text, sizeof text);
    return text;
  }
  if (info.ai_family != AF_INET6) return {};
  ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(info.ai_addr)->sin6_addr, text, sizeof text);
  return '[' + std::string{text} + ']';
}

/// libcurl takes these as they are.
bool is_address(const std::string& host) noexcept {
  in6_addr address;
  return (!host.empty() && host.front() == '[') || ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

std::vector<std::string> look_up(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* first = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &first) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{first, &::freeaddrinfo};
  std::vector<std::string> addresses;
  for (const addrinfo* info = first; info != nullptr; info = info->ai_next) {
    if (std::string literal = literal_of(*info); !literal.empty()) addresses.push_back(std::move(literal));
  }
  return addresses;
}

}  // namespace

/// What a Resolver and its thread both know; the last of them frees it.
struct Resolver::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_running = false;
  bool is_answered = false;            ///< and nobody has taken the answer
  std::vector<std::string> addresses;  ///< empty: there are none
};

Resolver::Resolver(std::string host) : host_{std::move(host)}, shared_{std::make_shared<Shared>()} {
  // RFC 6761, section 6.3: this name needs no asking.
  if (host_ == "localhost") addresses_ = {"127.0.0.1", "[::1]"};
  if (is_address(host_) || !addresses_.empty()) looked_up_ = Time::max();
}

Resolver::~Resolver() = default;

bool Resolver::is_fresh() const noexcept {
  return looked_up_ == Time::max() ||
         (looked_up_ != Time{} && std::chrono::steady_clock::now() - looked_up_ < fresh_for);
}

bool Resolver::start() {
  const std::lock_guard lock{shared_->mutex};
  if (shared_->is_running || shared_->is_answered) return true;
  const auto run = [shared = shared_, host = host_]() noexcept {
    std::vector<std::string> addresses;
    try {
      addresses = look_up(host);
    } catch (const std::bad_alloc&) {  // then there are none
    }
    const std::lock_guard thread_lock{shared->mutex};
    shared->addresses = std::move(addresses);
    shared->is_running = false;
    shared->is_answered = true;
    shared->changed.notify_all();
  };
  try {
    const SignalsBlocked blocked;
    std::thread{run}.detach();
  } catch (const std::system_error&) {
    return false;
  }
  shared_->is_running = true;
  return true;
}

Lookup Resolver::resolve(Time deadline, const std::atomic<Time::rep>& ends_by) {
  if (is_fresh()) return Lookup::found;
  if (!start()) return Lookup::failed;
  std::unique_lock lock{shared_->mutex};
  while (shared_->is_running) {
    // Read under the lock: a wake() after this finds us waiting.
    const Time until = std::min(deadline, Time{Time::duration{ends_by.load(std::memory_order_relaxed)}});
    if (std::chrono::steady_clock::now() >= until) return Lookup::too_late;
    shared_->changed.wait_until(lock, until);
  }
  shared_->is_answered = false;
  if (shared_->addresses.empty()) return Lookup::failed;
  addresses_ = shared_->addresses;
  looked_up_ = std::chrono::steady_clock::now();
  return Lookup::found;
}

void Resolver::forget() noexcept {
  if (looked_up_ != Time::max()) looked_up_ = {};
}

void Resolver::wake() noexcept {
  const std::lock_guard lock{shared_->mutex};
  shared_->changed.notify_all();
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
