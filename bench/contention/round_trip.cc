// SPDX-License-Identifier: Apache-2.0
#include "round_trip.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "run.h"

namespace contention {
namespace {

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

}  // namespace

double line_round_trip_ns() {
  if (usable_cpus() < 2) return 0;
  using Clock = std::chrono::steady_clock;
  constexpr unsigned trips = 1000;
  constexpr std::size_t batches = 15;
  std::array<double, batches> ns{};
  Line line;
  std::thread there{[&line] {
    pin_this_thread(1);
    take_turns(line, 1, 2 * trips * static_cast<unsigned>(batches));
  }};
  std::thread here{[&line, &ns] {
    pin_this_thread(0);
    unsigned turn = 0;
    for (double& batch : ns) {
      const Clock::time_point begin = Clock::now();
      take_turns(line, turn, turn + 2 * trips);
      turn += 2 * trips;
      while (line.turn.load(std::memory_order_acquire) != turn) {
      }
      batch = std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / trips;
    }
  }};
  here.join();
  there.join();
  std::sort(ns.begin(), ns.end());
  return ns[batches / 2];
}

}  // namespace contention
