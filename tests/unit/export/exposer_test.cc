// SPDX-License-Identifier: Apache-2.0
//
// What the exposer promises over HTTP, seen from a raw socket.
#include "fast_telemetry/export/exposer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/spans/drain.h"
#include "fast_telemetry/spans/tracer.h"
#include "tests/support/exposition_parser.h"
#include "tests/support/gunzip.h"
#include "tests/support/http_client.h"

namespace ft = fast_telemetry;

namespace exposer_test {

class ExposerHttp : public testing::Test {
 protected:
  ExposerHttp() { EXPECT_EQ(exposer.start(), std::error_code{}); }

  ft::HttpResponse get(const std::string& path, const std::string& more_fields = "") const {
    return ft::http_get(exposer.port(), path, more_fields);
  }

  ft::Registry registry;
  ft::Counter requests{registry, {.name = "requests", .help = "All of them."}};
  ft::Exposer exposer{registry, {.port = 0}};
};

// P-1, PRM-11
TEST_F(ExposerHttp, serves_what_the_registry_counts) {
  requests.add(42);
  const ft::HttpResponse response = get("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.field("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.field("content-encoding"), "");
  EXPECT_EQ(response.field("vary"), "Accept, Accept-Encoding");
  EXPECT_EQ(response.field("x-content-type-options"), "nosniff");
  EXPECT_EQ(response.field("content-length"), std::to_string(response.body.size()));
  EXPECT_EQ(response.body.substr(0, response.body.find("# HELP fast_telemetry")),
            "# HELP requests_total All of them.\n# TYPE requests_total counter\nrequests_total 42\n");
}

// Mutation seen red: the accounting of spans left out.
TEST_F(ExposerHttp, serves_the_accounting_of_spans_once_there_is_a_tracer) {
  const ft::Tracer tracer{"lib"};
  const std::uint64_t before = ft::span_info().recorded;
  tracer.root("op").end();
  const ft::ParsedExposition metrics{get("/metrics").body};
  EXPECT_EQ(metrics.value("fast_telemetry_spans_recorded_total"), std::to_string(before + 1));
  EXPECT_EQ(metrics.value("fast_telemetry_spans_dropped_total{reason=\"budget\"}"), "0");
}

// W-58
TEST_F(ExposerHttp, serves_the_state_of_the_storage_and_of_itself) {
  static_cast<void>(get("/metrics"));
  const ft::ParsedExposition metrics{get("/metrics").body};
  const std::string listener = "listener=\"127.0.0.1:" + std::to_string(exposer.port()) + "\"";
  EXPECT_EQ(metrics.value("fast_telemetry_dropped_records_total{reason=\"no_metric\"}"), "0");
  EXPECT_EQ(metrics.value("fast_telemetry_exposer_scrapes_total{" + listener + ",outcome=\"ok\"}"), "1");
  EXPECT_EQ(metrics.value("fast_telemetry_exposer_scrape_duration_seconds_count{" + listener + "}"), "1");
}

TEST_F(ExposerHttp, serves_the_state_of_the_process_unless_told_not_to) {
  const ft::ParsedExposition with{get("/metrics").body};
  EXPECT_TRUE(with.has("process_cpu_seconds_total"));
  EXPECT_GE(std::stoul(with.value("process_threads")), 2u);
  EXPECT_GE(std::stoul(with.value("process_open_fds")), 3u);

  ft::Exposer silent{registry, {.port = 0, .process_metrics = false}};
  ASSERT_EQ(silent.start(), std::error_code{});
  const std::string body = ft::http_get(silent.port(), "/metrics").body;
  EXPECT_EQ(body.find("process_"), std::string::npos);
  EXPECT_NE(body.find("fast_telemetry_metrics"), std::string::npos);
}

// P-47: a scrape is a look, nothing more.
TEST_F(ExposerHttp, scraping_resets_nothing) {
  requests.add(3);
  for (int scraper = 0; scraper < 3; ++scraper) {
    EXPECT_EQ(ft::ParsedExposition{get("/metrics").body}.value("requests_total"), "3");
  }
}

TEST_F(ExposerHttp, a_destroyed_metric_shows_its_final_value_to_every_scraper) {
  auto counter = std::make_unique<ft::Counter>(registry, ft::Info{.name = "passing"});
  counter->add(7);
  counter.reset();
  for (int scraper = 0; scraper < 3; ++scraper) {
    EXPECT_EQ(ft::ParsedExposition{get("/metrics").body}.value("passing_total"), "7");
  }
}

// P-45, S-42
TEST_F(ExposerHttp, head_is_get_without_the_body) {
  ft::HttpConnection connection{exposer.port()};
  connection.send("HEAD /metrics HTTP/1.1\r\nHost: test\r\n\r\n");
  const ft::HttpResponse head = connection.receive(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.field("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_GT(std::stoul(head.field("content-length")), 0u);
  connection.send_get("/healthz");
  EXPECT_EQ(connection.receive().body, "ok\n") << "what follows a HEAD's header is the next response";
}

// S-42
TEST_F(ExposerHttp, every_other_method_is_refused_with_those_that_are_not) {
  for (const char* const method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "X"}) {
    ft::HttpConnection connection{exposer.port()};
    connection.send(std::string{method} + " /metrics HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n");
    const ft::HttpResponse response = connection.receive();
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.field("allow"), "GET, HEAD") << method;
    EXPECT_EQ(response.field("x-content-type-options"), "nosniff") << method;
  }
}

// S-42: exact paths, and nothing of the request in the response.
TEST_F(ExposerHttp, every_other_path_is_not_found_and_not_repeated) {
  for (const char* const path : {"/", "/metrics/", "/metricsx", "/METRICS", "//metrics", "/../metrics", "/healthz/x",
                                 "/%3Cscript%3Ealert(1)%3C/script%3E"}) {
    const ft::HttpResponse response = get(path, "X-Reflect: script\r\n");
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(response.body, "not found: try /metrics or /healthz\n");
    EXPECT_EQ(response.field("content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(response.field("x-content-type-options"), "nosniff");
  }
}

TEST_F(ExposerHttp, a_query_does_not_change_the_path) {
  EXPECT_EQ(get("/metrics?name[]=x").status, 200);
  EXPECT_EQ(get("/healthz?").status, 200);
}

TEST_F(ExposerHttp, healthz_says_ok) {
  const ft::HttpResponse response = get("/healthz");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "ok\n");
  EXPECT_EQ(response.field("cache-control"), "no-store");
}

// P-44, S-44
TEST_F(ExposerHttp, compresses_for_those_who_ask_and_for_nobody_else) {
  requests.add(42);
  const ft::HttpResponse compressed = get("/metrics", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(compressed.field("content-encoding"), "gzip");
  EXPECT_EQ(compressed.field("vary"), "Accept, Accept-Encoding");
  EXPECT_EQ(compressed.field("content-length"), std::to_string(compressed.body.size()));
  EXPECT_EQ(ft::ParsedExposition{ft::gunzip(compressed.body)}.value("requests_total"), "42");

  for (const char* const refusal :
       {"", "Accept-Encoding: identity\r\n", "Accept-Encoding: gzip;q=0\r\n", "Accept-Encoding: *, gzip;q=0\r\n",
        "Accept-Encoding: *\r\nAccept-Encoding: gzip;q=0\r\n"}) {
    const ft::HttpResponse plain = get("/metrics", refusal);
    EXPECT_EQ(plain.field("content-encoding"), "") << refusal;
    EXPECT_EQ(ft::ParsedExposition{plain.body}.value("requests_total"), "42") << refusal;
  }
}

// P-41: what a scraper would rather have is no reason to give it nothing.
TEST_F(ExposerHttp, answers_in_the_text_format_when_nothing_of_ours_is_accepted) {
  for (const char* const accept :
       {"application/json", "/;q=0.1", ";;;,,,", "application/openmetrics-text;version=0.0.1"}) {
    const ft::HttpResponse response = get("/metrics", std::string{"Accept: "} + accept + "\r\n");
    EXPECT_EQ(response.status, 200) << accept;
    EXPECT_EQ(response.field("content-type"), "text/plain; version=0.0.4; charset=utf-8") << accept;
  }
}

// P-20, P-21, P-23, P-40, PRM-11
TEST_F(ExposerHttp, serves_open_metrics_to_those_who_would_rather_have_it) {
  requests.add(42);
  const ft::HttpResponse response =
      get("/metrics", "Accept: application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.field("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(response.field("vary"), "Accept, Accept-Encoding");
  EXPECT_TRUE(response.body.starts_with("# TYPE requests counter\n# HELP requests All of them.\nrequests_total 42\n"));
  EXPECT_EQ(response.body.find("# EOF\n"), response.body.size() - 6);
  EXPECT_EQ(get("/metrics", "Accept: application/openmetrics-text;escaping=allow-utf-8\r\n").field("content-type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8");

  const ft::HttpResponse compressed =
      get("/metrics", "Accept: application/openmetrics-text\r\nAccept-Encoding: gzip\r\n");
  EXPECT_EQ(compressed.field("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_TRUE(ft::gunzip(compressed.body).ends_with("# EOF\n"));
}

// P-47: each scraper gets its own format, of the same values, whoever came before.
// Mutation seen red: one encoder for both.
TEST_F(ExposerHttp, scrapers_of_different_formats_do_not_disturb_each_other) {
  ft::HttpConnection text{exposer.port()};
  ft::HttpConnection open_metrics{exposer.port()};
  for (std::uint64_t i = 1; i <= 5; ++i) {
    requests.add();
    // Both are asked before either is read, so the second response is written while the first is under way.
    text.send_get("/metrics");
    open_metrics.send_get("/metrics", "Accept: application/openmetrics-text\r\n");
    const std::string as_text = text.receive().body;
    const std::string as_open_metrics = open_metrics.receive().body;
    const std::string line = "requests_total " + std::to_string(i) + "\n";
    EXPECT_EQ(ft::ParsedExposition{as_text}.value("requests_total"), std::to_string(i));
    EXPECT_EQ(as_text.find("# EOF"), std::string::npos);
    EXPECT_TRUE(as_open_metrics.starts_with("# TYPE requests counter\n# HELP requests All of them.\n" + line));
    EXPECT_TRUE(as_open_metrics.ends_with("# EOF\n"));
  }
}

TEST_F(ExposerHttp, a_connection_serves_many_requests) {
  ft::HttpConnection connection{exposer.port()};
  for (std::uint64_t i = 1; i <= 5; ++i) {
    requests.add();
    connection.send_get("/metrics");
    EXPECT_EQ(ft::ParsedExposition{connection.receive().body}.value("requests_total"), std::to_string(i));
  }
}

// S-43
TEST_F(ExposerHttp, pipelined_requests_are_answered_in_order) {
  ft::HttpConnection connection{exposer.port()};
  connection.send(
      "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\nGET /nothing HTTP/1.1\r\nHost: test\r\n\r\n"
      "GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(connection.receive().body, "ok\n");
  EXPECT_EQ(connection.receive().status, 404);
  EXPECT_EQ(ft::ParsedExposition{connection.receive().body}.value("requests_total"), "0");
}

// S-43
TEST_F(ExposerHttp, http_1_0_ends_the_connection) {
  ft::HttpConnection connection{exposer.port()};
  connection.send("GET /metrics HTTP/1.0\r\n\r\n");
  EXPECT_EQ(connection.receive().status, 200);
  EXPECT_TRUE(connection.is_closed_by_server());
}

TEST_F(ExposerHttp, a_request_can_arrive_byte_by_byte) {
  ft::HttpConnection connection{exposer.port()};
  for (const char c : std::string_view{"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n"}) connection.send({&c, 1});
  EXPECT_EQ(connection.receive().status, 200);
}

// S-41
TEST_F(ExposerHttp, a_request_line_or_header_beyond_the_limit_is_refused) {
  EXPECT_EQ(get("/" + std::string(100'000, 'x')).status, 414);
  EXPECT_EQ(get("/metrics", "X: " + std::string(100'000, 'x') + "\r\n").status, 431);
  std::string fields;
  for (int i = 0; i < 5000; ++i) fields += "X-" + std::to_string(i) + ": 1\r\n";
  EXPECT_EQ(get("/metrics", fields).status, 431);
  EXPECT_EQ(get("/metrics", "X: " + std::string(7'000, 'x') + "\r\n").status, 200) << "half the limit is no reason";
}

// S-41
TEST_F(ExposerHttp, a_request_with_a_body_is_refused_before_the_body_comes) {
  for (const char* const body :
       {"Content-Length: 1000000000\r\n", "Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n"}) {
    ft::HttpConnection connection{exposer.port()};
    connection.send_get("/metrics", body);
    EXPECT_EQ(connection.receive().status, 413) << body;
    EXPECT_TRUE(connection.is_closed_by_server()) << body;
  }
  EXPECT_EQ(get("/metrics", "Content-Length: 0\r\n").status, 200);
}

// S-43: refused or dropped, never answered with metrics, and never the end of the server.
TEST_F(ExposerHttp, what_is_not_http_gets_no_metrics) {
  using namespace std::string_view_literals;
  ft::Exposer impatient{registry, {.port = 0, .request_timeout = std::chrono::milliseconds{300}}};
  ASSERT_EQ(impatient.start(), std::error_code{});
  for (const std::string_view request :
       {"\r\n\r\n\r\n\r\n"sv, "GET\r\n\r\n"sv, "GET /metrics\r\n\r\n"sv, "GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n"sv,
        "GET /metrics HTTP/1.1\r\n\r\n"sv,  // no Host
        "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
        "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"sv,
        "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"sv,
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv,                      // HTTP/2
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"sv,  // TLS
        "\0\0\0\0\r\n\r\n"sv}) {
    ft::HttpConnection connection{impatient.port()};
    connection.send(request);
    connection.send("\r\n\r\n");
    try {
      EXPECT_NE(connection.receive().status, 200) << request;
    } catch (const std::runtime_error&) {
      // Closed without an answer.
    }
    EXPECT_EQ(ft::http_get(impatient.port(), "/healthz").status, 200) << "after " << request;
  }
}

// P-45
TEST_F(ExposerHttp, a_scrape_that_comes_too_late_is_not_sent) {
  const ft::HttpResponse response = get("/metrics", "X-Prometheus-Scrape-Timeout-Seconds: 0.000001\r\n");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.field("retry-after"), "1");
  EXPECT_EQ(get("/metrics", "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n").status, 200);
  const ft::ParsedExposition metrics{get("/metrics").body};
  const std::string listener = "listener=\"127.0.0.1:" + std::to_string(exposer.port()) + "\"";
  EXPECT_EQ(metrics.value("fast_telemetry_exposer_scrapes_total{" + listener + ",outcome=\"too_late\"}"), "1");
}

TEST_F(ExposerHttp, counts_what_it_refuses) {
  static_cast<void>(get("/nothing"));
  ft::HttpConnection connection{exposer.port()};
  connection.send("DELETE /metrics HTTP/1.1\r\nHost: test\r\n\r\n");
  static_cast<void>(connection.receive());
  const ft::ParsedExposition metrics{get("/metrics").body};
  const std::string listener = "listener=\"127.0.0.1:" + std::to_string(exposer.port()) + "\"";
  const std::string name = "fast_telemetry_exposer_rejected_requests_total{" + listener;
  EXPECT_EQ(metrics.value(name + ",reason=\"method\"}"), "1");
  EXPECT_EQ(metrics.value(name + ",reason=\"path\"}"), "1");
  EXPECT_EQ(metrics.value(name + ",reason=\"body\"}"), "0");
}

TEST_F(ExposerHttp, counts_bytes_before_and_after_compression) {
  const std::size_t plain = get("/metrics").body.size();
  const ft::HttpResponse compressed = get("/metrics", "Accept-Encoding: gzip\r\n");
  const std::size_t inflated = ft::gunzip(compressed.body).size();
  const ft::ParsedExposition metrics{get("/metrics").body};
  const std::string listener = "{listener=\"127.0.0.1:" + std::to_string(exposer.port()) + "\"}";
  EXPECT_EQ(metrics.value("fast_telemetry_exposer_rendered_bytes_total" + listener), std::to_string(plain + inflated));
  EXPECT_EQ(metrics.value("fast_telemetry_exposer_sent_bytes_total" + listener),
            std::to_string(plain + compressed.body.size()));
}

}  // namespace exposer_test
