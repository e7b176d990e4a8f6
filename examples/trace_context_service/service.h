// SPDX-License-Identifier: Apache-2.0
//
// Service: answers POST /test as W3C's trace-context test harness expects it of the service under test.
#pragma once

#include <fast_telemetry/spans/baggage.h>
#include <fast_telemetry/spans/tracer.h>

#include <chrono>

#include "http_client.h"

namespace service {

namespace ft = fast_telemetry;

struct ServiceOptions {
  ft::Sampler sampler;
  HttpHeaders own_state;  ///< members of the tracestate that this service sets in what it sends
};

/// The body is a JSON array of `{"url": …, "arguments": …}`: for each, `arguments` are posted to `url`, in their order,
/// with the context and the baggage of the request. All of it within 5 seconds.
///
/// Answers an array with the status of each, or with why it got none: 200, or 502 when one was not answered. A body
/// that is none of the above: 400, and nothing is sent. Every span is printed before the answer goes out. Any thread.
class Service {
 public:
  Service(ServiceOptions options, const HttpClient& client);

  [[nodiscard]] HttpReply handle(const HttpRequest& request) const;

 private:
  struct Call;
  [[nodiscard]] HttpReply run(const HttpRequest& request, ft::Span& span) const;
  [[nodiscard]] PostResult post(const Call& call, const ft::Span& parent, const ft::Baggage& baggage,
                                std::chrono::steady_clock::time_point deadline) const;
  [[nodiscard]] static std::vector<Call> calls_of(const std::string& body);

  ServiceOptions options_;
  const HttpClient& client_;
  ft::Tracer tracer_;
};

}  // namespace service
