// SPDX-License-Identifier: Apache-2.0
//
// Thread churn: threads leave nothing behind but their counts, however many come and go, and need no shard of their
// own.
//
// Parity: SHD-1, SHD-3, SHD-5, W-03.
#include <gtest/gtest.h>

#include <barrier>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/stress/stress.h"
#include "tests/support/resident_memory.h"

namespace thread_churn_test {

namespace ft = fast_telemetry;

/// Runs `batches` times eight threads at once that each record a little, somewhere.
void churn(ft::Counter& counter, ft::FloatHistogram& histogram, std::uint64_t batches) {
  const std::vector<int> cpus = stress::allowed_cpus();
  for (std::uint64_t batch = 0; batch < batches; ++batch) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        if (i % 4 == 0) stress::run_on(cpus[i / 4 % cpus.size()]);
        counter.add(i);
        histogram.record(0.5);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

// Mutations: a cell, slot or mark per thread that is kept when the thread ends (`thread_local` state with a list of all
// threads); an extra shard per thread.
TEST(ThreadChurn, leaves_every_count_and_no_memory_behind) {
  // Creating threads is what takes the time here; the fallback, where no thread is special, gets a fifth.
  const std::uint64_t batches = stress::scaled(stress::is_rseq_run() ? 12'500 : 2'500);
  ft::Counter counter;
  ft::FloatHistogram histogram{{0.25, 1.0}};
  // Brings stacks, the allocator's caches and every page of the cells into memory.
  churn(counter, histogram, batches / 10);
  const ft::StorageInfo before = ft::storage_info();
  const std::uint64_t memory_before = resident_memory();

  churn(counter, histogram, batches - batches / 10);

  EXPECT_EQ(counter.value(), batches * (1 + 2 + 3 + 4 + 5 + 6 + 7));
  EXPECT_EQ(histogram.count(), batches * 8);
  EXPECT_EQ(histogram.sum(), static_cast<double>(batches) * 4);
  const ft::StorageInfo after = ft::storage_info();
  EXPECT_EQ(after.cells, before.cells);
  EXPECT_EQ(after.reserved_bytes, before.reserved_bytes);
  // One page for each shard that no thread happened to use before.
  EXPECT_LE(after.resident_bytes, before.resident_bytes + after.shards * 4096);
  // 256 KiB for the allocator's and the kernel's whims; 8 bytes per thread would be a leak. Sanitizers keep records of
  // past threads, up to a bound.
  const std::uint64_t tolerated = fast_telemetry::is_sanitized ? 256U << 20U : (256U << 10U) + 8 * 8 * batches;
  EXPECT_LE(resident_memory(), memory_before + tolerated);
}

// Mutation: a thread that finds no shard of its own drops its record.
TEST(ThreadChurn, needs_no_shard_per_thread) {
  const std::size_t thread_count = ft::storage_info().shards * std::size_t{4} + 40;
  ft::Counter counter;
  std::barrier together{static_cast<std::ptrdiff_t>(thread_count)};
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < thread_count; ++i) {
      threads.emplace_back([&] {
        together.arrive_and_wait();
        for (int n = 0; n < 10'000; ++n) counter.add();
        together.arrive_and_wait();  // all threads live at the same time
      });
    }
  }
  EXPECT_EQ(counter.value(), thread_count * 10'000);
}

}  // namespace thread_churn_test
