// SPDX-License-Identifier: Apache-2.0
//
// DatagramResolver: a host's addresses, by a deadline that the system's own lookup does not know.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "socket_address.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct Resolved {
  std::error_code error;
  std::vector<SocketAddress> addresses;  ///< in the order in which to try them; none if there is an error
};

class DatagramResolver {
 public:
  using Clock = std::chrono::steady_clock;
  using Lookup = std::function<Resolved(const std::string& host, std::uint16_t port)>;

  /// `lookup` may block; it is called in another thread, at most one at a time.
  explicit DatagramResolver(Lookup lookup = system_lookup) : lookup_{std::move(lookup)} {}

  /// A literal is its own address; a name is looked up. Past the deadline the error is timed_out, and the next call for
  /// the same host waits for the same lookup.
  [[nodiscard]] Resolved resolve(const std::string& host, std::uint16_t port, Clock::time_point deadline);

  /// For a forked child: a lookup under way is the parent's.
  void forget() noexcept { pending_.reset(); }

  /// getaddrinfo, for UDP.
  [[nodiscard]] static Resolved system_lookup(const std::string& host, std::uint16_t port);

 private:
  struct Pending;
  void start(const std::string& host, std::uint16_t port);

  Lookup lookup_;
  std::shared_ptr<Pending> pending_;  // shared with the thread, which may outlive everything else
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
