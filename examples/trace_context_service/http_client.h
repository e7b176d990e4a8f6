// SPDX-License-Identifier: Apache-2.0
//
// HttpClient: libcurl, for POST requests of JSON to the loopback interface.
#pragma once

#include <atomic>
#include <chrono>

#include "http.h"

namespace service {

struct PostResult {
  unsigned status;    ///< 0: no answer
  std::string error;  ///< why there was none
};

/// One per process: it initialises libcurl. Any thread may post.
class HttpClient {
 public:
  HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// Waits for the answer, whose body is ignored, until `deadline` or stop(). http only, without proxies and redirects;
  /// an address that is not of the loopback interface is not connected to.
  [[nodiscard]] PostResult post(const std::string& url, const HttpHeaders& headers, const std::string& body,
                                std::chrono::steady_clock::time_point deadline) const;

  /// Whoever waits in post() gives up within a second or so, as libcurl looks at it.
  void stop() noexcept { stopped_.store(true, std::memory_order_relaxed); }

 private:
  std::atomic<bool> stopped_{false};
};

}  // namespace service
