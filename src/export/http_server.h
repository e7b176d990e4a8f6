// SPDX-License-Identifier: Apache-2.0
//
// HttpServer: connections, their limits and deadlines, and HTTP over libmicrohttpd. What is served is the handler's.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include "body_pool.h"
#include "connections.h"
#include "exposer_metrics.h"
#include "http_negotiation.h"
#include "listener.h"

struct MHD_Daemon;

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// A GET or HEAD without a body. Views are valid during the call.
struct HttpRequest {
  std::string_view path;
  bool gzip = false;
  Accepted accepted = {};
  SteadyTime received;
  std::optional<std::chrono::milliseconds> scrape_budget = {};
};

/// Either text of static storage duration, or a body.
struct HttpReply {
  unsigned status = 200;
  std::string_view text = {};
  std::unique_ptr<Body> body = {};
  bool gzip = false;  ///< the body is compressed
  const char* content_type = nullptr;
};

class HttpHandler {
 public:
  /// Called on the server's thread.
  [[nodiscard]] virtual HttpReply handle(const HttpRequest& request) = 0;

 protected:
  ~HttpHandler() = default;
};

struct HttpLimits {
  std::size_t max_connections;
  std::size_t max_request_bytes;
  Timeouts timeouts;
};

/// libmicrohttpd could poll and time out by itself. It would then close connections in the order in which they are
/// silent, refuse new ones while old ones idle, and let a client take for ever that reads a byte now and then. So the
/// loop is ours, and libmicrohttpd is told when there is something to do.
class HttpServer {
 public:
  HttpServer(Listener listener, const HttpLimits& limits, HttpHandler& handler, ExposerMetrics& metrics);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::error_code open();

  /// Serves until `stop`. Exceptions of the handler end the connection, not the server.
  void run() noexcept;

  /// Makes `run` return soon. From any thread.
  void stop() noexcept;
  [[nodiscard]] const std::atomic<bool>& stopping() const noexcept { return stopping_; }

  [[nodiscard]] const Listener& listener() const noexcept { return listener_; }

  /// In a forked child: closes the child's copies of all file descriptors, nothing else. What the parent shares (the
  /// connections, the epoll set) goes on as it is.
  void close_copies() noexcept;

 private:
  struct Callbacks;

  void accept_connections() noexcept;
  void make_room() noexcept;
  void close(Connections::Connection& connection) noexcept;
  void close_overdue() noexcept;
  [[nodiscard]] int wait_milliseconds() const noexcept;

  Listener listener_;
  HttpLimits limits_;
  HttpHandler& handler_;
  ExposerMetrics& metrics_;
  Connections connections_;
  FileDescriptor wake_;
  MHD_Daemon* daemon_ = nullptr;
  SteadyTime accept_again_;  // after a failure to accept
  std::atomic<bool> stopping_{false};
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
