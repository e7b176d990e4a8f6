// SPDX-License-Identifier: Apache-2.0
//
// Runtime: a Telemetry's driver, and the thread that drives it.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <thread>

#include "driver.h"
#include "fast_telemetry/runtime/telemetry.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Shared by the Telemetry and its thread, so that a thread that does not come back has what it needs. All functions
/// may be called by any thread.
class Runtime : public std::enable_shared_from_this<Runtime> {
 public:
  using Time = Driver::Time;

  Runtime(const TelemetryOptions& options, Registry& registry);
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  void add(std::unique_ptr<Exporter> exporter, const ExportSchedule& schedule);

  std::error_code start();
  [[nodiscard]] std::uint16_t prometheus_port() const noexcept { return port_; }
  TelemetryReport force_flush(std::chrono::milliseconds timeout);
  TelemetryReport shutdown(std::chrono::milliseconds timeout);
  Time collect_once(std::chrono::milliseconds timeout);
  [[nodiscard]] Time next_due();

  /// shutdown(TelemetryOptions::shutdown_timeout). Nobody reads its report: what is lost is diagnosed.
  void end() noexcept;

  [[nodiscard]] bool is_forked() const noexcept;
  /// In a forked child: closes its copies of what is open. What a thread of the parent was in the middle of stays.
  void let_go() noexcept;

 private:
  struct Requests {
    std::uint64_t flushes = 0;  ///< asked for
    std::uint64_t flushed = 0;  ///< of them, the last one that is done
    Time flush_by = {};
    std::optional<Time> close_by = {};
    bool is_closed = false;
  };

  /// A call's time: what it is given, and when its caller returns at the latest.
  struct Budget {
    explicit Budget(std::chrono::milliseconds timeout) noexcept;
    std::chrono::milliseconds overrun;  ///< of a call to an exporter, before it counts as stuck
    Time by;
    Time limit;
  };

  void begin() noexcept;
  /// Has the driver do what is asked of it, or else what is due. False: another thread drives now.
  bool drive(Time until) noexcept;
  void run() noexcept;
  std::error_code start_thread() noexcept;
  std::error_code start_exposer() noexcept;

  /// Its number.
  std::uint64_t ask_for_flush(Time by);
  void ask_to_close(Time by);
  void close(const Budget& budget);
  /// False: the call under way does not return.
  [[nodiscard]] bool wait_until_closed(const Budget& budget);
  void replace_thread() noexcept;
  void stop_exposer(Time by) noexcept;

  [[nodiscard]] bool is_called_by_exporter() const noexcept { return driving_thread_ == std::this_thread::get_id(); }
  [[nodiscard]] TelemetryReport report(std::uint64_t round) const;

  const pid_t process_;
  const bool is_disabled_;
  const bool wants_thread_;
  const std::chrono::milliseconds shutdown_timeout_;
  Driver driver_;

  std::timed_mutex life_;  ///< held by start and shutdown; before hand_
  // Under life_:
  std::shared_ptr<Exposer> exposer_;
  std::unique_ptr<std::thread> thread_;
  bool is_registered_ = false;             ///< for the program's exit
  std::atomic<bool> is_shut_down_{false};  ///< read by end(), too

  std::timed_mutex hand_;                ///< held by who drives without a thread; before mutex_
  bool is_begun_ = false;                ///< under hand_
  std::atomic<bool> has_thread_{false};  ///< changes under hand_

  std::atomic<bool> is_left_behind_{false};
  std::atomic<std::uint16_t> port_{0};
  std::atomic<std::thread::id> driving_thread_{};  ///< who is in drive()

  mutable std::mutex mutex_;  ///< before the driver's
  std::condition_variable changed_;
  Requests requests_;  ///< under mutex_
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
