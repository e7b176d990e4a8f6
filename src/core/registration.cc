// SPDX-License-Identifier: Apache-2.0
//
// A metric's beginning and end: declared, numbered, registered; retired, folded once more, its run given back.
#include "fast_telemetry/detail/registration.h"

#include <sched.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <stdexcept>
#include <string>

#include "clock.h"
#include "diagnose.h"
#include "dynamic_index.h"
#include "enroll.h"
#include "exemplars.h"
#include "fast_telemetry/detail/bucket_index.h"
#include "fast_telemetry/gauge.h"
#include "process.h"
#include "reclaim.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

std::size_t cells_per_point(const Declaration& declaration) noexcept {
  switch (declaration.cells) {
    case Cells::counter:
    case Cells::float_counter:
    case Cells::up_down_counter:
    case Cells::constant:
    case Cells::info:
    case Cells::max_gauge_i64:
    case Cells::max_gauge_f64:
    case Cells::min_gauge_i64:
    case Cells::min_gauge_f64: return 1;
    case Cells::gauge_i64:
    case Cells::gauge_f64:
    case Cells::state_set: return gauge_cells;
    case Cells::observed_counter_u64:
    case Cells::observed_counter_f64:
    case Cells::observed_up_down_i64:
    case Cells::observed_up_down_f64:
    case Cells::observed_gauge_i64:
    case Cells::observed_gauge_f64: return shown_cells;
    case Cells::histogram:
    case Cells::float_histogram: return declaration.buckets->count + std::size_t{2};
    case Cells::distribution:
    case Cells::float_distribution: return distribution_cells(*declaration.exponential);
  }
  return 1;
}

bool is_extremum_gauge(Cells cells) noexcept {
  return cells == Cells::max_gauge_i64 || cells == Cells::max_gauge_f64 || cells == Cells::min_gauge_i64 ||
         cells == Cells::min_gauge_f64;
}

/// Notes which of a point's cells are no plain sums.
void mark_cells(Instrument& instrument, const Declaration& declaration) {
  switch (declaration.cells) {
    case Cells::float_counter: instrument.sum_cell = 0; break;
    case Cells::float_histogram: instrument.sum_cell = instrument.width - 1; break;
    case Cells::float_distribution: instrument.sum_cell = instrument.exponential->sum_cell(); break;
    default: break;
  }
  if (is_extremum_gauge(declaration.cells)) instrument.extrema_begin = 0;
  if (instrument.exponential != nullptr && instrument.exponential->extrema) {
    instrument.extrema_begin = instrument.exponential->sum_cell() + 1;
  }
  if (instrument.extrema_begin == Instrument::none) return;
  instrument.extrema = std::make_unique<Extrema>(instrument.points * (instrument.width - instrument.extrema_begin));
}

void copy_states(Instrument& instrument, const Axis& states) {
  std::size_t text_size = 0;
  for (std::size_t i = 0; i < states.size; ++i) text_size += states.labels[i].value.size();
  instrument.state_text.reserve(text_size);
  for (std::size_t i = 0; i < states.size; ++i) {
    const std::size_t begin = instrument.state_text.size();
    instrument.state_text += view(states.labels[i].value);
    instrument.states.push_back({{instrument.state_text.data() + begin, instrument.state_text.size() - begin}, false});
  }
}

/// Throws std::length_error when the run is longer than a run can be.
std::shared_ptr<Instrument> make_instrument(const Declaration& declaration, const Axis* axes, std::size_t axis_count) {
  auto instrument = std::make_shared<Instrument>();
  instrument->cells = declaration.cells;
  instrument->buckets = declaration.buckets;
  instrument->exponential = declaration.exponential;
  instrument->suffix = declaration.suffix;
  instrument->constant = declaration.constant;
  instrument->width = cells_per_point(declaration);
  if (declaration.dynamic != nullptr) {
    instrument->dynamic = std::make_shared<DynamicIndex>(*declaration.dynamic, *instrument);
    instrument->width *= declaration.dynamic->member_count;
  } else if (declaration.member.index != nullptr) {
    instrument->first = declaration.member.index->shape().self;
    instrument->dynamic = instrument->first->dynamic;
    instrument->member = declaration.member.number;
  }
  instrument->has_spare = axis_count > 0;
  for (std::size_t i = 0; i < axis_count; ++i) instrument->points *= axes[i].size;
  if (instrument->has_spare) ++instrument->points;
  if (instrument->points > max_run_cells / instrument->width) {
    throw std::length_error{"a metric of " + std::to_string(instrument->points) + " label combinations with " +
                            std::to_string(instrument->width) + " cells each does not fit one run of " +
                            std::to_string(max_run_cells) + " cells"};
  }
  mark_cells(*instrument, declaration);
  copy_states(*instrument, declaration.states);
  if (is_observed(declaration.cells)) {
    instrument->observed = std::make_unique<Observed>(declaration.cells, instrument->points);
  }
  return instrument;
}

/// Numbers the instrument and reserves its cells. With Process::mutex held.
void admit(Process& state, const std::shared_ptr<Instrument>& instrument) {
  const std::size_t cells = instrument->run_cells();
  constexpr std::uint64_t capacity = max_extents * max_run_cells;
  if (state.declared_cells + cells > capacity) {
    throw std::length_error{"arena exhausted: " + std::to_string(state.declared_cells) + " of " +
                            std::to_string(capacity) + " cells are declared, " + std::to_string(cells) +
                            " more wanted"};
  }
  const auto size_class = [cells](std::map<std::size_t, SizeClass>& sizes, Arena& arena) {
    return &sizes.try_emplace(cells, SizeClass{&arena, cells}).first->second;
  };
  instrument->size = instrument->is_gauge() ? size_class(state.gauge_sizes, gauge_arena)
                                            : size_class(state.per_cpu_sizes, per_cpu_arena);
  if (instrument->can_keep_exemplars()) {
    instrument->exemplar_size = size_class(state.exemplar_sizes, exemplar_arena);
  }
  instrument->id = state.next_id.fetch_add(instrument->points, std::memory_order_relaxed);
  instrument->born_unix_ns = wall_clock_ns();
  if (instrument->observed) instrument->observed->shown_unix_ns = instrument->born_unix_ns;
}

/// Takes the site away from writers. What was under way is finished by retire_barrier.
void unpublish(Site& site) noexcept {
  const bool locked = arena_lock.lock();
  __atomic_store_n(&site.owner, nullptr, __ATOMIC_RELAXED);
  __atomic_store_n(&site.cells, nullptr, __ATOMIC_RELAXED);
  __atomic_store_n(&site.exemplars, nullptr, __ATOMIC_RELAXED);
  if (locked) arena_lock.unlock();
  // The stores are the end of an object's life, which a compiler may take as nobody's business.
  asm volatile("" : : "r"(&site) : "memory");
}

void retire(Instrument& instrument) noexcept try {
  const bool reusable = retire_barrier();
  Process& state = process();
  const std::shared_ptr<Instrument> self = instrument.self;
  const std::uint64_t place = instrument.place.load(std::memory_order_acquire);
  const std::uint64_t exemplar_place = instrument.exemplar_place.load(std::memory_order_acquire);

  // The last fold of this run: nothing can be added to it any more.
  std::shared_ptr<Values> total;
  Keys extrema(instrument.extrema ? instrument.extrema->size : 0);
  if (place != 0 && instrument.extrema) take_extrema(instrument, place, extrema.data());
  if (place != 0 && !instrument.is_gauge()) {
    total = std::make_shared<Values>(instrument.run_cells());
    read_run(instrument, instrument.arena().at(place), total->data());
    if (instrument.base) accumulate(instrument, total->data(), instrument.base->data());
  }

  std::vector<Process::Quarantined> free_now;
  {
    const std::lock_guard lock{state.mutex};
    if (instrument.extrema && instrument.registry) merge_extrema(*instrument.registry, instrument, extrema.data());
    auto& given_back = state.fold_active ? state.quarantine : free_now;
    if (exemplar_place != 0) {
      // Where the barrier does not work, the slots are left to those who may still write to them.
      if (reusable) given_back.push_back({instrument.exemplar_size, exemplar_arena.at(exemplar_place)});
      instrument.exemplar_place.store(0, std::memory_order_relaxed);
    }
    if (reusable && place != 0) {
      // The last step that can fail.
      given_back.push_back({instrument.size, instrument.arena().at(place)});
      instrument.place.store(0, std::memory_order_relaxed);
      if (total) {
        instrument.base = std::move(total);
        instrument.earlier.store(instrument.base->data(), std::memory_order_release);
      }
    }
    instrument.self = nullptr;
    state.declared_cells -= instrument.run_cells();
    state.instruments.erase(&instrument);
    if (instrument.registry) hold(*instrument.registry, instrument);
  }
  free_runs(free_now);
} catch (...) {
  // Out of memory in a destructor. The instrument stays as it is: its run is not reused and its value is still read.
}

}  // namespace

Registration::Registration(const Scope* scope, const Info* info, const Declaration& declaration, const Axis* axes,
                           std::size_t axis_count) {
  std::shared_ptr<Instrument> instrument = make_instrument(declaration, axes, axis_count);
  Process& state = process();
  std::string remark;
  {
    const auto lock = lock_process();
    admit(state, instrument);
    std::optional<Enrolment> enrolment;
    if (scope != nullptr) {
      enrolment.emplace(scope->state(), *info, instrument, axes, axis_count);
      instrument = enrolment->instrument();
    }
    state.instruments.insert(instrument.get());  // the last step that can fail
    if (enrolment) {
      enrolment->commit();
      remark = enrolment->take_remark();
    }
    state.declared_cells += instrument->run_cells();
    instrument->self = instrument;
  }
  // A held series that is continued may still own a run: where no barrier works it was parked, and goes on being read.
  const std::uint64_t place = instrument->place.load(std::memory_order_relaxed);
  // Release: pairs with the acquire in buckets(); whoever sees the table sees what is in it.
  const void* const table = declaration.exponential != nullptr ? static_cast<const void*>(declaration.exponential)
                                                               : static_cast<const void*>(declaration.buckets);
  __atomic_store_n(&table_, table, __ATOMIC_RELEASE);
  if (place != 0) __atomic_store_n(&site.cells, instrument->arena().at(place), __ATOMIC_RELAXED);
  // Release: pairs with the acquire in read_with_base; whoever sees the instrument sees it whole.
  __atomic_store_n(&site.owner, static_cast<RunOwner*>(instrument.get()), __ATOMIC_RELEASE);
  if (!remark.empty()) diagnose("registry", remark);
}

Registration::~Registration() {
  auto* const instrument = static_cast<Instrument*>(site.owner);
  __atomic_store_n(&table_, nullptr, __ATOMIC_RELAXED);
  unpublish(site);
  if (instrument == nullptr) return;
  notice_bare_clone();
  retire(*instrument);
}

namespace {

/// The point's cell plus what earlier runs of the series added up to.
template <class Read>
auto read_with_base(const Site& site, std::size_t offset, Read read) noexcept
    -> decltype(read(nullptr, std::uint64_t{})) {
  const RunOwner* owner = __atomic_load_n(&site.owner, __ATOMIC_ACQUIRE);
  if (owner == nullptr) return {};
  if (owner->kind == OwnerKind::refused) owner = static_cast<const RefusedHistory*>(owner)->overflow.history;
  const std::size_t index = offset / sizeof(std::uint64_t);
  for (unsigned attempt = 0;; ++attempt) {
    const std::uint32_t moves = owner->moves.load(std::memory_order_acquire);
    const std::uint64_t* const earlier = owner->earlier.load(std::memory_order_acquire);
    const std::uint64_t place = owner->place.load(std::memory_order_acquire);
    const std::uint64_t base = earlier == nullptr ? 0 : __atomic_load_n(earlier + index, __ATOMIC_RELAXED);
    const auto value = read(place == 0 ? nullptr : owner->arena().at(place) + index, base);
    // Acquire and a change of nothing: no load above may be taken from after it.
    if (moves % 2 == 0 && const_cast<RunOwner*>(owner)->moves.fetch_add(0, std::memory_order_acq_rel) == moves) {
      return value;
    }
    wait_for_others(attempt);
  }
}

}  // namespace

std::uint64_t read_integer(const Site& site, std::size_t offset) noexcept {
  return read_with_base(site, offset, [](const std::uint64_t* cell, std::uint64_t base) noexcept {
    std::uint64_t sum = 0;
    if (cell != nullptr) per_cpu_arena.sum(cell, 1, &sum);
    return sum + base;
  });
}

double read_double(const Site& site, std::size_t offset) noexcept {
  return read_with_base(site, offset, [](const std::uint64_t* cell, std::uint64_t base) noexcept {
    return reported_sum(std::bit_cast<double>(base) + (cell == nullptr ? 0.0 : per_cpu_arena.sum_double(cell)));
  });
}

std::uint64_t read_extremum(const Site& site, std::size_t offset) noexcept {
  const auto* const instrument = static_cast<const Instrument*>(__atomic_load_n(&site.owner, __ATOMIC_ACQUIRE));
  if (instrument == nullptr) return 0;
  const std::size_t index = offset / sizeof(std::uint64_t);
  // The cells first: a fold moves what it takes the other way.
  const std::uint64_t* const cells = __atomic_load_n(&site.cells, __ATOMIC_ACQUIRE);
  const std::uint64_t now = cells == nullptr ? 0 : per_cpu_arena.greatest(cells + index);
  const std::size_t per_point = instrument->width - instrument->extrema_begin;
  const std::size_t i = index / instrument->width * per_point + index % instrument->width - instrument->extrema_begin;
  return std::max(now, instrument->extrema->all_time[i].load(std::memory_order_relaxed));
}

std::uint64_t read_gauge(const Site& site, std::size_t offset) noexcept {
  const std::uint64_t* cells = __atomic_load_n(&site.cells, __ATOMIC_ACQUIRE);
  const RunOwner* const owner = __atomic_load_n(&site.owner, __ATOMIC_ACQUIRE);
  if (cells == nullptr && owner != nullptr && owner->kind == OwnerKind::refused) {
    cells = __atomic_load_n(&static_cast<const RefusedHistory*>(owner)->overflow.cells, __ATOMIC_ACQUIRE);
  }
  return cells == nullptr ? 0 : __atomic_load_n(cells + offset / sizeof(std::uint64_t), __ATOMIC_RELAXED);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
