// SPDX-License-Identifier: Apache-2.0
//
// Resolver: one host's addresses, by a deadline that the system's own lookup does not know.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "socket_address.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// getaddrinfo takes no deadline and cannot be cancelled, so a thread does it that nobody waits for: when there is none
/// by the deadline, the thread goes on by itself, and the next call waits for the same one. There is at most one, also
/// when no name server ever answers; it ends when getaddrinfo does, and knows nothing of the Resolver, which may be
/// gone. The code that it runs may not: a plugin that is unloaded before must stay in memory.
///
/// Not thread-safe, but for end_by().
class Resolver {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// A name, or an address (IPv6 without brackets), which is never looked up.
  explicit Resolver(std::string host);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Looks the host up, unless that was done less than a minute ago. timed_out: there was no answer by the deadline, or
  /// by end_by()'s. Throws std::bad_alloc.
  [[nodiscard]] std::error_code resolve(Time deadline);

  /// What was found, in the order in which to try it; without a port.
  [[nodiscard]] const std::vector<SocketAddress>& addresses() const noexcept { return addresses_; }
  [[nodiscard]] bool is_literal() const noexcept { return known_ == Known::literal; }

  /// The addresses are of no use: the next call looks up again.
  void forget() noexcept;

  /// For a forked child, before anything else: a lookup under way is the parent's.
  void leave_to_parent() noexcept { is_parents_.store(true, std::memory_order_relaxed); }

  /// From now on resolve() lasts no longer than this, not even one under way. Any thread.
  void end_by(Time deadline) noexcept;
  [[nodiscard]] Time ends_by() const noexcept { return Time{Time::duration{ends_by_.load(std::memory_order_relaxed)}}; }

 private:
  struct Shared;
  enum class Known : std::uint8_t { nothing, for_a_minute, literal, reserved_name };

  [[nodiscard]] bool is_fresh() const noexcept;
  [[nodiscard]] std::error_code start();

  std::string host_;
  std::shared_ptr<Shared> shared_;
  std::atomic<bool> is_parents_{false};  ///< is `shared_`: its mutex may be held for ever
  std::atomic<Time::rep> ends_by_;
  std::vector<SocketAddress> addresses_;
  Known known_ = Known::nothing;
  std::int64_t looked_up_ns_ = 0;  ///< with for_a_minute
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
