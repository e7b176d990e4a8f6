// SPDX-License-Identifier: Apache-2.0
#include "src/export/otlp_endpoint.h"

#include <gmock/gmock.h>

#include <stdexcept>

namespace ft = fast_telemetry;
using testing::HasSubstr;
using testing::Not;

namespace otlp_endpoint_test {

struct Case {
  std::string_view given;
  std::string_view url;
  std::string_view host;
  std::string_view port;
  bool is_tls;
};

void expect(const ft::detail::OtlpEndpoint& endpoint, const Case& expected) {
  EXPECT_EQ(endpoint.url, expected.url) << expected.given;
  EXPECT_EQ(endpoint.host, expected.host) << expected.given;
  EXPECT_EQ(endpoint.port, expected.port) << expected.given;
  EXPECT_EQ(endpoint.is_tls, expected.is_tls) << expected.given;
}

// OTLP exporter specification, "Endpoint URLs for OTLP/HTTP".
TEST(OtlpEndpoint, the_path_of_a_signal_is_appended_to_the_base) {
  const Case cases[] = {
      {"http://c:4318", "http://c:4318/v1/traces", "c", "4318", false},
      {"http://c:4318/", "http://c:4318/v1/traces", "c", "4318", false},
      {"http://c:4318/mycollector", "http://c:4318/mycollector/v1/traces", "c", "4318", false},
      {"http://c:4318/mycollector/", "http://c:4318/mycollector/v1/traces", "c", "4318", false},
      {"http://c/a?key=1", "http://c/a/v1/traces?key=1", "c", "80", false},
      {"http://c", "http://c/v1/traces", "c", "80", false},
      {"http://c/a/../b", "http://c/a/../b/v1/traces", "c", "80", false},
      {"HTTPS://c", "https://c/v1/traces", "c", "443", true},
      {"http://[::1]:4318", "http://[::1]:4318/v1/traces", "[::1]", "4318", false},
      {"http://192.0.2.1:1", "http://192.0.2.1:1/v1/traces", "192.0.2.1", "1", false},
  };
  for (const Case& one : cases) expect(ft::detail::append_otlp_path(std::string{one.given}, "v1/traces"), one);
}

TEST(OtlpEndpoint, a_signal_s_own_is_taken_as_it_is) {
  const Case cases[] = {
      {"http://c:4318", "http://c:4318", "c", "4318", false},
      {"https://c/v1/metrics/", "https://c/v1/metrics/", "c", "443", true},
      {"http://c/a/../b?key=%20", "http://c/a/../b?key=%20", "c", "80", false},
  };
  for (const Case& one : cases) expect(ft::detail::parse_otlp_endpoint(std::string{one.given}), one);
}

TEST(OtlpEndpoint, what_is_no_http_url_is_refused_and_named) {
  for (const char* const url : {"", "c:4318", "localhost", "ftp://c", "file:///etc/passwd", "http://", "http://c:99999",
                                "http://a b", "http://a%25", "gopher://c", "unix:/socket"}) {
    try {
      static_cast<void>(ft::detail::append_otlp_path(url, "v1/traces"));
      ADD_FAILURE() << url;
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr("'" + std::string{url} + "'"));
    }
    EXPECT_THROW(static_cast<void>(ft::detail::parse_otlp_endpoint(url)), std::invalid_argument) << url;
  }
}

TEST(OtlpEndpoint, credentials_are_refused_and_not_repeated) {
  for (const char* const url : {"http://user:S3CR3T@c", "http://S3CR3T@c", "ftp://c?S3CR3T", "http://c#S3CR3T"}) {
    try {
      static_cast<void>(ft::detail::parse_otlp_endpoint(url));
      ADD_FAILURE() << url;
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("S3CR3T")));
    }
  }
}

}  // namespace otlp_endpoint_test
