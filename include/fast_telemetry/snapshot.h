// SPDX-License-Identifier: Apache-2.0
//
// Reader and Snapshot: collecting what was recorded. For the program that exports, and for tests.
#pragma once

#include "fast_telemetry/registry.h"
#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct StorageInfo;

namespace detail {
struct ReaderState;
}  // namespace detail

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
};

/// What one fold of all cells found. Lives in its Reader until the reader's next collect or accept; visit it as often
/// as needed, with as many encoders as needed: all see the same numbers.
class Snapshot {
 public:
  /// Walks families in order of registration. Allocates nothing in the steady state.
  void visit(Visitor& visitor) const;

  /// The same, with the library's own families after the others (storage_info.h):
  /// `reader.collect().visit(visitor, storage_info())`.
  void visit(Visitor& visitor, const StorageInfo& info) const;

 private:
  friend class Reader;
  explicit Snapshot(detail::ReaderState& state) noexcept : state_{&state} {}
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

  /// Folds all cells. Collecting again without accept() covers the same window and more: nothing is lost when an export
  /// fails.
  [[nodiscard]] const Snapshot& collect();

  /// The last snapshot has been delivered: the next deltas start where it ended, and the final values it contained were
  /// seen by this reader.
  void accept();

 private:
  detail::ReaderState* state_;
  Snapshot snapshot_;
};

FAST_TELEMETRY_END_NAMESPACE
