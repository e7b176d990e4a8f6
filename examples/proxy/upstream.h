// SPDX-License-Identifier: Apache-2.0
//
// Upstream: the connections of one event loop to the Redis server behind the proxy.
#pragma once

#include <memory>
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
};

/// Lends connections and takes them back for reuse. For one event loop; not thread-safe.
///
/// Down means that connecting failed: until a background task has reached the server again, at intervals that double
/// up to max_backoff and are spread at random, every lease is refused at once.
class Upstream {
 public:
  using Lease = std::shared_ptr<UpstreamConnection>;

  Upstream(asio::io_context& context, const Endpoint& server, ProxyMetrics& metrics);

  /// A connection of the caller's own, reused if one is idle; null if the server cannot be reached.
  Task<Lease> lease();

  /// For reuse: every reply was read, and no command has left anything behind.
  void give_back(Lease connection);

  /// A connection broke while it was in use: those that are idle are not to be trusted either.
  void lost();

  /// Ends the background task and drops what is idle.
  void stop();

 private:
  static constexpr std::chrono::milliseconds min_backoff{50};
  static constexpr std::chrono::milliseconds max_backoff{2000};
  static constexpr std::chrono::milliseconds connect_timeout{1000};
  static constexpr std::size_t max_idle = 64;  // arbitrary: per event loop

  Task<Lease> connect(std::error_code& error);
  Task<> reconnect();

  asio::io_context& context_;
  Endpoint server_;
  ProxyMetrics& metrics_;
  Timer backoff_timer_;
  std::minstd_rand random_{std::random_device{}()};
  std::vector<Lease> idle_;
  bool lost_ = false;  ///< and not reached since
  bool down_ = false;
  bool stopped_ = false;
};

}  // namespace proxy
