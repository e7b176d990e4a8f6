// SPDX-License-Identifier: Apache-2.0
//
// HttpServer: libmicrohttpd, with a thread per connection, on the loopback interface.
#pragma once

#include <cstdint>
#include <functional>

#include "http.h"

struct MHD_Daemon;

namespace service {

/// Reads whole requests, calls the handler on the connection's thread, sends what it returns as JSON.
///
/// A body of more than 1 MiB is refused: with status 413 when its length is announced, else by closing the connection.
class HttpServer {
 public:
  using Handler = std::function<HttpReply(const HttpRequest&)>;

  /// Port 0 takes any free one. Throws std::runtime_error.
  HttpServer(std::uint16_t port, Handler handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Waits for the handlers that run.
  ~HttpServer();

  [[nodiscard]] std::uint16_t port() const noexcept;

 private:
  struct Callbacks;

  Handler handler_;
  MHD_Daemon* daemon_;
};

}  // namespace service
