// SPDX-License-Identifier: Apache-2.0
#include "http_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>

#include <charconv>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace service {

namespace {

constexpr std::size_t most_body_bytes = 1 << 20;       // arbitrary
constexpr std::size_t connection_memory = 128 * 1024;  // for the header: many full tracestate headers fit
constexpr unsigned most_connections = 64;              // each is a thread
constexpr unsigned idle_seconds = 10;

HttpHeaders headers_of(MHD_Connection* connection) {
  HttpHeaders headers;
  MHD_get_connection_values_n(
      connection, MHD_HEADER_KIND,
      [](void* cls, MHD_ValueKind, const char* name, std::size_t name_size, const char* value, std::size_t value_size) {
        static_cast<HttpHeaders*>(cls)->emplace_back(std::string{name, name_size},
                                                     value != nullptr ? std::string{value, value_size} : "");
        return MHD_YES;
      },
      &headers);
  return headers;
}

bool is_announced_too_large(MHD_Connection* connection) {
  const char* const text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  if (text == nullptr) return false;
  const std::string_view length{text};
  std::size_t bytes = 0;
  const auto [end, error] = std::from_chars(length.begin(), length.end(), bytes);
  return error != std::errc{} || bytes > most_body_bytes;
}

MHD_Result send(MHD_Connection* connection, const HttpReply& reply) {
  MHD_Response* const response = MHD_create_response_from_buffer(
      reply.body.size(), const_cast<char*>(reply.body.data()), MHD_RESPMEM_MUST_COPY);  // it is not written to
  if (response == nullptr) return MHD_NO;
  MHD_Result result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
  if (result == MHD_YES) result = MHD_queue_response(connection, reply.status, response);
  MHD_destroy_response(response);
  return result;
}

}  // namespace

/// What libmicrohttpd calls, on the thread of a connection. No exception may get into its C code.
struct HttpServer::Callbacks {
  // Called with a request's header, then with each part of its body, then once more with nothing.
  static MHD_Result on_request(void* cls, MHD_Connection* connection, const char* url, const char* method, const char*,
                               const char* upload, std::size_t* upload_size, void** state) noexcept try {
    if (*state == nullptr) {
      *state = new std::string;
      if (is_announced_too_large(connection)) {
        return send(connection, {MHD_HTTP_CONTENT_TOO_LARGE, R"({"error":"the body is too large"})"});
      }
      return MHD_YES;
    }
    std::string& body = *static_cast<std::string*>(*state);
    if (*upload_size != 0) {
      if (body.size() + *upload_size > most_body_bytes) return MHD_NO;
      body.append(upload, *upload_size);
      *upload_size = 0;
      return MHD_YES;
    }
    return send(connection,
                static_cast<HttpServer*>(cls)->handler_({method, url, headers_of(connection), std::move(body)}));
  } catch (...) {
    return MHD_NO;  // closes the connection
  }

  static void on_completed(void*, MHD_Connection*, void** state, MHD_RequestTerminationCode) noexcept {
    delete static_cast<std::string*>(*state);
    *state = nullptr;
  }
};

HttpServer::HttpServer(std::uint16_t port, Handler handler) : handler_{std::move(handler)} {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  daemon_ = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, port,
                             nullptr, nullptr, &Callbacks::on_request, this,                     //
                             MHD_OPTION_SOCK_ADDR, reinterpret_cast<const sockaddr*>(&address),  //
                             MHD_OPTION_NOTIFY_COMPLETED, &Callbacks::on_completed, nullptr,     //
                             MHD_OPTION_CONNECTION_LIMIT, most_connections,                      //
                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory,              //
                             MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds,                        //
                             MHD_OPTION_STRICT_FOR_CLIENT, 1,                                    //
                             MHD_OPTION_END);
  if (daemon_ == nullptr) throw std::runtime_error{"cannot listen on port " + std::to_string(port)};
}

HttpServer::~HttpServer() { MHD_stop_daemon(daemon_); }

std::uint16_t HttpServer::port() const noexcept {
  return MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port;
}

}  // namespace service
