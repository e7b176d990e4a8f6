// SPDX-License-Identifier: Apache-2.0
//
// ScriptedServer: an HTTP server that does exactly what a test says, well-formed or not. For tests of clients.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct ReceivedRequest {
  std::string line;                           ///< "POST /v1/traces HTTP/1.1"
  std::map<std::string, std::string> header;  ///< names in lower case
  std::string body;
};

/// The server's end of a connection.
class ServerConnection {
 public:
  using Record = std::function<void(const ReceivedRequest&)>;

  /// What was received is given to `record` before anything is sent, so that who has an answer finds its request there.
  ServerConnection(int socket, Record record) : socket_{socket}, record_{std::move(record)} {}

  /// False when the client is gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Reads until that much of the request's body is there.
  bool read_body(ReceivedRequest& request, std::size_t size) {
    bool is_whole = true;
    while (is_whole && received_.size() < size) is_whole = read_more();
    request.body = received_.substr(0, size);
    received_.erase(0, size);
    record_(request);
    return is_whole;
  }
  bool read_body(ReceivedRequest& request) {
    return read_body(request, std::stoul("0" + request.header["content-length"]));
  }

  bool read_header(ReceivedRequest& request) {
    while (received_.find("\r\n\r\n") == std::string::npos) {
      if (!read_more()) return false;
    }
    const std::size_t end = received_.find("\r\n\r\n");
    parse(std::string_view{received_}.substr(0, end + 2), request);
    received_.erase(0, end + 4);
    return true;
  }

  /// Until the client is gone.
  void wait_for_end() {
    while (read_more()) received_.clear();
  }

  /// Ends the connection with a reset, once the step is over.
  void reset() noexcept {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }
  void close() noexcept { is_over_ = true; }
  [[nodiscard]] bool is_over() const noexcept { return is_over_; }

 private:
  bool read_more() {
    char bytes[64 * 1024];
    const ssize_t size = ::recv(socket_, bytes, sizeof bytes, 0);
    if (size > 0) received_.append(bytes, static_cast<std::size_t>(size));
    return size > 0;
  }

  static void parse(std::string_view text, ReceivedRequest& request) {
    request.line = text.substr(0, text.find("\r\n"));
    text.remove_prefix(request.line.size() + 2);
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find("\r\n"));
      text.remove_prefix(line.size() + 2);
      const std::size_t colon = std::min(line.find(':'), line.size());
      std::string name{line.substr(0, colon)};
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
      std::string_view value = line.substr(std::min(colon + 1, line.size()));
      while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      request.header[name] = value;
    }
  }

  int socket_;
  Record record_;
  std::string received_;
  bool is_over_ = false;
};

/// On this machine, one connection after the other. Each request takes the next step of the script, and when there is
/// none is answered with an empty 200.
class ScriptedServer {
 public:
  /// Called with a request whose header was read. It may read the body or a part of it, which is then on record.
  using Step = std::function<void(ServerConnection&, ReceivedRequest&)>;

  /// Port 0: any free one.
  explicit ScriptedServer(std::uint16_t port = 0) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 16) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      ::close(listener_);
      throw std::runtime_error{"cannot listen"};
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this] { serve(); }};
  }
  ~ScriptedServer() { stop(); }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  void then(Step step) {
    const std::lock_guard lock{mutex_};
    script_.push_back(std::move(step));
  }
  /// `fields` are whole lines of the header.
  void then_answer(int status, const std::string& fields = "", const std::string& body = "") {
    then([=](ServerConnection& connection, ReceivedRequest& request) {
      if (connection.read_body(request)) connection.send(response(status, fields, body));
    });
  }

  [[nodiscard]] static std::string response(int status, const std::string& fields = "", const std::string& body = "") {
    return "HTTP/1.1 " + std::to_string(status) + " Test\r\n" + fields +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  /// On record, in their order.
  [[nodiscard]] std::vector<ReceivedRequest> requests() const {
    const std::lock_guard lock{mutex_};
    return requests_;
  }
  [[nodiscard]] std::size_t connections() const {
    const std::lock_guard lock{mutex_};
    return connections_;
  }

  /// Ends the connection and the port.
  void stop() {
    {
      const std::lock_guard lock{mutex_};
      is_stopped_ = true;
      ::shutdown(listener_, SHUT_RDWR);
      if (current_ >= 0) ::shutdown(current_, SHUT_RDWR);
    }
    if (thread_.joinable()) thread_.join();
    if (listener_ >= 0) ::close(std::exchange(listener_, -1));
  }

 private:
  void serve() {
    for (;;) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      if (begin(socket)) serve(socket);
      const std::lock_guard lock{mutex_};
      current_ = -1;
      ::close(socket);
    }
  }

  void serve(int socket) {
    ServerConnection connection{socket, [this](const ReceivedRequest& request) {
                                  const std::lock_guard lock{mutex_};
                                  requests_.push_back(request);
                                }};
    ReceivedRequest request;
    while (!connection.is_over() && connection.read_header(request)) {
      next_step()(connection, request);
      request = {};
    }
  }

  bool begin(int socket) {
    const std::lock_guard lock{mutex_};
    if (is_stopped_) return false;
    current_ = socket;
    ++connections_;
    return true;
  }

  Step next_step() {
    const std::lock_guard lock{mutex_};
    if (script_.empty()) {
      return [](ServerConnection& connection, ReceivedRequest& request) {
        if (connection.read_body(request)) connection.send(response(200));
      };
    }
    Step step = std::move(script_.front());
    script_.pop_front();
    return step;
  }

  mutable std::mutex mutex_;
  std::deque<Step> script_;
  std::vector<ReceivedRequest> requests_;
  std::size_t connections_ = 0;
  int current_ = -1;
  bool is_stopped_ = false;

  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

FAST_TELEMETRY_END_NAMESPACE
