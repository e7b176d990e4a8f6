// SPDX-License-Identifier: Apache-2.0
//
// threads: what one record costs its thread when 1 … twice as many threads as there are CPUs record into the same
// metric.
#include <algorithm>
#include <atomic>
#include <numeric>
#include <thread>

#include "bench/micro/sharded_atomic.h"
#include "curves.h"
#include "fast_telemetry/counter.h"
#include "fast_telemetry/histogram.h"
#include "writers.h"
#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
#include "bench/micro/peers/prometheus_cpp.h"
#endif

namespace ft = fast_telemetry;

namespace curves {
namespace {

/// 1, 2, 4 … and the CPUs' number, up to twice that.
std::vector<std::size_t> thread_counts() {
  const std::size_t cpus = std::max(std::thread::hardware_concurrency(), 1U);
  std::vector<std::size_t> counts{cpus, 2 * cpus};
  for (std::size_t count = 1; count < 2 * cpus; count *= 2) counts.push_back(count);
  std::sort(counts.begin(), counts.end());
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  return counts;
}

void point(std::size_t threads, std::string_view series, const Written& written, std::uint64_t total) {
  expect(series, total, written.records);
  emit({"threads", static_cast<double>(threads), series, written.cpu_ns_per_record, "ns per record"});
}

void ours(Size size, std::size_t threads) {
  ft::Counter counter;
  const Written added = write(size, threads, [&](std::size_t) { counter.add(); });
  point(threads, "counter", added, counter.value());

  ft::Histogram histogram{ft::Bounds{ft::buckets::latency.ns, 13}};
  const Written recorded = write(size, threads, [&](std::size_t i) { histogram.record(workload::input.values[i]); });
  point(threads, "histogram", recorded, histogram.count());
}

/// What cannot be read meanwhile, what all write, and what each thread has to itself.
void floors(Size size, std::size_t threads) {
  static thread_local std::uint64_t* local = nullptr;
  std::vector<std::uint64_t> locals(threads * 16);  // 128 bytes apart
  const Written alone = write(
      size, threads,
      [](std::size_t) {
        *local += 1;
        asm volatile("" : "+m"(*local));
      },
      [&](std::size_t t) { local = &locals[t * 16]; });
  point(threads, "local increment", alone, std::accumulate(locals.begin(), locals.end(), std::uint64_t{0}));

  std::atomic<std::uint64_t> shared{0};
  const Written atomic = write(size, threads, [&](std::size_t) { shared.fetch_add(1, std::memory_order_relaxed); });
  point(threads, "shared atomic", atomic, shared.load());

  ShardedAtomic sharded;
  const Written padded = write(
      size, threads, [&](std::size_t) { sharded.add(1); },
      [](std::size_t t) { ShardedAtomic::number_this_thread(static_cast<int>(t)); });
  point(threads, "padded atomic per thread", padded, sharded.value());
}

#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
void prometheus_cpp(Size size, std::size_t threads) {
  prometheus::Counter counter;
  const Written added = write(size, threads, [&](std::size_t) { counter.Increment(); });
  point(threads, "prometheus-cpp counter", added, static_cast<std::uint64_t>(counter.Value()));

  prometheus::Histogram histogram{latency_seconds};
  const Written observed = write(size, threads, [&](std::size_t i) { histogram.Observe(workload::input.seconds[i]); });
  point(threads, "prometheus-cpp histogram", observed, histogram.Collect().histogram.sample_count);
}
#endif

}  // namespace

void draw_threads(Size size) {
  for (const std::size_t threads : thread_counts()) {
    ours(size, threads);
    floors(size, threads);
#if FAST_TELEMETRY_HAS_PROMETHEUS_CPP
    prometheus_cpp(size, threads);
#endif
  }
}

}  // namespace curves
