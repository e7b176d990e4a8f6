// SPDX-License-Identifier: Apache-2.0
//
// The write path is chosen at run time, and counts are exact on whichever it is. The same program runs as it is, with
// libc's registration of restartable sequences switched off, under Valgrind, with other allocators preloaded, and,
// built for AArch64, under QEMU; FT_EXPECTED_PATH says which path that run is about.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <barrier>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "fast_telemetry/counter.h"
#include "fast_telemetry/diagnostics.h"
#include "fast_telemetry/gauge.h"
#include "fast_telemetry/histogram.h"
#include "fast_telemetry/labeled.h"
#include "fast_telemetry/storage_info.h"
#include "fast_telemetry/testing/recording_visitor.h"
#include "tests/stress/stress.h"

#if FAST_TELEMETRY_RSEQ
extern "C" const std::ptrdiff_t __rseq_offset;
#endif

namespace {

namespace ft = fast_telemetry;

enum class Side : std::uint8_t { left, right };
constexpr ft::Label label(Side side) { return ft::from_enumerator("side", side); }

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

constexpr std::uint64_t threads = 4;
/// Sized by the mutations; fewer where an emulator makes each round slow.
const std::uint64_t rounds = environment("FT_ROUNDS").empty() ? 1'000'000 : std::stoull(environment("FT_ROUNDS"));

struct Metrics {
  ft::Registry registry;
  ft::Counter counter{registry, {.name = "counter"}};
  ft::FloatCounter seconds{registry, {.name = "seconds"}};
  ft::Labeled<ft::Counter, Side> labeled{registry, {.name = "labeled"}};
  ft::Histogram histogram{registry, {.name = "histogram"}, {1, 2, 4}};
  ft::Gauge<std::int64_t> gauge{registry, {.name = "gauge"}};
  ft::Reader reader{registry};

  void record(std::uint64_t n) {
    counter.add();
    seconds.add(0.5);
    labeled.with(n % 2 == 0 ? Side::left : Side::right).add(2);
    histogram.record(n % 8);
    gauge.set(7);
  }

  /// What is wrong after `records` of the above.
  std::string wrong_after(std::uint64_t records) {
    stress::Findings findings;
    findings.expect_equal("the counter", counter.value(), records);
    const ft::RecordingVisitor seen{reader};
    findings.expect_equal("the counter as read", seen.counter("counter"), records);
    findings.expect_equal("the sum of doubles", seconds.value(), static_cast<double>(records) / 2);
    findings.expect_equal("the labelled counter", labeled.total(), 2 * records);
    findings.expect_equal("the histogram", histogram.count(), records);
    findings.expect_equal("the gauge", gauge.get(), records == 0 ? 0 : 7);
    return findings.text();
  }

  void record_in_threads() {
    std::barrier start{static_cast<std::ptrdiff_t>(threads)};
    std::vector<std::jthread> writers;
    for (std::uint64_t i = 0; i < threads; ++i) {
      writers.emplace_back([&] {
        start.arrive_and_wait();
        for (std::uint64_t n = 0; n < rounds; ++n) record(n);
      });
    }
  }
};

// Mutation: rseq_registered (process.cc) that always says yes. Also red: a locked run without its tunable or emulator.
TEST(WritePath, is_the_one_that_the_platform_allows_and_says_why) {
  const ft::Counter counter;
  const ft::StorageInfo info = ft::storage_info();
  const std::string expected = environment("FT_EXPECTED_PATH");
  const std::string path = info.path == ft::WritePath::locked ? "locked" : "restartable_sequence";
  EXPECT_EQ(path, expected) << info.path_reason;
  if (path == "locked") {
    EXPECT_TRUE(FAST_TELEMETRY_RSEQ == 0 || info.path_reason.find("not registered") != std::string_view::npos)
        << info.path_reason;
  } else {
    EXPECT_EQ(info.path_reason, "");
  }
}

// What the build chose is no news; what the process found is.
TEST(WritePath, that_is_locked_is_said_to_who_listens) {
  const ft::Counter counter;
  std::string heard;
  ft::set_diagnostics([](const ft::Diagnostic& diagnostic,
                         void* text) noexcept { static_cast<std::string*>(text)->append(diagnostic.message); },
                      &heard);
  ft::set_diagnostics(nullptr);
  const bool news = FAST_TELEMETRY_RSEQ != 0 && environment("FT_EXPECTED_PATH") == "locked";
  EXPECT_EQ(heard.find("locked") != std::string::npos, news) << heard;
}

// Mutation: the extra shards' add in cold.cc as a load and a store (where the path is locked red in 4 of 5 runs). Those
// of the sequence itself: tests/stress/conservation_test.cc.
TEST(WritePath, counts_what_threads_write) {
  Metrics metrics;
  metrics.record_in_threads();
  EXPECT_EQ(metrics.wrong_after(threads * rounds), "");
}

// Mutation: extents that are not wiped on fork (arena.cc): the child begins with its parent's totals.
TEST(WritePath, counts_in_the_child_of_a_fork_and_its_threads) {
  Metrics metrics;
  metrics.record_in_threads();
  const std::string wrong = stress::in_child([&] {
    std::string found = metrics.wrong_after(0);
    metrics.record_in_threads();
    metrics.record(1);
    return found + metrics.wrong_after(threads * rounds + 1);
  });
  EXPECT_EQ(wrong, "");
  metrics.record(0);
  EXPECT_EQ(metrics.wrong_after(threads * rounds + 1), "");
}

#if FAST_TELEMETRY_RSEQ

#ifdef __x86_64__
constexpr unsigned signature = 0x53053053;
#else
constexpr unsigned signature = 0xd428bc00;
#endif
constexpr unsigned area_bytes = 32;  // what glibc 2.36 registers
constexpr int unregister = 1;        // RSEQ_FLAG_UNREGISTER

struct alignas(32) Area {
  char bytes[area_bytes];
};

bool kernel_takes(void* area, int flags) { return syscall(SYS_rseq, area, area_bytes, flags, signature) == 0; }

void* area_of_libc() { return static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset; }

std::int32_t cpu_id(void* area) { return *reinterpret_cast<volatile std::int32_t*>(static_cast<char*>(area) + 4); }

// Some libraries take the registration of their threads over from libc, or make one where libc has none, as late as
// they like. Such a thread's area of libc's is not kept by the kernel: its cpu_id is negative, and each write is
// locked.
//
// Mutation: the CPU number compared signed (`jge` for `jae` in rseq_x86_64.h): -1 is taken for a CPU, SIGSEGV.
TEST(WritePath, is_locked_for_a_thread_whose_area_is_not_registered) {
  Metrics metrics;
  std::uint64_t records = 0;
  const auto record_some = [&] {
    for (std::uint64_t n = 0; n < rounds / 4; ++n, ++records) metrics.record(n);
  };
  std::thread{[&] {
    const bool registered = cpu_id(area_of_libc()) >= 0;
    record_some();
    if (registered) {
      ASSERT_TRUE(kernel_takes(area_of_libc(), unregister));
    }
    ASSERT_LT(cpu_id(area_of_libc()), 0);
    record_some();

    static Area own;
    const bool taken = kernel_takes(&own, 0);  // not under Valgrind and QEMU
    if (registered) {
      ASSERT_TRUE(taken);
    }
    ASSERT_LT(cpu_id(area_of_libc()), 0);
    record_some();
    if (taken) {
      ASSERT_TRUE(kernel_takes(&own, unregister));
    }

    // Registered late, in libc's place: by restartable sequences again, if the process began with them.
    if (taken) {
      ASSERT_TRUE(kernel_takes(area_of_libc(), 0));
      ASSERT_GE(cpu_id(area_of_libc()), 0);
    }
    record_some();
    if (taken && !registered) {  // libc does not expect the area to be the kernel's when it frees the thread's stack
      ASSERT_TRUE(kernel_takes(area_of_libc(), unregister));
    }
  }}.join();
  EXPECT_EQ(records, rounds / 4 * 4);
  EXPECT_EQ(metrics.wrong_after(records), "");
}

#endif

}  // namespace
