// SPDX-License-Identifier: Apache-2.0
//
// Beside: what another CPU does while one records.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "fast_telemetry/registry.h"
#include "fast_telemetry/snapshot.h"
#include "on_cpus.h"
#include "total_visitor.h"

/// What the other CPU does meanwhile.
enum class Other : std::uint8_t { nothing, adds_up, collects };

/// The other CPU's thread, until stop(). It has done once what it does when the constructor returns.
///
/// It takes the last CPU there is. The writer is on the first: what the scheduler does with two threads on one is not
/// what is asked.
class Beside {
 public:
  /// `series`: how many the registry has, and the size of the memory of its own.
  Beside(fast_telemetry::Registry& registry, std::size_t series, Other other) : registry_{registry}, series_{series} {
    if (other == Other::nothing) return;
    thread_ = std::thread{[this, other] {
      run_on(allowed_cpus().back());
      other == Other::collects ? collect() : add_up();
    }};
    while (!has_begun_.load(std::memory_order_relaxed)) std::this_thread::yield();
  }
  ~Beside() { stop(); }
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;

  void stop() {
    is_over_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) thread_.join();
  }

 private:
  void collect() {
    fast_telemetry::Reader reader{registry_, {.temporality = fast_telemetry::Temporality::delta}};
    while (!is_over_.load(std::memory_order_relaxed)) {
      TotalVisitor total;
      reader.collect().visit(total);
      reader.accept();
      has_begun_.store(true, std::memory_order_relaxed);
    }
  }

  /// As much memory as a collection looks at, but none that the writer writes.
  void add_up() {
    std::vector<std::uint64_t> cells(2 * series_);
    while (!is_over_.load(std::memory_order_relaxed)) {
      std::uint64_t sum = 0;
      for (std::uint64_t& cell : cells) sum += ++cell;
      asm volatile("" : : "r"(sum));
      has_begun_.store(true, std::memory_order_relaxed);
    }
  }

  fast_telemetry::Registry& registry_;
  std::size_t series_;
  std::atomic<bool> is_over_{false};
  std::atomic<bool> has_begun_{false};
  std::thread thread_;
};
