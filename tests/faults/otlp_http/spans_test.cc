// SPDX-License-Identifier: Apache-2.0
//
// Spans from their end to a receiver, through an outage: each arrives once.
#include <map>
#include <regex>

#include "fast_telemetry/encoding/otlp_spans.h"
#include "fast_telemetry/spans/tracer.h"
#include "sender_test.h"
#include "tests/support/gunzip.h"

namespace ft = fast_telemetry;

namespace {

/// How often each "<span number>" is in what the server took.
std::map<std::string, int> names_in(const std::vector<ft::ReceivedRequest>& requests) {
  std::map<std::string, int> names;
  const std::regex name{"<span [0-9]+>"};
  for (const ft::ReceivedRequest& request : requests) {
    const std::string body = ft::gunzip(request.body);
    for (std::sregex_iterator it{body.begin(), body.end(), name}, end; it != end; ++it) ++names[it->str()];
  }
  return names;
}

class SpanDelivery : public ft::SenderTest {
 protected:
  void comes() { server.emplace(port); }
  void goes() {
    port = server->port();
    for (ft::ReceivedRequest& request : server->requests()) received.push_back(std::move(request));
    server.reset();
  }

  /// One round: drain, encode, send.
  void round() {
    for (bool is_complete = false; !is_complete;) {
      is_complete = ft::drain_spans(encoder).is_complete;
      const ft::OtlpSpanEncoder::Request request = encoder.finish();
      sender.send(request.bytes, request.count);
    }
    static_cast<void>(sender.flush(soon()));
  }

  [[nodiscard]] ft::OtlpHttpOptions compressed() const {
    ft::OtlpHttpOptions options = to(server->url());
    options.compression = ft::OtlpCompression::gzip;
    return options;
  }

  std::optional<ft::ScriptedServer> server{std::in_place};
  std::uint16_t port = 0;
  std::vector<ft::ReceivedRequest> received;
  ft::OtlpSpanEncoder encoder{{{"service.name", "shop"}}, {.max_request_bytes = 10'000}};
  ft::OtlpHttpSender sender = make_sender(compressed());
};

TEST_F(SpanDelivery, each_span_arrives_once_though_the_endpoint_comes_and_goes) {
  constexpr std::size_t spans = 2000;
  const ft::Tracer tracer{"shop"};
  for (std::size_t i = 0; i < spans; ++i) {
    tracer.root("request").rename_to("<span " + std::to_string(i) + '>');
    if (i % 50 == 49) round();
    if (i % 400 == 199) goes();
    if (i % 400 == 399) comes();
  }
  round();
  goes();
  EXPECT_EQ(sender.info().delivered, spans);
  EXPECT_GT(sender.info().retries, 0U);
  const std::map<std::string, int> names = names_in(received);
  EXPECT_EQ(names.size(), spans);
  for (const auto& [name, count] : names) EXPECT_EQ(count, 1) << name;
  expect_balance(sender);
}

}  // namespace
