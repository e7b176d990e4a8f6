// SPDX-License-Identifier: Apache-2.0
//
// What a Reader keeps from one collection to the next. Everything is reused, so that collecting allocates nothing while
// no metric comes or goes.
#pragma once

#include <memory>
#include <vector>

#include "dynamic_index.h"
#include "exemplars.h"
#include "fast_telemetry/snapshot.h"
#include "registry_state.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct ReaderState {
  /// One instrument as the last fold found it.
  struct Entry {
    std::shared_ptr<Instrument> instrument;
    std::shared_ptr<const Values> base;
    std::uint64_t place = 0;  ///< index into cell_sums; 0: no run
    std::size_t offset = 0;   ///< of the first cell in `baseline`, and in `gauges` for gauges
    std::int64_t born_unix_ns = 0;
    bool visible = false;
    std::size_t dynamic = none;           ///< of a dynamic metric: index into `dynamics`
    std::uint64_t exemplar_place = 0;     ///< of the slots; 0: none
    std::vector<KeptExemplar> exemplars;  ///< by cell; empty before the instrument is given a trace
  };
  static constexpr std::size_t none = ~std::size_t{0};

  /// One series of a dynamic metric as the last fold found it. In memory as long as the snapshot is (Sweep).
  struct SeriesEntry {
    const DynamicSeries* series;
    std::uint64_t place;  ///< index into cell_sums; 0: no run
    /// Index into Dynamic::earlier, or `none`. For a gauge its value.
    std::uint64_t earlier;
  };
  /// All series of one dynamic metric.
  struct Dynamic {
    const DynamicIndex* index = nullptr;
    std::uint64_t captured = 0;  ///< number of the collection that found `series`
    std::uint64_t accepted = 0;  ///< and of the one that `baseline` is of
    std::vector<SeriesEntry> series;
    Values earlier;                           ///< what runs had that were given back
    Values baseline;                          ///< by slot; delta readers only
    std::vector<std::uint64_t> baseline_ids;  ///< whose it is: slots are used again
  };
  struct FamilyEntries {
    std::shared_ptr<FamilyRecord> family;
    std::size_t begin;
    std::size_t end;
  };

  std::shared_ptr<RegistryState> registry;
  std::uint64_t id = 0;  ///< unlike its address, of no other reader before or after
  ReaderOptions options;
  std::uint64_t layout_version = 0;
  std::uint64_t fork_generation = 0;
  std::uint64_t seen_retirements = 0;   ///< as of the last collect
  std::uint64_t taken_retirements = 0;  ///< as of the last accept; read by let_go
  std::uint64_t diagnosed_drops = 0;
  std::uint64_t diagnosed_finals = 0;
  bool accepted = false;  ///< once at least: the window under way is not the first

  std::vector<std::shared_ptr<Instrument>> observables;  ///< as of `observables_version`
  std::uint64_t observables_version = 0;
  std::size_t first_observable = 0;  ///< where the next collection begins

  std::vector<FamilyEntries> families;
  std::vector<Entry> entries;
  std::vector<Dynamic> dynamics;
  std::uint64_t capture = 0;       ///< number of the collection that found what the snapshot has
  std::uint64_t captured_ids = 0;  ///< ids from here on came later
  Values cell_sums;                ///< by place
  Values gauges;                   ///< by entry offset: gauges' values, keys of extrema, what was observed (ShownCell)
  Keys taken;                      ///< all entries' extrema, one after the other, between taking and merging
  Values baseline;                 ///< by entry offset; delta readers only
  Values scratch;                  ///< one point's cells
  std::vector<State> states;       ///< one state set's
  std::vector<Label> labels;       ///< of one series

  // One point's exemplars as a visitor is shown them.
  std::vector<Exemplar> shown_exemplars;
  std::vector<const Exemplar*> exemplars_by_bucket;
  Collection collection{};
};

/// Whether the reader is shown what came in its window, rather than totals. Kept simple: what is shown as a total has a
/// baseline of zero.
[[nodiscard]] inline bool shows_windows(const ReaderOptions& options, const Instrument& instrument) noexcept {
  const Temporality shown =
      instrument.family->kind == Kind::up_down_counter ? options.up_down_counters : options.temporality;
  return options.temporality == Temporality::delta && shown == Temporality::delta;
}

/// The entry's cells where the fold put them, if they need no more than that to be what the reader is shown. Or null.
[[nodiscard]] const std::uint64_t* folded_cells(const ReaderState& state, const ReaderState::Entry& entry) noexcept;

/// The same for a series of a dynamic metric.
[[nodiscard]] const std::uint64_t* series_cells(ReaderState& state, const ReaderState::Dynamic& dynamic,
                                                const ReaderState::SeriesEntry& series);

/// The entry's point, cell by cell: what the fold found, what earlier runs had, less the baseline for a delta reader.
/// Valid until the next call.
[[nodiscard]] const std::uint64_t* point_cells(ReaderState& state, const ReaderState::Entry& entry, std::size_t point);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
