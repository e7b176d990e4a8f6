// SPDX-License-Identifier: Apache-2.0
#include "resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "fast_telemetry/clock.h"
#include "signals_blocked.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr std::int64_t fresh_for_ns = 60'000'000'000;  // as libcurl's own cache

struct Found {
  std::error_code error;
  std::vector<SocketAddress> addresses = {};
};

std::optional<SocketAddress> literal(const std::string& host) noexcept {
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) return SocketAddress{&v4, sizeof v4};
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) return SocketAddress{&v6, sizeof v6};
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

Found look_up(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // else each address comes once per type
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* first = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &first); code != 0) return {error_of(code)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{first, &::freeaddrinfo};
  Found found;
  for (const addrinfo* info = first; info != nullptr; info = info->ai_next) {
    if (info->ai_family == AF_INET || info->ai_family == AF_INET6) {
      found.addresses.emplace_back(info->ai_addr, info->ai_addrlen);
    }
  }
  if (found.addresses.empty()) found.error = std::make_error_code(std::errc::host_unreachable);
  return found;
}

}  // namespace

/// What a Resolver and its thread both know; the last of them frees it.
struct Resolver::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_running = false;
  std::optional<Found> answer;  ///< that nobody has taken
};

Resolver::Resolver(std::string host)
    : host_{std::move(host)}, shared_{std::make_shared<Shared>()}, ends_by_{Time::max().time_since_epoch().count()} {
  if (const auto address = literal(host_)) {
    addresses_ = {*address};
    known_ = Known::literal;
  } else if (host_ == "localhost") {  // RFC 6761, section 6.3: this name needs no asking
    addresses_ = {*literal("127.0.0.1"), *literal("::1")};
    known_ = Known::reserved_name;
  }
}

Resolver::~Resolver() = default;

bool Resolver::is_fresh() const noexcept {
  return known_ != Known::nothing && (known_ != Known::for_a_minute || now_ns() - looked_up_ns_ < fresh_for_ns);
}

std::error_code Resolver::start() {
  const std::lock_guard lock{shared_->mutex};
  if (shared_->is_running || shared_->answer) return {};
  const auto run = [shared = shared_, host = host_]() noexcept {
    Found found{std::make_error_code(std::errc::not_enough_memory)};
    try {
      found = look_up(host);
    } catch (const std::bad_alloc&) {  // which is what it says already
    }
    const std::lock_guard thread_lock{shared->mutex};
    shared->answer = std::move(found);
    shared->is_running = false;
    shared->changed.notify_all();
  };
  try {
    const SignalsBlocked blocked;
    std::thread{run}.detach();
  } catch (const std::system_error& error) {
    return error.code();
  }
  shared_->is_running = true;
  return {};
}

std::error_code Resolver::resolve(Time deadline) {
  if (is_fresh()) return {};
  if (is_parents_.load(std::memory_order_relaxed)) {
    shared_ = std::make_shared<Shared>();
    // Release: who then finds it ours finds the new one. Until then end_by() leaves it alone.
    is_parents_.store(false, std::memory_order_release);
  }
  if (const std::error_code error = start()) return error;
  std::unique_lock lock{shared_->mutex};
  while (shared_->is_running) {
    // Read under the lock: an end_by() after this finds us waiting.
    const Time until = std::min(deadline, ends_by());
    if (std::chrono::steady_clock::now() >= until) return std::make_error_code(std::errc::timed_out);
    shared_->changed.wait_until(lock, until);
  }
  const Found found = *std::exchange(shared_->answer, {});
  if (found.error) return found.error;
  addresses_ = found.addresses;
  known_ = Known::for_a_minute;
  looked_up_ns_ = now_ns();
  return {};
}

void Resolver::forget() noexcept {
  if (known_ == Known::for_a_minute) known_ = Known::nothing;
}

void Resolver::end_by(Time deadline) noexcept {
  ends_by_.store(deadline.time_since_epoch().count(), std::memory_order_relaxed);  // what follows orders it
  if (is_parents_.load(std::memory_order_acquire)) return;  // nobody waits. Pairs with resolve()'s release
  const std::lock_guard lock{shared_->mutex};
  shared_->changed.notify_all();
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
