// SPDX-License-Identifier: Apache-2.0
//
// Reader and Snapshot: collecting what was recorded. For the program that exports, and for tests.
#pragma once

#include "fast_telemetry/registry.h"
#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
struct ReaderState;
}  // namespace detail

/// What has families of its own to show after a registry's: StorageInfo, ProcessInfo, or a struct of yours with a
/// function `void visit_families(const YourStruct&, ft::Visitor&)` in its namespace.
///
/// That function announces families and shows their points, without Visitor::begin and end. Each series has an id of
/// its own that stays the same from one collection to the next, also while others are absent: ids from 2^63 to 2^63 +
/// 2^32 are yours. Nobody compares your families' names with those of registered metrics.
template <class Source>
concept FamilySource = requires(const Source& source, Visitor& visitor) { visit_families(source, visitor); };

/// How long a reader is shown the final value of a series whose metric was destroyed.
enum class Finals : std::uint8_t {
  /// Until this reader has accepted it once: for a reader that pushes to one place.
  once,
  /// For five minutes: for a reader behind a door that many scrapers use, none of which may miss it.
  held,
};

struct ReaderOptions {
  Temporality temporality = Temporality::cumulative;
  Finals finals = Finals::once;
  /// What a delta reader is shown of up-down counters: how far they rose or fell in the window, or (cumulative) the
  /// level itself, for formats in which a level is no sum of windows: OTLP's delta preference, DogStatsD's gauges.
  Temporality up_down_counters = Temporality::delta;
  /// How long the callbacks of observable metrics (observable.h) may take in one collection, all together. A tenth of
  /// the ten seconds that Prometheus gives a scrape.
  std::int64_t callback_budget_ns = 1'000'000'000;
};

/// What one fold of all cells found. Lives in its Reader until the reader's next collect or accept; visit it as often
/// as needed, with as many encoders as needed: all see the same numbers.
class Snapshot {
 public:
  /// Walks families in order of registration. Allocates nothing in the steady state.
  void visit(Visitor& visitor) const;

  /// The same, with other families after the registry's: `reader.collect().visit(visitor, storage_info(),
  /// process_info())`.
  template <FamilySource... Sources>
  void visit(Visitor& visitor, const Sources&... sources) const {
    begin(visitor);
    (visit_families(sources, visitor), ...);
    visitor.end();
  }

 private:
  friend class Reader;
  explicit Snapshot(detail::ReaderState& state) noexcept : state_{&state} {}
  void begin(Visitor& visitor) const;  // up to the last of the registry's families
  detail::ReaderState* state_;
};

/// Reads a registry's metrics without disturbing anybody: writers are never blocked, other readers see everything too.
///
/// Each reader subtracts its own baseline; nothing is ever reset. What "exact" means: every add is reported exactly
/// once. A fold is not an instant: while operations run, a histogram's sum may be ahead of or behind its buckets by the
/// observations in flight. A histogram's count *is* the sum of its buckets. Neither difference accumulates.
///
/// A series born while a fold is under way is in the next one. Bounds: final values of destroyed metrics are held for
/// five minutes, and for readers that collect late up to fifteen; 2^16 series and 2^18 cells in each registry. What is
/// given up beyond that is counted (StorageInfo::finals_dropped) and said to the diagnostics hook at the next
/// collection. After a fork the child's readers start afresh, like its cells.
///
/// Use one reader from one thread at a time. Cost: about 0.3 ns per cell and shard, and one cache miss per line for the
/// writers.
class Reader {
 public:
  explicit Reader(Registry& registry, ReaderOptions options = {});
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Calls the callbacks of observable metrics, then folds all cells. Collecting again without accept() covers the same
  /// window and more: nothing is lost when an export fails. Called by one of its own callbacks, it is the snapshot
  /// before.
  [[nodiscard]] const Snapshot& collect();

  /// The last snapshot has been delivered: the next deltas start where it ended, and the final values it contained were
  /// seen by this reader.
  void accept();

 private:
  detail::ReaderState* state_;
  Snapshot snapshot_;
};

FAST_TELEMETRY_END_NAMESPACE
