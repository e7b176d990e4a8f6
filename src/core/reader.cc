// SPDX-License-Identifier: Apache-2.0
//
// Collecting: one fold of all cells into a reader's arrays.
#include <algorithm>
#include <bit>

#include "clock.h"
#include "diagnose.h"
#include "observe.h"
#include "process.h"
#include "reader_state.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// What the reader knows of a dynamic metric's series, out of the old layout.
ReaderState::Dynamic take_dynamic(ReaderState& state, const DynamicIndex& index) {
  for (auto& dynamic : state.dynamics) {
    if (dynamic.index == &index) return std::move(dynamic);
  }
  ReaderState::Dynamic fresh;
  fresh.index = &index;
  return fresh;
}

/// Which of the dynamic metrics laid out so far has these series: a set's counters share them.
std::size_t place_dynamic(ReaderState& state, std::vector<ReaderState::Dynamic>& dynamics, const DynamicIndex& index) {
  const auto known =
      std::find_if(dynamics.begin(), dynamics.end(), [&index](const auto& dynamic) { return dynamic.index == &index; });
  const auto at = static_cast<std::size_t>(known - dynamics.begin());
  if (at == dynamics.size()) dynamics.push_back(take_dynamic(state, index));
  return at;
}

/// Calls `use(old, fresh)` for the instruments that are in both. Both lists are in one order, families by ordinal and
/// instruments by id, so one pass over both finds them.
template <class Use>
void for_each_common(std::vector<ReaderState::Entry>& old, std::vector<ReaderState::Entry>& fresh, Use use) {
  const auto before = [](const ReaderState::Entry& a, const ReaderState::Entry& b) {
    const Instrument& x = *a.instrument;
    const Instrument& y = *b.instrument;
    return x.family->ordinal != y.family->ordinal ? x.family->ordinal < y.family->ordinal : x.id < y.id;
  };
  auto candidate = old.begin();
  for (auto& entry : fresh) {
    while (candidate != old.end() && before(*candidate, entry)) ++candidate;
    if (candidate == old.end()) return;
    if (candidate->instrument == entry.instrument) use(*candidate, entry);
  }
}

/// Whether the options ask for deltas of such a family.
bool shows_deltas(const ReaderOptions& options, const FamilyRecord& family) {
  if (options.temporality == Temporality::cumulative) return false;
  if (options.totals == Totals::none) return true;
  if (family.kind == Kind::up_down_counter) return false;
  const auto is_observed = [](const auto& instrument) { return instrument.second->observed != nullptr; };
  return options.totals == Totals::up_down_counters ||
         !std::all_of(family.instruments.begin(), family.instruments.end(), is_observed);
}

/// Follows the registry's families and instruments. Baselines and exemplars move with their instruments. With
/// Process::mutex held.
void lay_out(ReaderState& state) {
  std::vector<ReaderState::Entry> entries;
  std::vector<ReaderState::FamilyEntries> families;
  std::vector<ReaderState::Dynamic> dynamics;
  std::size_t offset = 0;
  for (const auto& [ordinal, family] : state.registry->families) {
    const std::size_t begin = entries.size();
    const bool deltas = shows_deltas(state.options, *family);
    for (const auto& [id, instrument] : family->instruments) {
      entries.push_back(
          {.instrument = instrument, .base = nullptr, .offset = offset, .deltas = deltas, .exemplars = {}});
      if (instrument->dynamic) {
        entries.back().dynamic = place_dynamic(state, dynamics, *instrument->dynamic);
        dynamics[entries.back().dynamic].deltas = deltas;
      }
      offset += instrument->run_cells();
    }
    families.push_back({family, begin, entries.size(), deltas ? Temporality::delta : Temporality::cumulative});
  }

  const bool delta = state.options.temporality == Temporality::delta;
  Values baseline(delta ? offset : 0);
  for_each_common(state.entries, entries, [&](ReaderState::Entry& old, ReaderState::Entry& fresh) {
    fresh.exemplar_place = old.exemplar_place;
    fresh.exemplars = std::move(old.exemplars);
    if (!delta) return;
    std::copy_n(state.baseline.begin() + static_cast<std::ptrdiff_t>(old.offset), fresh.instrument->run_cells(),
                baseline.begin() + static_cast<std::ptrdiff_t>(fresh.offset));
  });
  state.baseline = std::move(baseline);
  state.entries = std::move(entries);
  state.dynamics = std::move(dynamics);
  state.families = std::move(families);
  state.gauges.assign(offset, 0);
  std::size_t extrema = 0;
  for (const auto& entry : state.entries) extrema += entry.instrument->extrema ? entry.instrument->extrema->size : 0;
  state.taken.assign(extrema, 0);
  std::size_t widest = 1;
  for (const auto& entry : state.entries) widest = std::max(widest, entry.instrument->width);
  state.scratch.assign(widest, 0);
  std::size_t most_states = 0;
  for (const auto& entry : state.entries) most_states = std::max(most_states, entry.instrument->states.size());
  state.states.reserve(most_states);
  state.layout_version = state.registry->layout_version;
}

constexpr KeptExemplar none_kept{};

/// Whether the reader is still to be shown what ended then.
bool shows_final(const ReaderState& state, std::uint64_t retire_order, std::int64_t retired_at_ns,
                 std::int64_t now_ns) noexcept {
  if (state.options.finals == Finals::held) return now_ns - retired_at_ns < hold_ns;
  return retire_order > state.taken_retirements;
}

bool is_visible(const ReaderState& state, const Instrument& instrument, std::int64_t now_ns) noexcept {
  return !instrument.retired || shows_final(state, instrument.retire_order, instrument.retired_at_ns, now_ns);
}

bool is_visible(const ReaderState& state, const Instrument& instrument, const DynamicSeries& series,
                std::uint64_t place, std::int64_t now_ns) noexcept {
  const SeriesHistory& history = *series.history;
  if (place != 0) return true;
  if (history.is_overflow) return history.earlier.load(std::memory_order_relaxed) != nullptr;
  if (!history.evicted.load(std::memory_order_relaxed)) return true;
  // A level that was evicted was zero.
  return !instrument.is_gauge() &&
         shows_final(state, history.retire_order, static_cast<std::int64_t>(history.seen), now_ns);
}

/// Notes where the series of a dynamic metric have their cells. With Process::mutex held.
void capture_series(const ReaderState& state, ReaderState::Dynamic& dynamic, std::int64_t now_ns) {
  if (dynamic.captured == state.capture) return;  // for another counter of the set
  dynamic.captured = state.capture;
  const Instrument& instrument = dynamic.index->shape();
  dynamic.series.clear();
  dynamic.earlier.clear();
  dynamic.index->for_each([&](const DynamicSeries& series) {
    const std::uint64_t place = series.history->place.load(std::memory_order_acquire);
    if (!is_visible(state, instrument, series, place, now_ns)) return;
    ReaderState::SeriesEntry entry{&series, place, ReaderState::none};
    if (const std::uint64_t* const earlier = series.history->earlier.load(std::memory_order_relaxed)) {
      entry.earlier = dynamic.earlier.size();
      dynamic.earlier.insert(dynamic.earlier.end(), earlier, earlier + instrument.width);
    }
    dynamic.series.push_back(entry);
  });
}

/// Notes where every instrument's cells are, before any is read. With Process::mutex held.
void capture(ReaderState& state) {
  RegistryState& registry = *state.registry;
  const std::int64_t now = now_ns();
  state.capture = ++process().captures;
  let_go(registry, now);
  if (state.layout_version != registry.layout_version) lay_out(state);
  for (auto& entry : state.entries) {
    const Instrument& instrument = *entry.instrument;
    // Acquire: pairs with the release in attach_slots. Before the place of the cells, which come first: exemplars of
    // observations that are not counted would be shown otherwise.
    const std::uint64_t exemplar_place = instrument.exemplar_place.load(std::memory_order_acquire);
    // Acquire: pairs with the release in attach; a reused run is seen zeroed.
    entry.place = instrument.place.load(std::memory_order_acquire);
    // Other slots, or none any more: what is known of the old ones is over.
    if (exemplar_place != entry.exemplar_place) std::fill(entry.exemplars.begin(), entry.exemplars.end(), none_kept);
    entry.exemplar_place = exemplar_place;
    entry.base = instrument.base;
    entry.born_unix_ns = instrument.born_unix_ns;
    entry.visible = is_visible(state, instrument, now);
    if (entry.dynamic != ReaderState::none) capture_series(state, state.dynamics[entry.dynamic], now);
    if (instrument.observed) {
      instrument.observed->show(entry.deltas, state.collection.time_unix_ns, state.gauges.data() + entry.offset);
    }
    if (entry.visible && !state.accepted) {
      // The first window has everything that was counted before the reader was made, too.
      state.collection.since_unix_ns = std::min(state.collection.since_unix_ns, entry.born_unix_ns);
    }
  }
  state.seen_retirements = registry.retirements;
  state.captured_ids = process().next_id.load(std::memory_order_relaxed);
}

/// The same for the series of a dynamic metric.
void read_gauges_and_doubles(ReaderState& state, ReaderState::Dynamic& dynamic) {
  const Instrument& instrument = dynamic.index->shape();
  if (!instrument.is_gauge() && !instrument.has_double_sum()) return;
  for (auto& entry : dynamic.series) {
    if (instrument.is_gauge()) {
      entry.earlier = entry.place == 0 ? 0 : __atomic_load_n(gauge_arena.at(entry.place), __ATOMIC_RELAXED);
    } else if (entry.place != 0) {
      const std::size_t sum = entry.place + instrument.sum_cell;
      state.cell_sums[sum] = std::bit_cast<std::uint64_t>(per_cpu_arena.sum_double(per_cpu_arena.at(sum)));
    }
  }
}

/// Takes the exemplars of this window. Before the cells are read: an observation is counted first and offered then, so
/// whatever is shown as an exemplar is in its bucket's count.
void read_exemplars(ReaderState& state) {
  for (auto& entry : state.entries) {
    if (entry.exemplar_place == 0) continue;
    const Instrument& instrument = *entry.instrument;
    if (entry.exemplars.empty()) {
      const std::size_t widest = std::max(state.shown_exemplars.size(), instrument.width);
      state.exemplars_by_bucket.resize(widest);
      state.shown_exemplars.resize(widest);
      entry.exemplars.resize(instrument.run_cells());  // last: then all is there
    }
    std::uint64_t* const slots = exemplar_arena.at(entry.exemplar_place);
    for (std::size_t i = 0; i < instrument.run_cells(); ++i) take_exemplar(slots + i, entry.exemplars[i]);
  }
}

/// What the fold of plain sums cannot know: gauges have one copy, doubles add up as doubles.
void read_gauges_and_doubles(ReaderState& state) {
  for (const auto& entry : state.entries) {
    const Instrument& instrument = *entry.instrument;
    if (instrument.has_index()) read_gauges_and_doubles(state, state.dynamics[entry.dynamic]);
    if (entry.place == 0) continue;
    if (instrument.is_gauge()) {
      const std::uint64_t* const run = gauge_arena.at(entry.place);
      for (std::size_t i = 0; i < instrument.run_cells(); i += instrument.width) {
        state.gauges[entry.offset + i] = __atomic_load_n(run + i, __ATOMIC_RELAXED);
      }
    } else if (instrument.has_double_sum()) {
      for (std::size_t i = instrument.sum_cell; i < instrument.run_cells(); i += instrument.width) {
        state.cell_sums[entry.place + i] =
            std::bit_cast<std::uint64_t>(per_cpu_arena.sum_double(per_cpu_arena.at(entry.place) + i));
      }
    }
  }
}

/// Takes what extremum cells have, for all readers, and finds out what this one is to be shown.
void read_extrema(ReaderState& state) {
  if (state.taken.empty()) return;
  std::uint64_t* keys = state.taken.data();
  for (const auto& entry : state.entries) {
    if (!entry.instrument->extrema) continue;
    std::fill_n(keys, entry.instrument->extrema->size, 0);
    if (entry.place != 0) take_extrema(*entry.instrument, entry.place, keys);
    keys += entry.instrument->extrema->size;
  }
  const auto lock = lock_process();
  const std::int64_t now = now_ns();
  keys = state.taken.data();
  for (const auto& entry : state.entries) {
    Instrument& instrument = *entry.instrument;
    if (!instrument.extrema) continue;
    merge_extrema(*state.registry, instrument, keys);
    show_extrema(state, instrument, now, keys);
    const bool all_time = instrument.exponential != nullptr && state.options.temporality == Temporality::cumulative;
    for (std::size_t i = 0; i < instrument.extrema->size; ++i) {
      state.gauges[entry.offset + instrument.extremum_cell(i)] =
          all_time ? instrument.extrema->all_time[i].load(std::memory_order_relaxed) : keys[i];
    }
    keys += instrument.extrema->size;
  }
}

/// Runs to be freed when no lock is held any more: a thread that forks in a signal handler may hold arena_lock and wait
/// for fold_mutex.
struct RunsToFree {
  std::vector<Process::Quarantined> runs;
  ~RunsToFree() { free_runs(runs); }
};

/// While one exists, runs that are given back wait: this fold may have captured them.
class FoldInProgress {
 public:
  /// With Process::fold_mutex and mutex held. At the end of the fold the runs that waited are moved to `to_free`.
  FoldInProgress(Process& process, RunsToFree& to_free) noexcept : process_{process}, to_free_{to_free} {
    process_.fold_active = true;
  }
  ~FoldInProgress() {
    const std::lock_guard lock{process_.mutex};
    process_.fold_active = false;
    to_free_.runs.swap(process_.quarantine);
  }
  FoldInProgress(const FoldInProgress&) = delete;
  FoldInProgress& operator=(const FoldInProgress&) = delete;

 private:
  Process& process_;
  RunsToFree& to_free_;
};

/// The next window of what was shown begins here; of what was not, where it began.
void accept_observed(ReaderState& state, const ReaderState::Entry& entry) noexcept {
  for (std::size_t i = entry.offset; i < entry.offset + entry.instrument->run_cells(); i += shown_cells) {
    if (state.gauges[i + shown_presence] != 0) state.baseline[i + shown_value] = state.gauges[i + shown_value];
  }
}

void diagnose_drops(ReaderState& state) {
  const std::uint64_t no_memory = drop_count(Drop::no_memory);
  if (no_memory == state.diagnosed_drops) return;
  diagnose("storage", std::to_string(no_memory - state.diagnosed_drops) +
                          " records dropped: no address space for the cells of their metrics");
  state.diagnosed_drops = no_memory;
}

void diagnose_dropped_finals(ReaderState& state, std::uint64_t finals_dropped) {
  if (finals_dropped == state.diagnosed_finals) return;
  diagnose("registry", std::to_string(finals_dropped - state.diagnosed_finals) +
                           " final values of destroyed metrics given up before every reader had them");
  state.diagnosed_finals = finals_dropped;
}

bool is_double(const Instrument& instrument, std::size_t cell) noexcept {
  return cell % instrument.width == instrument.sum_cell;
}

/// A cell of the entry as the last fold found it, with what earlier runs of the series added up to.
std::uint64_t total(const ReaderState& state, const ReaderState::Entry& entry, std::size_t cell) noexcept {
  const std::uint64_t folded = entry.place != 0 ? state.cell_sums[entry.place + cell] : 0;
  const std::uint64_t base = entry.base ? (*entry.base)[cell] : 0;
  if (!is_double(*entry.instrument, cell)) return folded + base;
  return std::bit_cast<std::uint64_t>(reported_sum(std::bit_cast<double>(folded) + std::bit_cast<double>(base)));
}

/// A cell of a series likewise.
std::uint64_t total(const ReaderState& state, const Instrument& instrument, const ReaderState::Dynamic& dynamic,
                    const ReaderState::SeriesEntry& entry, std::size_t cell) noexcept {
  const std::uint64_t folded = entry.place != 0 ? state.cell_sums[entry.place + cell] : 0;
  const std::uint64_t earlier = entry.earlier != ReaderState::none ? dynamic.earlier[entry.earlier + cell] : 0;
  if (!is_double(instrument, cell)) return folded + earlier;
  return std::bit_cast<std::uint64_t>(reported_sum(std::bit_cast<double>(folded) + std::bit_cast<double>(earlier)));
}

std::uint64_t difference(const Instrument& instrument, std::size_t cell, std::uint64_t now,
                         std::uint64_t before) noexcept {
  if (!is_double(instrument, cell)) return now - before;
  return std::bit_cast<std::uint64_t>(reported_sum(std::bit_cast<double>(now) - std::bit_cast<double>(before)));
}

void accept_series(const ReaderState& state, ReaderState::Dynamic& dynamic) {
  if (dynamic.accepted == state.capture) return;  // for another counter of the set
  dynamic.accepted = state.capture;
  const Instrument& instrument = dynamic.index->shape();
  const std::size_t slots = dynamic.index->slots();
  dynamic.baseline.resize(slots * instrument.width);
  dynamic.baseline_ids.resize(slots);
  for (const auto& entry : dynamic.series) {
    const std::size_t slot = entry.series->history->slot;
    dynamic.baseline_ids[slot] = entry.series->history->id;
    for (std::size_t i = 0; i < instrument.width; ++i) {
      dynamic.baseline[slot * instrument.width + i] = total(state, instrument, dynamic, entry, i);
    }
  }
}

}  // namespace

const std::uint64_t* series_cells(ReaderState& state, const ReaderState::Dynamic& dynamic,
                                  const ReaderState::SeriesEntry& entry) {
  const Instrument& instrument = dynamic.index->shape();
  const std::size_t slot = entry.series->history->slot;
  const bool has_baseline =
      dynamic.deltas && slot < dynamic.baseline_ids.size() && dynamic.baseline_ids[slot] == entry.series->history->id;
  if (entry.place != 0 && entry.earlier == ReaderState::none && !has_baseline) {
    return state.cell_sums.data() + entry.place;
  }
  for (std::size_t i = 0; i < instrument.width; ++i) {
    const std::uint64_t now = total(state, instrument, dynamic, entry, i);
    state.scratch[i] =
        has_baseline ? difference(instrument, i, now, dynamic.baseline[slot * instrument.width + i]) : now;
  }
  return state.scratch.data();
}

const std::uint64_t* folded_cells(const ReaderState& state, const ReaderState::Entry& entry) noexcept {
  const bool as_folded = entry.place != 0 && !entry.base && !entry.deltas && !entry.instrument->has_double_sum();
  return as_folded ? state.cell_sums.data() + entry.place : nullptr;
}

const std::uint64_t* point_cells(ReaderState& state, const ReaderState::Entry& entry, std::size_t point) {
  const Instrument& instrument = *entry.instrument;
  const std::size_t offset = point * instrument.width;
  const std::uint64_t* const folded = folded_cells(state, entry);
  if (folded != nullptr) return folded + offset;

  std::uint64_t* const cells = state.scratch.data();
  for (std::size_t i = 0; i < instrument.width; ++i) {
    const std::uint64_t now = total(state, entry, offset + i);
    const std::uint64_t before = entry.deltas ? state.baseline[entry.offset + offset + i] : 0;
    cells[i] = difference(instrument, offset + i, now, before);
  }
  return cells;
}

}  // namespace detail

Reader::Reader(Registry& registry, ReaderOptions options) : state_{new detail::ReaderState}, snapshot_{*state_} {
  state_->options = options;
  detail::Process& process = detail::process();
  const auto lock = detail::lock_process();
  state_->registry = registry.state_->shared_from_this();
  state_->id = state_->registry->next_reader++;
  state_->collection.since_unix_ns = detail::wall_clock_ns();
  state_->collection.time_unix_ns = state_->collection.since_unix_ns;
  state_->collection.temporality = options.temporality;
  state_->fork_generation = process.fork_generation;
  state_->diagnosed_finals = process.finals_dropped;
  state_->registry->readers.push_back(state_);
}

Reader::~Reader() {
  {
    const auto lock = detail::lock_process();
    std::erase(state_->registry->readers, state_);
  }
  delete state_;
}

const Snapshot& Reader::collect() {
  detail::notice_bare_clone();
  detail::Process& process = detail::process();
  if (!detail::observe_all(*state_)) return snapshot_;
  std::uint64_t finals_dropped = 0;
  {
    detail::RunsToFree to_free;
    const std::lock_guard one_fold{process.fold_mutex};
    std::unique_lock lock{process.mutex};
    if (state_->fork_generation != process.fork_generation) {
      // A forked child: its cells started at zero, and so does everything measured against them.
      state_->fork_generation = process.fork_generation;
      std::fill(state_->baseline.begin(), state_->baseline.end(), 0);
      for (auto& dynamic : state_->dynamics) dynamic.baseline_ids.clear();
      for (auto& entry : state_->entries) entry.exemplar_place = 0;
      state_->collection.since_unix_ns = process.forked_unix_ns;
      state_->taken_retirements = 0;
      state_->diagnosed_finals = process.finals_dropped;
      state_->diagnosed_drops = 0;
    }
    state_->collection.time_unix_ns = detail::wall_clock_ns();
    detail::capture(*state_);
    // Again: dynamic series may be made meanwhile, and none that is shown may be younger than the collection.
    state_->collection.time_unix_ns = detail::wall_clock_ns();
    finals_dropped = process.finals_dropped;
    const detail::FoldInProgress in_progress{process, to_free};
    lock.unlock();

    detail::read_exemplars(*state_);
    detail::per_cpu_arena.note_written_pages();
    detail::per_cpu_arena.fold(state_->cell_sums);
    detail::read_gauges_and_doubles(*state_);
    detail::read_extrema(*state_);
  }
  detail::diagnose_drops(*state_);
  detail::diagnose_dropped_finals(*state_, finals_dropped);
  for (const auto& entry : state_->entries) {
    if (entry.instrument->has_index())
      entry.instrument->dynamic->diagnose_overflow(entry.instrument->family->full_name);
  }
  return snapshot_;
}

void Reader::accept() {
  if (state_->options.temporality == Temporality::delta) {
    for (const auto& entry : state_->entries) {
      if (entry.instrument->observed) detail::accept_observed(*state_, entry);
      // What is not shown has been taken before. Its run may be in use again and the fold have found new adds in it:
      // the next window's.
      if (!entry.visible || entry.instrument->is_gauge()) continue;
      if (entry.dynamic != detail::ReaderState::none) {
        detail::accept_series(*state_, state_->dynamics[entry.dynamic]);
      }
      // The total itself, not the old baseline plus the delta: that could differ from it in the last bit of a double,
      // and a window without observations would show the difference.
      for (std::size_t i = 0; i < entry.instrument->run_cells(); ++i) {
        state_->baseline[entry.offset + i] = detail::total(*state_, entry, i);
      }
    }
  }
  for (auto& entry : state_->entries) {
    for (auto& kept : entry.exemplars) kept.accepted = kept.sequence;
  }
  const auto lock = detail::lock_process();
  state_->collection.since_unix_ns = state_->collection.time_unix_ns;
  for (const auto& entry : state_->entries) {
    if (entry.visible && entry.instrument->extrema) detail::accept_extrema(*state_, *entry.instrument);
  }
  state_->accepted = true;
  state_->taken_retirements = state_->seen_retirements;
}

FAST_TELEMETRY_END_NAMESPACE
