// SPDX-License-Identifier: Apache-2.0
#include "surroundings.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "run.h"

namespace contention {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t batches = 15;
using Batches = std::array<double, batches>;

double ns_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

double median(Batches ns) {
  std::sort(ns.begin(), ns.end());
  return ns[batches / 2];
}

/// Several chains of operations on registers and in the first cache: much of what a core can do at once, so that it
/// shows when somebody else has a share of the core.
double work_ns() {
  Batches ns{};
  alignas(64) std::array<std::uint64_t, 64> table{1, 2, 3};
  std::uint64_t a = 1, b = 2, c = 3, d = 4;
  for (double& batch : ns) {
    const Clock::time_point begin = Clock::now();
    constexpr std::size_t rounds = 20'000;
    for (std::size_t i = 0; i < rounds; ++i) {
      a = a * 3 + 1;
      b = b * 5 + table[i % 64];
      c = c * 7 + 3;
      d = (d ^ a) + c;
      table[i * 7 % 64] += b;
      a += d >> 60U;
    }
    batch = ns_since(begin) / rounds;
    asm volatile("" : : "r"(a), "r"(b), "r"(c), "r"(d), "m"(table) : "memory");
  }
  return median(ns);
}

struct alignas(128) Line {  // two lines: the neighbour is fetched along with it
  std::atomic<unsigned> turn{0};
};

/// Waits for each of its turns, which are every other one, and passes on to the next.
void take_turns(Line& line, unsigned first, unsigned end) {
  for (unsigned turn = first; turn < end; turn += 2) {
    while (line.turn.load(std::memory_order_acquire) != turn) {
    }
    line.turn.store(turn + 1, std::memory_order_release);
  }
}

constexpr unsigned trips = 1000;  // in a batch

double begin_round_trips(Line& line) {
  Batches ns{};
  unsigned turn = 0;
  for (double& batch : ns) {
    const Clock::time_point begin = Clock::now();
    take_turns(line, turn, turn + 2 * trips);
    turn += 2 * trips;
    while (line.turn.load(std::memory_order_acquire) != turn) {
    }
    batch = ns_since(begin) / trips;
  }
  return median(ns);
}

}  // namespace

Surroundings look_around() {
  const std::size_t cpus = std::min<std::size_t>(usable_cpus(), 2);
  std::vector<Surroundings> seen(cpus);
  std::atomic<std::size_t> begun{0};
  Line line;
  std::vector<std::thread> threads;
  for (std::size_t cpu = 0; cpu < cpus; ++cpu) {
    threads.emplace_back([&, cpu] {
      pin_this_thread(cpu);
      ++begun;
      while (begun.load() != cpus) {
      }
      seen[cpu].work_ns = work_ns();
      if (cpus < 2) return;
      if (cpu == 0) {
        seen[cpu].round_trip_ns = begin_round_trips(line);
      } else {
        take_turns(line, 1, 2 * trips * static_cast<unsigned>(batches));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return {seen.front().round_trip_ns, std::max(seen.front().work_ns, seen.back().work_ns)};
}

}  // namespace contention
