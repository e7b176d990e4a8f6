// SPDX-License-Identifier: Apache-2.0
//
// What an export over HTTP allocates, once it has seen one like it: what libcurl does, and what the library says of
// itself, however many series there are. Parity: W-52.
#include <arpa/inet.h>
#include <curl/curl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/dynamic.h"
#include "fast_telemetry/export/otlp_metric_exporter.h"
#include "fast_telemetry/export/otlp_span_exporter.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/spans/tracer.h"
#include "tests/support/allocation_counter.h"

namespace ft = fast_telemetry;

namespace otlp_exporter_memory_test {

std::atomic<std::uint64_t> by_curl{0};

// libcurl's memory, counted: each call is one of those that the allocation counter sees.
void* curl_malloc(std::size_t size) {
  ++by_curl;
  return std::malloc(size);
}
void* curl_calloc(std::size_t items, std::size_t size) {
  ++by_curl;
  return std::calloc(items, size);
}
void* curl_realloc(void* old, std::size_t size) {
  ++by_curl;
  return std::realloc(old, size);
}
char* curl_strdup(const char* text) {
  const std::size_t size = std::strlen(text) + 1;
  void* const copy = curl_malloc(size);
  return copy == nullptr ? nullptr : static_cast<char*>(std::memcpy(copy, text, size));
}

/// Answers every request with an empty 200, and allocates nothing.
class Sink {
 public:
  Sink() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this] { serve(); }};
  }
  ~Sink() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() noexcept {
    for (int socket = 0; (socket = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(socket)) {
      while (take_request(socket)) {
        constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        if (::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
      }
    }
  }

  /// False when the client is gone.
  static bool take_request(int socket) noexcept {
    char bytes[64 * 1024];
    std::size_t size = 0;
    std::size_t end = std::string_view::npos;
    while (end == std::string_view::npos) {
      const ssize_t got = ::recv(socket, bytes + size, sizeof bytes - size, 0);
      if (got <= 0) return false;
      size += static_cast<std::size_t>(got);
      end = std::string_view{bytes, size}.find("\r\n\r\n");
    }
    constexpr std::string_view name = "Content-Length: ";
    const std::size_t length = std::string_view{bytes, end}.find(name);
    std::size_t left = static_cast<std::size_t>(std::atoll(bytes + length + name.size())) - (size - end - 4);
    while (left != 0) {
      const ssize_t got = ::recv(socket, bytes, std::min(left, sizeof bytes), 0);
      if (got <= 0) return false;
      left -= static_cast<std::size_t>(got);
    }
    return true;
  }

  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

struct Metrics {
  static constexpr std::uint32_t most_series = 3000;

  ft::Registry registry;
  ft::Counter requests{registry, {.name = "requests"}};
  ft::Histogram latency{registry, {.name = "latency"}, ft::buckets::latency};
  ft::Dynamic<ft::Counter, 1> users{registry, {.name = "users"}, {"user"}, {.max_series = most_series}};

  void record(std::uint32_t series) {
    requests.add(1'000'007);
    latency.record(1000);
    for (std::uint32_t i = 0; i < series; ++i) users.at(i).add(1);
  }
};

struct OtlpExporterMemory : testing::Test {
  static void SetUpTestSuite() {
    ASSERT_EQ(
        curl_global_init_mem(CURL_GLOBAL_DEFAULT, &curl_malloc, &std::free, &curl_realloc, &curl_strdup, &curl_calloc),
        CURLE_OK);
  }

  static ft::Exporter::Time soon() { return std::chrono::steady_clock::now() + std::chrono::seconds{30}; }

  /// Of the exports after the first few: the same each time.
  template <class Record>
  std::uint64_t allocations_of(ft::Exporter& exporter, Record record) {
    std::uint64_t count = 0;
    for (int round = 0; round < 8; ++round) {
      record();
      const std::uint64_t curl = by_curl;
      const std::uint64_t before = ft::allocations();
      EXPECT_TRUE(exporter.export_once(soon()).is_complete());
      const std::uint64_t ours = ft::allocations() - before - (by_curl - curl);
      if (round > 4) {
        EXPECT_EQ(ours, count) << "round " << round;
      }
      count = ours;
    }
    return count;
  }

  const Sink sink;
};

// The process's own families are left out: what is read from /proc differs from time to time.
TEST_F(OtlpExporterMemory, is_the_same_for_ten_series_and_for_many) {
  std::vector<std::unique_ptr<Metrics>> all;  // what is destroyed is told of for a while
  for (const auto temporality : {ft::OtlpTemporality::cumulative, ft::OtlpTemporality::delta}) {
    for (const auto compression : {ft::OtlpCompression::none, ft::OtlpCompression::gzip}) {
      Metrics& metrics = *all.emplace_back(std::make_unique<Metrics>());
      ft::OtlpMetricExporter exporter{metrics.registry,
                                      {{"service.name", "shop"}},
                                      {.http = {.endpoint = sink.url(), .compression = compression},
                                       .temporality = temporality,
                                       .encoding = {.max_request_bytes = 100'000},  // several for many series
                                       .process_metrics = false}};
      const std::uint64_t few = allocations_of(exporter, [&] { metrics.record(10); });
      EXPECT_EQ(allocations_of(exporter, [&] { metrics.record(Metrics::most_series); }), few);
      EXPECT_LT(few, 20U) << "of the library's own families";
    }
  }
}

TEST_F(OtlpExporterMemory, spans_take_none) {
  const ft::Tracer tracer{"shop"};
  ft::OtlpSpanExporter exporter{{{"service.name", "shop"}}, {.http = {.endpoint = sink.url()}}};
  EXPECT_EQ(allocations_of(exporter,
                           [&] {
                             for (int i = 0; i < 1000; ++i) tracer.root("request").end();
                             EXPECT_TRUE(ft::drain_spans(exporter).is_complete);
                           }),
            0U);
}

}  // namespace otlp_exporter_memory_test
