// SPDX-License-Identifier: Apache-2.0
//
// Scraping while metrics are made, written and destroyed: every exposition is whole, and none is wrong.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/export/exposer.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "tests/support/exposition_parser.h"
#include "tests/support/gunzip.h"
#include "tests/support/http_client.h"

namespace ft = fast_telemetry;

namespace exposer_churn_test {

enum class Side : std::uint8_t { left, right };
constexpr ft::Label label(Side side) { return ft::from_enumerator("side", side); }

/// A struct of metrics as programs have them, with a life of its own.
struct Session {
  explicit Session(const ft::Scope& scope)
      : messages{scope, {.name = "messages", .help = "By side."}},
        depth{scope, {.name = "depth"}},
        latency{scope, {.name = "latency"}, ft::buckets::fast_latency} {}

  void work(std::uint64_t n) {
    messages.with(Side::left).add(n);
    messages.with(Side::right).add(1);
    depth.set(static_cast<std::int64_t>(n));
    latency.record(n);
  }

  ft::Labeled<ft::Counter, Side> messages;
  ft::Gauge<std::int64_t> depth;
  ft::Histogram latency;
};

// The parser refuses torn lines, families in two places, a series twice, buckets that are not cumulative. A counter
// that lives throughout must never step back. Mutation seen red: LineCache::find without the comparison of ids.
TEST(ExposerChurn, every_scrape_is_whole_while_metrics_come_and_go) {
  constexpr int scrapes = 80;
  ft::Registry registry;
  ft::Counter steady{registry, {.name = "steady", .help = "Lives throughout."}};
  ft::Exposer exposer{registry, {.port = 0}};
  ASSERT_EQ(exposer.start(), std::error_code{});

  std::atomic<bool> done{false};
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random{t};
      const std::string thread = std::to_string(t);
      while (!done.load(std::memory_order_relaxed)) {
        const std::string life = std::to_string(random() % 20);
        Session session{ft::Scope{registry, "session", {{"thread", thread}, {"life", life}}}};
        for (std::uint64_t n = 0; n < 50; ++n) {
          session.work(n);
          steady.add();
        }
      }
    });
  }

  ft::HttpConnection connection{exposer.port()};
  std::uint64_t last = 0;
  for (int i = 0; i < scrapes; ++i) {
    const bool gzip = i % 5 == 0;
    connection.send_get("/metrics", gzip ? "Accept-Encoding: gzip\r\n" : "");
    const ft::HttpResponse response = connection.receive();
    ASSERT_EQ(response.status, 200);
    const std::string body = gzip ? ft::gunzip(response.body) : response.body;
    try {
      const std::uint64_t now = std::stoull(ft::ParsedExposition{body}.value("steady_total"));
      EXPECT_GE(now, last);
      last = now;
    } catch (const std::exception& error) {
      ADD_FAILURE() << "scrape " << i << ": " << error.what();
      break;
    }
  }
  done.store(true, std::memory_order_relaxed);
  threads.clear();

  connection.send_get("/metrics");
  EXPECT_EQ(ft::ParsedExposition{connection.receive().body}.value("steady_total"), std::to_string(steady.value()));
}

}  // namespace exposer_churn_test
