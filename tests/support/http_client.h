// SPDX-License-Identifier: Apache-2.0
//
// HttpConnection: a client that does exactly what a test says, byte by byte, well-formed or not. For tests of servers.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> header;  ///< names in lower case
  std::string body;

  [[nodiscard]] std::string field(const std::string& name) const {
    const auto found = header.find(name);
    return found == header.end() ? "" : found->second;
  }
};

/// A TCP connection to this machine. Throws std::runtime_error when the server does not do what is waited for.
class HttpConnection {
 public:
  struct Options {
    const char* address = "127.0.0.1";
    int receive_buffer = 0;  ///< bytes; 0: the system's
  };

  explicit HttpConnection(std::uint16_t port) : HttpConnection{port, Options{}} {}
  HttpConnection(std::uint16_t port, const Options& options) {
    const bool v6 = std::strchr(options.address, ':') != nullptr;
    socket_ = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) throw std::runtime_error{"socket: " + std::string{std::strerror(errno)}};
    // Only to turn a hang into a failure.
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (options.receive_buffer != 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof options.receive_buffer);
    }
    if (!connect(options.address, port, v6)) {
      const std::string reason = std::strerror(errno);
      ::close(socket_);
      throw std::runtime_error{"connect: " + reason};
    }
  }
  ~HttpConnection() {
    if (socket_ >= 0) ::close(socket_);
  }
  HttpConnection(HttpConnection&& other) noexcept
      : socket_{std::exchange(other.socket_, -1)}, received_{std::move(other.received_)} {}
  HttpConnection& operator=(HttpConnection&&) = delete;

  /// Fails silently when the server has closed the connection: what it answered is then the test's question.
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void send_get(const std::string& path, const std::string& more_fields = "") {
    send("GET " + path + " HTTP/1.1\r\nHost: test\r\n" + more_fields + "\r\n");
  }

  /// The next response; one to a HEAD request has no body.
  [[nodiscard]] HttpResponse receive(bool head = false) {
    while (received_.find("\r\n\r\n") == std::string::npos) {
      if (!read_more()) throw std::runtime_error{"connection closed in a response's header: \"" + received_ + "\""};
    }
    HttpResponse response;
    const std::size_t end = received_.find("\r\n\r\n");
    parse_header(std::string_view{received_}.substr(0, end + 2), response);
    received_.erase(0, end + 4);
    if (head) return response;

    const std::size_t length =
        response.field("content-length").empty() ? 0 : std::stoul(response.field("content-length"));
    while (received_.size() < length) {
      if (!read_more()) throw std::runtime_error{"connection closed in a response's body"};
    }
    response.body = received_.substr(0, length);
    received_.erase(0, length);
    return response;
  }

  /// Waits until the server ends the connection, whatever it sends before.
  [[nodiscard]] bool is_closed_by_server() {
    try {
      while (read_more()) received_.clear();
    } catch (const std::runtime_error&) {
      return false;
    }
    return true;
  }

 private:
  bool connect(const char* address, std::uint16_t port, bool v6) const {
    if (v6) {
      sockaddr_in6 to = {};
      to.sin6_family = AF_INET6;
      to.sin6_port = htons(port);
      ::inet_pton(AF_INET6, address, &to.sin6_addr);
      return ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    }
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    ::inet_pton(AF_INET, address, &to.sin_addr);
    return ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }

  /// False at the end of the connection, also when it was reset.
  bool read_more() {
    char bytes[16 * 1024];
    const ssize_t size = ::recv(socket_, bytes, sizeof bytes, 0);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) throw std::runtime_error{"nothing came for 20 seconds"};
    if (size <= 0) return false;
    received_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }

  static void parse_header(std::string_view text, HttpResponse& response) {
    const std::size_t line_end = text.find("\r\n");
    const std::string status_line{text.substr(0, line_end)};
    if (status_line.rfind("HTTP/1.", 0) != 0 || status_line.size() < 12) {
      throw std::runtime_error{"not a status line: " + status_line};
    }
    response.status = std::stoi(status_line.substr(9, 3));
    text.remove_prefix(line_end + 2);
    while (!text.empty()) {
      const std::size_t end = text.find("\r\n");
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end + 2);
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) throw std::runtime_error{"not a header field: " + std::string{line}};
      std::string name{line.substr(0, colon)};
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
      std::string_view value = line.substr(colon + 1);
      while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      response.header[name] = value;
    }
  }

  int socket_ = -1;
  std::string received_;
};

/// One GET on a connection of its own.
[[nodiscard]] inline HttpResponse http_get(std::uint16_t port, const std::string& path,
                                           const std::string& more_fields = "") {
  HttpConnection connection{port};
  connection.send_get(path, more_fields + "Connection: close\r\n");
  return connection.receive();
}

FAST_TELEMETRY_END_NAMESPACE
