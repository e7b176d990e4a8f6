// SPDX-License-Identifier: Apache-2.0
//
// Instrument: the registry's half of a metric, and the families it belongs to. Outlives the metric object.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "arena.h"
#include "extrema.h"
#include "fast_telemetry/detail/bucket_index.h"
#include "fast_telemetry/detail/exponential_index.h"
#include "fast_telemetry/detail/registration.h"
#include "fast_telemetry/visitor.h"
#include "observed.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

class DynamicIndex;
struct Instrument;
struct RegistryState;

/// What earlier runs of an instrument added up to, cell by cell. Immutable once published: snapshots share it.
using Values = std::vector<std::uint64_t>;

/// By canonical label text, one for every point of a family.
using LabelSets = std::map<std::string, Instrument*>;

/// By id, and so in order of registration.
using Instruments = std::map<std::uint64_t, std::shared_ptr<Instrument>>;

/// All metrics of one name. Fields above the line never change.
struct FamilyRecord {
  std::string scope;
  std::string name;
  std::string full_name;
  std::string help;
  Unit unit = Unit::none;
  Kind kind = Kind::counter;
  std::vector<std::string> sample_names;
  std::uint64_t ordinal = 0;  ///< order of registration

  // Guarded by Process::mutex.
  Instruments instruments;
  LabelSets label_sets;
  std::size_t dynamic_instruments = 0;  ///< of `instruments`
};

enum class OwnerKind : std::uint8_t {
  instrument,
  series,   ///< of a dynamic metric (DynamicSeries)
  refused,  ///< stands for label sets that got no series (RefusedSeries): never has a run
  records,  ///< counts what went to an overflow series
};

/// What has a run of cells from its first write on.
struct RunOwner {
  SizeClass* size = nullptr;

  /// Where the run is in its arena; 0 while there is none. Written under arena_lock.
  std::atomic<std::uint32_t> place{0};

  /// Odd while a run's total moves from its cells to `earlier`: who reads both without a lock reads again.
  std::atomic<std::uint32_t> moves{0};

  /// What runs that were given back added up to, cell by cell; null: nothing.
  std::atomic<const std::uint64_t*> earlier{nullptr};
  OwnerKind kind = OwnerKind::series;

  [[nodiscard]] Arena& arena() const noexcept { return *size->arena; }
};

/// Gives a site a run, or the one it had if that was not given back yet. Null: refused memory. With arena_lock held;
/// touches no heap.
std::uint64_t* attach_run(Site& site, RunOwner& owner) noexcept;

/// One metric: its points, their labels, and where its cells are.
struct Instrument : RunOwner {
  Instrument() noexcept { kind = OwnerKind::instrument; }

  std::uint64_t id = 0;  ///< of the first point; point i has id + i. Never reused.
  Cells cells = Cells::counter;
  std::size_t points = 1;  ///< the spare point of a labelled metric is the last
  std::size_t width = 1;   ///< cells per point
  bool has_spare = false;
  const BucketTable* buckets = nullptr;
  const ExponentialTable* exponential = nullptr;
  std::shared_ptr<DynamicIndex> dynamic;  ///< of a dynamic metric: its series have the cells, and more labels
  std::size_t member = 0;                 ///< which of a set's counters, and so which cell of each series
  std::shared_ptr<Instrument> first;      ///< of a set's other counters: the first one, whose index they share
  std::string suffix;                     ///< of the name, besides what its Info says
  std::int64_t constant = 0;
  std::size_t sum_cell = none;              ///< of a point: where its sum is, if that is a double
  std::size_t extrema_begin = none;         ///< of a point: its cells from here on are extrema
  std::unique_ptr<Extrema> extrema;         ///< of those points that have any
  std::unique_ptr<Observed> observed;       ///< if a callback says what its values are
  std::string state_text;                   ///< what `states` points into
  std::vector<State> states;                ///< of a state set: all of them, off
  std::shared_ptr<RegistryState> registry;  ///< null: unregistered
  std::shared_ptr<FamilyRecord> family;     ///< null: unregistered
  std::string label_text;                   ///< what `labels` points into
  std::vector<Label> labels;                ///< of one point after the other
  std::size_t labels_per_point = 0;
  std::size_t constant_labels = 0;  ///< of those, the first: the scope's

  /// Slots for exemplars, one per cell: likewise. Null: it keeps none.
  SizeClass* exemplar_size = nullptr;
  std::atomic<std::uint64_t> exemplar_place{0};

  // Guarded by Process::mutex. `base` is also read without it by the metric itself, which cannot be retired meanwhile.
  std::int64_t born_unix_ns = 0;
  std::shared_ptr<const Values> base;
  bool retired = false;
  std::uint64_t retire_order = 0;    ///< position among all retirements of the registry
  std::int64_t retired_at_ns = 0;    ///< steady clock
  std::shared_ptr<Instrument> self;  ///< keeps the instrument while its metric lives

  // Made at registration, so that retiring and letting go find everything they need and allocate nothing.
  std::vector<LabelSets::iterator> label_sets;  ///< its entries in the family's
  std::list<Instrument*> held_node;             ///< its entry in RegistryState::held, while it is not held
  std::list<Instrument*>::iterator held_at;

  [[nodiscard]] std::span<const Label> labels_of(std::size_t point) const noexcept {
    return {labels.data() + point * labels_per_point, labels_per_point};
  }
  [[nodiscard]] std::size_t run_cells() const noexcept { return points * width; }
  [[nodiscard]] std::span<const Label> scope_labels() const noexcept { return {labels.data(), constant_labels}; }
  /// Whether the index of its series is its own: the other counters of a set share the first one's.
  [[nodiscard]] bool has_index() const noexcept { return dynamic != nullptr && member == 0; }
  /// Whether it has a value only while its metric lives: nothing that adds up or was taken.
  [[nodiscard]] bool is_gauge() const noexcept {
    return cells == Cells::gauge_i64 || cells == Cells::gauge_f64 || cells == Cells::constant || cells == Cells::info ||
           cells == Cells::state_set || observed;
  }
  /// Whether what it counts is observations, of which one can be kept whole.
  [[nodiscard]] bool can_keep_exemplars() const noexcept {
    switch (cells) {
      case Cells::counter:
      case Cells::float_counter:
      case Cells::histogram:
      case Cells::float_histogram:
      case Cells::distribution:
      case Cells::float_distribution: return true;
      default: return false;
    }
  }
  /// Whether a point has a cell that is a double which adds up: `sum_cell`.
  [[nodiscard]] bool has_double_sum() const noexcept { return sum_cell != none; }
  /// Where the i-th of the run's extrema is.
  [[nodiscard]] std::size_t extremum_cell(std::size_t i) const noexcept {
    const std::size_t per_point = width - extrema_begin;
    return i / per_point * width + extrema_begin + i % per_point;
  }

  static constexpr std::size_t none = ~std::size_t{0};
};

/// A sum of doubles as it is reported: one that has left their range is the largest double of its sign, and one that
/// has left it on both sides, which is no number, is 0. Formats have no use for either (OTLP forbids them), and as the
/// difference of two infinities every later delta would be no number too.
[[nodiscard]] double reported_sum(double sum) noexcept;

/// Adds `more` to `values`, cell by cell, as the instrument's cells mean it.
void accumulate(const Instrument& instrument, std::uint64_t* values, const std::uint64_t* more) noexcept;

/// The last totals of an attached run that no writer can reach any more.
void read_run(const Instrument& instrument, const std::uint64_t* run, std::uint64_t* values) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
