// SPDX-License-Identifier: Apache-2.0
//
// What is known of an observable metric: its callback, and the values that the callback's latest run reported. The runs
// themselves: observe.h.
#pragma once

#include <cstdint>
#include <vector>

#include "fast_telemetry/detail/callback.h"
#include "fast_telemetry/detail/registration.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What a reader keeps of each point, in place of cells.
enum ShownCell : std::size_t { shown_value, shown_presence, shown_birth, shown_cells };

/// One point of an observable metric. Values are bits of the metric's type.
struct ObservedPoint {
  std::uint64_t value = 0;   ///< as last reported
  std::uint64_t before = 0;  ///< what a counter had come to before its resets: with `value` it never falls
  std::int64_t born_unix_ns = 0;
  bool known = false;    ///< was reported once
  bool present = false;  ///< in the latest run

  // Of the run under way: touched by its thread alone.
  std::uint64_t next = 0;
  bool reported = false;
};

/// Guarded by Process::mutex, but for what is the run's own.
struct Observed {
  Observed(Cells meaning, std::size_t count) : cells{meaning}, points(count) {}

  const Cells cells;
  std::vector<ObservedPoint> points;
  std::int64_t shown_unix_ns = 0;  ///< the latest collection that showed it, of any reader; first: when it was made
  Callback callback;               ///< empty while the metric is being made, and once it is destroyed
  bool ended = false;              ///< its metric is being destroyed
  ObservationRun* run = nullptr;   ///< under way
  bool failure_told = false;       ///< the run's own
  bool delay_told = false;         ///< the run's own

  /// Takes over what the run under way has reported, if it `succeeded`.
  void publish(bool succeeded) noexcept;

  /// What a reader is to be shown: `shown_cells` for each point.
  void show(bool delta, std::int64_t time_unix_ns, std::uint64_t* cells_of_reader) noexcept;

  /// In a forked child: what was counted before is the parent's.
  void begin_child(std::int64_t now_unix_ns) noexcept;
};

[[nodiscard]] constexpr bool is_observed(Cells cells) noexcept {
  return cells >= Cells::observed_counter_u64 && cells <= Cells::observed_gauge_f64;
}

/// What a delta reader is shown: the difference of two totals or levels, or a gauge as it is. Bits.
[[nodiscard]] std::uint64_t observed_delta(Cells cells, std::uint64_t now, std::uint64_t before) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
