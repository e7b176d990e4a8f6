// SPDX-License-Identifier: Apache-2.0
//
// SpanFlow: how many spans are on their way from the writers to the exporter's output, and what has arrived.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace contention {

struct Exports {
  std::uint64_t delivered = 0;  ///< spans
  std::uint64_t count = 0;      ///< requests
  double seconds = 0;           ///< that making them took
  std::size_t last_bytes = 0;
};

class SpanFlow {
 public:
  /// Before a writer records `spans`. Waits while that would make more than `limit` on their way: nothing can be
  /// dropped for want of room then.
  void admit(std::uint64_t spans, std::uint64_t limit) {
    std::unique_lock lock{mutex_};
    if (admitted_ + spans - exports_.delivered > limit) {
      wake_exporter();
      arrived_.wait_for(lock, patience, [&] { return admitted_ + spans - exports_.delivered <= limit; });
    }
    admitted_ += spans;
  }

  /// When a request with so many spans is made.
  void deliver(std::uint64_t spans, std::size_t bytes, std::chrono::steady_clock::duration taken) {
    {
      const std::lock_guard lock{mutex_};
      exports_.delivered += spans;
      ++exports_.count;
      exports_.seconds += std::chrono::duration<double>(taken).count();
      exports_.last_bytes = bytes;
    }
    arrived_.notify_all();
  }

  /// While nobody records: returns when all that was admitted has arrived but the `dropped`, or after a time in which
  /// it would have.
  void wait_until_arrived(std::uint64_t dropped) {
    std::unique_lock lock{mutex_};
    wake_exporter();
    arrived_.wait_for(lock, patience, [&] { return exports_.delivered + dropped >= admitted_; });
  }

  [[nodiscard]] Exports exports() const {
    const std::lock_guard lock{mutex_};
    return exports_;
  }

  // ---- for an exporter that has no clock of its own ----

  /// Returns after the interval, or when writers wait; false once it has been stopped.
  bool wait_for_export(std::chrono::milliseconds interval) {
    std::unique_lock lock{mutex_};
    due_.wait_for(lock, interval, [this] { return is_wanted_ || is_stopped_; });
    is_wanted_ = false;
    return !is_stopped_;
  }
  void stop() {
    const std::lock_guard lock{mutex_};
    is_stopped_ = true;
    due_.notify_one();
  }

 private:
  /// A lost span must make the run wrong, not endless.
  static constexpr std::chrono::seconds patience{10};

  void wake_exporter() {
    is_wanted_ = true;
    due_.notify_one();
  }

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable due_;
  std::uint64_t admitted_ = 0;
  Exports exports_;
  bool is_wanted_ = false;
  bool is_stopped_ = false;
};

}  // namespace contention
