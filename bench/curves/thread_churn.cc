// SPDX-License-Identifier: Apache-2.0
//
// thread_churn: what one record costs steady writers, one on each CPU, while threads are born, record a little and end
// beside them all the time. x: how many threads keep starting such threads. Beside it a shared atomic, which suffers
// from as busy a machine.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "curves.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/histogram.h"
#include "writers.h"

namespace ft = fast_telemetry;

namespace curves {
namespace {

constexpr std::size_t records_in_a_short_life = 64;  // arbitrary: a request

/// `starters` threads, each of which starts one that records and ends, over and over.
template <class Record>
class ShortLives {
 public:
  ShortLives(std::size_t starters, Record record) {
    for (std::size_t i = 0; i < starters; ++i) {
      starters_.emplace_back([this, record] {
        do {
          std::thread{[&record] {
            for (std::size_t k = 0; k < records_in_a_short_life; ++k) record(k);
          }}.join();
          lives_.fetch_add(1, std::memory_order_relaxed);
        } while (!is_over_.load(std::memory_order_relaxed));
      });
    }
  }
  ~ShortLives() { stop(); }
  ShortLives(const ShortLives&) = delete;
  ShortLives& operator=(const ShortLives&) = delete;

  /// Returns how many there were.
  std::uint64_t stop() {
    is_over_.store(true, std::memory_order_relaxed);
    for (std::thread& starter : starters_) {
      if (starter.joinable()) starter.join();
    }
    return lives_.load();
  }

 private:
  std::atomic<bool> is_over_{false};
  std::atomic<std::uint64_t> lives_{0};
  std::vector<std::thread> starters_;
};

template <class Record, class Total>
void churn(Size size, std::size_t starters, std::string_view series, Record record, Total total) {
  const auto begin = std::chrono::steady_clock::now();
  ShortLives<Record> short_lives{starters, record};
  const Written written = write(size, std::max(std::thread::hardware_concurrency(), 1U), record);
  const std::uint64_t lives = short_lives.stop();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  expect(series, total(), written.records + lives * records_in_a_short_life);
  if (starters != 0 && lives == 0) expect("threads", lives, 1);
  const auto x = static_cast<double>(starters);
  emit({"thread_churn", x, series, written.cpu_ns_per_record, "ns per record"});
  emit({"thread_churn", x, series, static_cast<double>(lives) / time.count(), "threads born per s"});
}

}  // namespace

void draw_thread_churn(Size size) {
  for (const std::size_t starters : {0U, 1U, 2U, 4U, 8U}) {
    ft::Counter counter;
    churn(size, starters, "counter", [&](std::size_t) { counter.add(); }, [&] { return counter.value(); });
    ft::Histogram histogram{ft::Bounds{ft::buckets::latency.ns, 13}};
    churn(
        size, starters, "histogram", [&](std::size_t i) { histogram.record(workload::input.values[i]); },
        [&] { return histogram.count(); });
    std::atomic<std::uint64_t> shared{0};
    churn(
        size, starters, "shared atomic", [&](std::size_t) { shared.fetch_add(1, std::memory_order_relaxed); },
        [&] { return shared.load(); });
  }
}

}  // namespace curves
