// SPDX-License-Identifier: Apache-2.0
//
// Upstream: the connections of one event loop to the Redis server behind the proxy.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "buffer.h"
#include "net.h"
#include "resp_parser.h"
#include "telemetry.h"

namespace proxy {

/// One connection. Whoever holds it sends commands and reads exactly their replies.
struct UpstreamConnection {
  explicit UpstreamConnection(asio::io_context& context) : socket{context} {}

  /// Whether nothing has arrived. Bytes or an end that nobody has asked for mean that the server is gone, or out of
  /// step.
  [[nodiscard]] bool is_quiet();

  Socket socket;
  Buffer replies;
  ReplyScanner scanner;
  /// Since it last gave or took bytes; none while nobody waits for it to. Set by who holds it, counted up by Upstream.
  std::optional<std::chrono::seconds> silence;
};

/// Lends connections and takes them back for reuse. For one event loop; not thread-safe.
///
/// A connection that is waited for in vain longer than the deadline, by up to a second, is closed.
///
/// Down means that connecting failed: until a background task has reached the server again, at intervals that double
/// up to max_backoff and are spread at random, every lease is refused at once.
class Upstream {
 public:
  using Lease = std::shared_ptr<UpstreamConnection>;

  Upstream(asio::io_context& context, const Endpoint& server, std::chrono::seconds deadline, ProxyMetrics& metrics);

  /// A connection of the caller's own, reused if one is idle; null if the server cannot be reached.
  Task<Lease> lease();

  /// For reuse: every reply was read, and no command has left anything behind.
  void give_back(Lease connection);

  /// A connection broke while it was in use: those that are idle are not to be trusted either.
  void lost();

  /// Ends the background tasks and drops what is idle.
  void stop();

 private:
  static constexpr std::chrono::milliseconds min_backoff{50};
  static constexpr std::chrono::milliseconds max_backoff{2000};
  static constexpr std::chrono::milliseconds connect_timeout{1000};
  static constexpr std::chrono::seconds watch_interval{1};  // coarse: a timer for each wait would cost every command
  static constexpr std::size_t max_idle = 64;               // arbitrary: per event loop

  Task<Lease> connect(std::error_code& error);
  Task<> reconnect();
  Task<> watch();

  asio::io_context& context_;
  Endpoint server_;
  std::chrono::seconds deadline_;
  ProxyMetrics& metrics_;
  Timer backoff_timer_;
  Timer watch_timer_;
  std::minstd_rand random_{std::random_device{}()};
  std::vector<Lease> idle_;
  std::vector<std::weak_ptr<UpstreamConnection>> connections_;  ///< all of them, lent or idle
  bool lost_ = false;                                           ///< and not reached since
  bool down_ = false;
  bool stopped_ = false;
};

}  // namespace proxy
