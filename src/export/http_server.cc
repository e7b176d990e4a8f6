// SPDX-License-Identifier: Apache-2.0
#include "http_server.h"

#include <microhttpd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/diagnose.h"
#include "fast_telemetry/export/exposer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

using Clock = std::chrono::steady_clock;

// How long a process that is out of file descriptors or memory is left alone before the next attempt to accept.
constexpr std::chrono::milliseconds accept_pause{100};  // arbitrary

constexpr const char* plain_text = "text/plain; charset=utf-8";

/// Reads a header field that may be there more than once.
template <class Use>
void for_each_field(MHD_Connection* connection, std::string_view name, Use use) {
  struct Context {
    std::string_view name;
    Use& use;
  } context{name, use};
  MHD_get_connection_values(
      connection, MHD_HEADER_KIND,
      [](void* cls, MHD_ValueKind, const char* key, const char* value) {
        auto& [wanted, callback] = *static_cast<Context*>(cls);
        if (key != nullptr && value != nullptr && std::strlen(key) == wanted.size() &&
            ::strncasecmp(key, wanted.data(), wanted.size()) == 0) {
          callback(std::string_view{value});
        }
        return MHD_YES;
      },
      &context);
}

bool has_body(MHD_Connection* connection) {
  bool found = false;
  for_each_field(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING, [&](std::string_view) { found = true; });
  for_each_field(connection, MHD_HTTP_HEADER_CONTENT_LENGTH, [&](std::string_view length) {
    found = found || length.find_first_not_of('0') != std::string_view::npos;
  });
  return found;
}

struct DestroyResponse {
  void operator()(MHD_Response* response) const noexcept { MHD_destroy_response(response); }
};
using ResponsePtr = std::unique_ptr<MHD_Response, DestroyResponse>;

/// Takes the reply's body.
ResponsePtr make_response(HttpReply& reply) {
  ResponsePtr response;
  if (reply.body) {
    Body* const body = reply.body.get();
    // The response owns the body from here, and keeps it until the last byte is sent or the connection is gone.
    response.reset(MHD_create_response_from_buffer_with_free_callback_cls(
        body->bytes.size(), body->bytes.data(),
        [](void* cls) {
          auto* const sent = static_cast<Body*>(cls);
          sent->pool->give_back(std::unique_ptr<Body>{sent});
        },
        body));
    if (response) {
      body->pool->sending(*body);
      static_cast<void>(reply.body.release());
    }
  } else {
    response.reset(MHD_create_response_from_buffer(
        reply.text.size(), const_cast<char*>(reply.text.data()),  // MHD_RESPMEM_PERSISTENT: it is not written to
        MHD_RESPMEM_PERSISTENT));
  }
  return response;
}

/// Queues the reply. Nothing of the request gets into it: header fields are from fixed tables.
MHD_Result send(MHD_Connection* connection, HttpReply reply) {
  const ResponsePtr response = make_response(reply);
  if (!response) return MHD_NO;
  const auto add = [&](const char* name, const char* value) {
    return MHD_add_response_header(response.get(), name, value) == MHD_YES;
  };
  bool complete = add("Content-Type", reply.content_type != nullptr ? reply.content_type : plain_text) &&
                  add("X-Content-Type-Options", "nosniff") && add("Cache-Control", "no-store");
  if (reply.content_type != nullptr) complete = complete && add("Vary", "Accept, Accept-Encoding");
  if (reply.gzip) complete = complete && add("Content-Encoding", "gzip");
  if (reply.status == MHD_HTTP_METHOD_NOT_ALLOWED) complete = complete && add("Allow", "GET, HEAD");
  if (reply.status == MHD_HTTP_SERVICE_UNAVAILABLE) complete = complete && add("Retry-After", "1");
  return complete ? MHD_queue_response(connection, reply.status, response.get()) : MHD_NO;
}

}  // namespace

/// What libmicrohttpd calls, all of it from `run`.
struct HttpServer::Callbacks {
  static void on_connection(void* cls, MHD_Connection* connection, void** socket_context,
                            MHD_ConnectionNotificationCode code) noexcept {
    auto& server = *static_cast<HttpServer*>(cls);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
      *socket_context = server.connections_.add(info->connect_fd, Clock::now());
    } else if (*socket_context != nullptr) {
      server.connections_.remove(*static_cast<Connections::Connection*>(*socket_context));
      *socket_context = nullptr;
    }
  }

  static Connections::Connection* place_of(MHD_Connection* connection) noexcept {
    const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return static_cast<Connections::Connection*>(info->socket_context);
  }

  static void on_completed(void* cls, MHD_Connection* connection, void**, MHD_RequestTerminationCode) noexcept {
    auto& server = *static_cast<HttpServer*>(cls);
    if (Connections::Connection* const place = place_of(connection)) {
      server.connections_.response_sent(*place, Clock::now());
    }
  }

  // Called with a request's header, then again when all of it is there. A response at the first call ends the
  // connection, which is right for what must not be read and wrong for everything else.
  static MHD_Result on_request(void* cls, MHD_Connection* connection, const char* url, const char* method, const char*,
                               const char*, std::size_t* upload_size, void** request_state) noexcept try {
    auto& server = *static_cast<HttpServer*>(cls);
    if (*request_state == nullptr) {
      *request_state = &server;
      if (Connections::Connection* const place = place_of(connection)) {
        server.connections_.request_received(*place, Clock::now());
      }
      if (std::strcmp(method, MHD_HTTP_METHOD_GET) != 0 && std::strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        server.metrics_.rejected.with(RejectedRequest::method).add();
        return send(connection, {.status = MHD_HTTP_METHOD_NOT_ALLOWED, .text = "GET and HEAD only\n"});
      }
      if (has_body(connection)) {
        server.metrics_.rejected.with(RejectedRequest::body).add();
        return send(connection, {.status = MHD_HTTP_CONTENT_TOO_LARGE, .text = "no request body is expected\n"});
      }
      return MHD_YES;
    }
    if (*upload_size != 0) return MHD_NO;  // announced by nothing: chunks that has_body did not see cannot come

    HttpRequest request{.path = url, .received = Clock::now()};
    AcceptEncoding encodings;
    for_each_field(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING,
                   [&](std::string_view field) { encodings.field(field); });
    request.gzip = encodings.gzip();
    Accept formats;
    for_each_field(connection, MHD_HTTP_HEADER_ACCEPT, [&](std::string_view field) { formats.field(field); });
    request.accepted = formats.best();
    for_each_field(connection, "X-Prometheus-Scrape-Timeout-Seconds",
                   [&](std::string_view field) { request.scrape_budget = scrape_budget(field); });
    return send(connection, server.handler_.handle(request));
  } catch (...) {
    // Out of memory beside the response: the connection is closed.
    return MHD_NO;
  }
};

HttpServer::HttpServer(Listener listener, const HttpLimits& limits, HttpHandler& handler, ExposerMetrics& metrics)
    : listener_{std::move(listener)},
      limits_{limits},
      handler_{handler},
      metrics_{metrics},
      connections_{std::max<std::size_t>(limits.max_connections, 1), limits.timeouts} {}

HttpServer::~HttpServer() {
  if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
}

std::error_code HttpServer::open() {
  wake_ = FileDescriptor{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake_) return {errno, std::system_category()};

  // What a request leaves of the memory must hold the response's header; 1 KiB of ours is well under 4.
  const std::size_t memory = limits_.max_request_bytes + 4096;
  daemon_ = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, nullptr, nullptr, &Callbacks::on_request,
                             this, MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(connections_.places().size()),  //
                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,                                              //
                             MHD_OPTION_CONNECTION_TIMEOUT, 0U,                                                       //
                             MHD_OPTION_NOTIFY_CONNECTION, &Callbacks::on_connection, this,                           //
                             MHD_OPTION_NOTIFY_COMPLETED, &Callbacks::on_completed, this,                             //
                             MHD_OPTION_STRICT_FOR_CLIENT, 1,                                                         //
                             MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,  // the thread of `run` blocks all signals
                             MHD_OPTION_END);
  return daemon_ != nullptr ? std::error_code{} : make_error_code(ExposerError::server_failed);
}

void HttpServer::stop() noexcept {
  stopping_.store(true, std::memory_order_relaxed);  // the eventfd orders what matters
  const std::uint64_t one = 1;
  // Cannot fail: the counter is far from full, and there is nobody to tell.
  static_cast<void>(!::write(wake_.number(), &one, sizeof one));
}

void HttpServer::run() noexcept {
  const int epoll = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  while (!stopping_.load(std::memory_order_relaxed)) {
    const bool accepting = Clock::now() >= accept_again_;
    pollfd events[] = {
        {wake_.number(), POLLIN, 0}, {epoll, POLLIN, 0}, {accepting ? listener_.socket.number() : -1, POLLIN, 0}};
    ::poll(events, std::size(events), wait_milliseconds());
    if ((events[2].revents & POLLIN) != 0) accept_connections();
    MHD_run(daemon_);
    close_overdue();
  }
  // On this thread, so that nothing of libmicrohttpd is ever used from two.
  MHD_stop_daemon(daemon_);
  daemon_ = nullptr;
}

int HttpServer::wait_milliseconds() const noexcept {
  MHD_UNSIGNED_LONG_LONG pending = 0;
  if (MHD_get_timeout(daemon_, &pending) == MHD_YES && pending == 0) return 0;  // it has read more than it has handled
  std::optional<SteadyTime> next = connections_.next_deadline();
  const SteadyTime now = Clock::now();
  if (accept_again_ > now) next = next ? std::min(*next, accept_again_) : accept_again_;
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - now);
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

void HttpServer::accept_connections() noexcept {
  // A few at a time, so that those who are connected get their turn while many arrive.
  for (int i = 0; i < 16; ++i) {
    sockaddr_storage address = {};
    socklen_t size = sizeof address;
    auto* const peer = reinterpret_cast<sockaddr*>(&address);  // how the sockets interface spells inheritance
    FileDescriptor accepted{::accept4(listener_.socket.number(), peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!accepted) {
      // What has come and gone again is nobody's failure (accept(2) lists the network's errors as such).
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        metrics_.closed.with(ClosedConnection::not_accepted).add();
        diagnose("exposer", "cannot accept connections: out of file descriptors or memory");
        accept_again_ = Clock::now() + accept_pause;
      } else if (errno == EINTR || errno == ECONNABORTED) {
        continue;
      }
      return;
    }
    if (connections_.full()) make_room();
    if (connections_.full()) {
      metrics_.closed.with(ClosedConnection::no_room).add();
      continue;
    }
    // It owns the socket from here, also when it fails.
    if (MHD_add_connection(daemon_, accepted.release(), peer, size) != MHD_YES) {
      metrics_.closed.with(ClosedConnection::not_accepted).add();
    }
  }
}

void HttpServer::make_room() noexcept {
  Connections::Connection* const waiting = connections_.longest_waiting();
  if (waiting == nullptr) return;
  metrics_.closed.with(ClosedConnection::made_room).add();
  close(*waiting);
  MHD_run(daemon_);  // sees the end of the connection and lets go of it
}

// libmicrohttpd notices by itself that the connection has ended, and only it may close the socket.
void HttpServer::close(Connections::Connection& connection) noexcept {
  connections_.closing(connection);
  ::shutdown(connection.socket, SHUT_RDWR);
}

void HttpServer::close_overdue() noexcept {
  const SteadyTime now = Clock::now();
  while (Connections::Connection* const connection = connections_.overdue(now)) {
    if (connection->state == Connections::State::requesting) {
      metrics_.closed.with(ClosedConnection::slow_request).add();
    } else if (connection->state == Connections::State::responding) {
      metrics_.closed.with(ClosedConnection::slow_response).add();
    }
    close(*connection);
  }
}

void HttpServer::close_copies() noexcept {
  for (const Connections::Connection& connection : connections_.places()) {
    if (connection.socket >= 0) ::close(connection.socket);
  }
  if (daemon_ != nullptr) ::close(MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
  daemon_ = nullptr;  // its memory is lost: stopping it would shut the parent's connections down
  listener_.socket = {};
  wake_ = {};
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
