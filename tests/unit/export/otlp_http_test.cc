// SPDX-License-Identifier: Apache-2.0
//
// What an OtlpHttpSender refuses and counts without a network; what it does on one is in tests/faults/otlp_http.
#include "fast_telemetry/export/otlp_http.h"

#include <gmock/gmock.h>

#include <stdexcept>

#include "src/export/otlp_http_options.h"

namespace ft = fast_telemetry;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

namespace otlp_http_test {

TEST(OtlpHttpOptions, each_signal_has_its_path) {
  EXPECT_EQ(ft::detail::http_client_options(ft::OtlpSignal::traces, {}).url, "http://localhost:4318/v1/traces");
  EXPECT_EQ(ft::detail::http_client_options(ft::OtlpSignal::metrics, {}).url, "http://localhost:4318/v1/metrics");
  EXPECT_EQ(ft::detail::http_client_options(ft::OtlpSignal::metrics, {.signal_endpoint = "https://m/x"}).url,
            "https://m/x");
}

TEST(OtlpHttpOptions, an_empty_value_of_a_header_is_sent) {
  EXPECT_THAT(ft::detail::http_client_options(ft::OtlpSignal::traces, {.headers = {{"a", ""}}}).lines, Contains("a;"));
}

TEST(OtlpHttpOptions, headers_that_would_break_the_request_or_are_ours_are_refused_without_their_values) {
  const ft::HttpHeader bad[] = {{"", "S3CR3T"},
                                {"a b", "S3CR3T"},
                                {"a:", "S3CR3T"},
                                {"a\r\nb", "S3CR3T"},
                                {"\xC3\xA4", "S3CR3T"},
                                {"x", "1\r\nEvil: S3CR3T"},
                                {"x", std::string{"S3CR3T\0", 7}},
                                {"x", "S3CR3T\x7F"},
                                {"content-TYPE", "S3CR3T"},
                                {"Content-Length", "S3CR3T"},
                                {"Content-Encoding", "S3CR3T"},
                                {"Host", "S3CR3T"},
                                {"Transfer-Encoding", "S3CR3T"},
                                {"Connection", "S3CR3T"},
                                {"TE", "S3CR3T"},
                                {"Expect", "S3CR3T"}};
  for (const ft::HttpHeader& header : bad) {
    try {
      const ft::OtlpHttpSender sender{ft::OtlpSignal::traces, {.headers = {header}}};
      ADD_FAILURE() << header.name;
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("S3CR3T")));
    }
  }
  const ft::OtlpHttpSender sender{ft::OtlpSignal::traces, {.headers = {{"x-key", "tab\tand gr\xC3\xBC\xC3\x9F"}}}};
}

TEST(OtlpHttpSender, more_than_the_protocol_allows_is_dropped_and_counted) {
  ft::OtlpHttpSender sender{ft::OtlpSignal::traces, {.delivery = {.max_queue_bytes = std::size_t{256} << 20U}}};
  sender.send(std::string((std::size_t{64} << 20U) + 1, 'x'), 7);
  EXPECT_EQ(sender.info().dropped_too_large, 7U);
  EXPECT_EQ(sender.info().items, 7U);
  EXPECT_EQ(sender.info().queued, 0U);
  sender.send(std::string(std::size_t{64} << 20U, 'x'), 1);
  EXPECT_EQ(sender.info().queued, 1U);
}

}  // namespace otlp_http_test
