// SPDX-License-Identifier: Apache-2.0
//
// Telemetry started and ended again and again, and in the middle of everything.
#include "fast_telemetry/runtime/telemetry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <random>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/snapshot.h"
#include "fast_telemetry/testing/ignoring_visitor.h"
#include "tests/stress/stress.h"
#include "tests/support/resident_memory.h"

namespace telemetry_test {

namespace ft = fast_telemetry;
using namespace std::chrono_literals;

/// Adds up a counter's deltas.
class Sums final : public ft::IgnoringVisitor {
 public:
  void family(const ft::Family& family) override { is_it_ = family.full_name == "requests"; }
  void sum(const ft::Series&, const ft::NumberPoint<std::uint64_t>& point) override {
    if (is_it_) total += point.value;
  }
  std::uint64_t total = 0;

 private:
  bool is_it_ = false;
};

constexpr ft::ReaderOptions deltas{.temporality = ft::Temporality::delta};

std::size_t entries(const char* folder) {
  const std::filesystem::directory_iterator all{folder};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Mutations seen red: the thread is neither joined nor detached; something keeps the metrics server.
TEST(Telemetry, a_thousand_starts_and_ends_leave_no_thread_file_or_memory_behind) {
  ft::Registry registry;
  ft::Counter requests{registry, {.name = "requests"}};
  Sums sums;
  std::uint64_t recorded = 0;
  const auto cycle = [&](bool with_server) {
    ft::TelemetryOptions options;
    if (with_server) options.prometheus = {{.port = 0}};
    ft::Telemetry telemetry{options, registry};
    telemetry.add_visitor("sums", sums, {.interval = 24h, .timeout = 30s}, deltas);
    ASSERT_EQ(telemetry.start(), std::error_code{});
    requests.add();
    ++recorded;
  };
  for (int i = 0; i < 20; ++i) cycle(true);  // what is allocated once
  const std::size_t threads = entries("/proc/self/task");
  const std::size_t files = entries("/proc/self/fd");
  for (int i = 0; i < 500; ++i) cycle(true);
  // A thread that was joined may take a moment to be gone.
  for (const auto end = std::chrono::steady_clock::now() + 30s;
       entries("/proc/self/task") != threads && std::chrono::steady_clock::now() < end;) {
    std::this_thread::yield();
  }
  EXPECT_EQ(entries("/proc/self/task"), threads);
  EXPECT_EQ(entries("/proc/self/fd"), files);
  // Without the server: the final values of its metrics, which have its port in a label, are held for five minutes.
  const std::uint64_t resident = resident_memory();
  for (int i = 0; i < 500; ++i) cycle(false);
  if (!ft::is_sanitized) {
    EXPECT_LT(resident_memory(), resident + (1U << 20U)) << "2 KiB in a cycle";
  }
  // A new reader starts with everything, so each cycle shows all there was.
  EXPECT_EQ(sums.total, recorded * (recorded + 1) / 2);
}

// What one Telemetry reports ends where another's report of the same reader would begin: each add that was made before
// the shutdown is in it, none is twice, whenever it comes. Mutation: close() only delivers, without a collection.
TEST(Telemetry, a_shutdown_at_any_moment_exports_what_was_recorded_before_it) {
  std::mt19937 random{7};
  for (int round = 0; round < 200; ++round) {
    ft::Registry registry;
    ft::Counter requests{registry, {.name = "requests"}};
    Sums sums;
    ft::Telemetry telemetry{{}, registry};
    telemetry.add_visitor("sums", sums, {.interval = 1ms, .timeout = 30s, .at_start = true}, deltas);
    ASSERT_EQ(telemetry.start(), std::error_code{});
    std::atomic<bool> is_over{false};
    std::atomic<std::uint64_t> recorded{0};
    std::jthread writer{[&] {
      while (!is_over) {
        requests.add();
        recorded.fetch_add(1);
      }
    }};
    std::jthread flusher{[&] {
      while (!is_over) static_cast<void>(telemetry.force_flush(30s));
    }};
    const std::uint64_t enough = random() % 20'000;
    while (recorded < enough) std::this_thread::yield();
    const std::uint64_t before = recorded;
    EXPECT_FALSE(telemetry.shutdown(60s).is_left_behind);
    const std::uint64_t after = recorded;
    const std::uint64_t exported = sums.total;
    is_over = true;
    ASSERT_GE(exported, before);
    ASSERT_LE(exported, after + 1);  // the writer may be between its two adds
  }
}

}  // namespace telemetry_test
