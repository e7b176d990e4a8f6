// SPDX-License-Identifier: Apache-2.0
//
// HttpClient: POSTs to one URL, over HTTP/1.1 and TLS, by a deadline.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "resolver.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct HttpClientOptions {
  std::string url;                 ///< http or https
  std::string host;                ///< of the URL, an IPv6 address in brackets
  std::string port;                ///< of the URL, or its scheme's
  std::vector<std::string> lines;  ///< of the header, "Name: value"
  std::string user_agent;
  std::string ca_file;           ///< PEM; in place of the system's
  std::string certificate_file;  ///< PEM, of the client; with key_file
  std::string key_file;
  std::size_t max_reply_bytes = std::size_t{4} << 20U;  ///< of the body. OTLP, "OTLP/HTTP Response": 4 MiB
};

struct PostResult {
  int status = 0;  ///< 0: no answer
  std::string body;
  std::string content_type;
  std::string retry_after;
  bool is_whole = false;  ///< false with a status: larger than allowed, or cut by whatever ended the attempt
  bool is_timed_out = false;
  std::uint64_t sent_bytes = 0;  ///< of the request's body
  const char* error = "";        ///< why there is no whole answer
};

/// One connection, kept. Certificates are verified, always; redirections are not followed; the environment's proxies
/// are not used, nor are cookies, .netrc or any protocol but HTTP and HTTPS. No signals are used, and none is raised.
///
/// Not thread-safe, but for end_by(). A forked child may destroy its copy, which leaves the connection alone.
class HttpClient {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Throws std::bad_alloc, and std::runtime_error when libcurl cannot do what it must.
  explicit HttpClient(const HttpClientOptions& options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Returns by the deadline, whatever the network does.
  [[nodiscard]] PostResult post(std::string_view body, Time deadline) noexcept;

  /// From now on nothing lasts longer than this, not even a post under way. Any thread.
  void end_by(Time deadline) noexcept;
  [[nodiscard]] Time ends_by() const noexcept { return resolver_.ends_by(); }

 private:
  struct Curl;
  [[nodiscard]] PostResult try_to_post(std::string_view body, Time deadline);
  void tell_addresses();
  void run(PostResult& reply, Time deadline);

  std::string host_and_port_;
  Resolver resolver_;
  std::unique_ptr<Curl> curl_;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
