// SPDX-License-Identifier: Apache-2.0
//
// Resolver: one host's addresses, by a deadline.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

enum class Lookup : std::uint8_t { found, failed, too_late };

/// getaddrinfo takes no deadline and cannot be cancelled, so a thread does it that nobody waits for: when there is none
/// by the deadline, the thread goes on by itself, and the next call waits for the same one. There is at most one, also
/// when no name server ever answers; it ends when getaddrinfo does, and knows nothing of the Resolver, which may be
/// gone.
///
/// libcurl's own resolver is not used: to cancel a transfer, it joins its thread.
class Resolver {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// A name, or an address (an IPv6 one in brackets).
  explicit Resolver(std::string host);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Looks the host up, unless that was done less than a minute ago. Ends by the deadline, and by `ends_by`, which
  /// another thread may change before it calls wake(). Throws std::bad_alloc.
  [[nodiscard]] Lookup resolve(Time deadline, const std::atomic<Time::rep>& ends_by);

  /// What was found: "192.0.2.1", "[2001:db8::1]". Empty for a host that is an address.
  [[nodiscard]] const std::vector<std::string>& addresses() const noexcept { return addresses_; }
  /// The next call looks up again: the addresses are of no use.
  void forget() noexcept;
  /// Has resolve() look at its deadline. Any thread.
  void wake() noexcept;

 private:
  struct Shared;
  [[nodiscard]] bool is_fresh() const noexcept;
  [[nodiscard]] bool start();

  std::string host_;
  std::shared_ptr<Shared> shared_;
  std::vector<std::string> addresses_;
  Time looked_up_ = {};  ///< zero: is to be; max: need not be
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
