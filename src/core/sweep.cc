// SPDX-License-Identifier: Apache-2.0
#include "sweep.h"

#include <algorithm>
#include <bit>
#include <new>
#include <numeric>
#include <stdexcept>

#include "clock.h"
#include "fast_telemetry/sweeper.h"
#include "pin.h"
#include "reader_state.h"
#include "reclaim.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

constinit std::mutex sweep_mutex;

namespace {

/// Whether it is worth more than its final value: a level, which says something as long as it is not zero.
bool is_level(Cells cells) noexcept {
  return cells == Cells::up_down_counter || cells == Cells::gauge_i64 || cells == Cells::gauge_f64;
}

std::uint64_t level(const DynamicSeries& series) noexcept {
  const SeriesHistory& history = *series.history;
  const std::uint64_t place = history.place.load(std::memory_order_relaxed);
  std::uint64_t total = 0;
  if (place != 0) history.arena().sum(history.arena().at(place), 1, &total);
  if (const auto* const earlier = history.earlier.load(std::memory_order_relaxed)) total += *earlier;
  return total;
}

/// For one more. Not reserve(size() + 1), which moves everything each time: a sweep may take a hundred thousand.
template <class T>
void make_room(std::vector<T>& vector) {
  if (vector.size() == vector.capacity()) vector.reserve(std::max<std::size_t>(16, 2 * vector.size()));
}

/// What could not be evicted goes on with the run it had.
void give_run_back(DynamicSeries& series) noexcept {
  SeriesHistory& history = *series.history;
  const bool locked = arena_lock.lock();
  const bool lives = __atomic_load_n(&series.owner, __ATOMIC_RELAXED) != nullptr;
  const bool has_run = history.place.load(std::memory_order_relaxed) != 0;
  if (lives && has_run && __atomic_load_n(&series.cells, __ATOMIC_RELAXED) == nullptr) attach_run(series, history);
  if (locked) arena_lock.unlock();
}

}  // namespace

bool retire_series(DynamicSeries& series, const Instrument& shape, std::vector<Process::Quarantined>& free_now) noexcept
    try {
  SeriesHistory& history = *series.history;
  const std::uint64_t* const before = history.earlier.load(std::memory_order_relaxed);
  std::unique_ptr<std::uint64_t[]> fresh;
  if (before == nullptr && !shape.is_gauge()) fresh = std::make_unique<std::uint64_t[]>(shape.width);
  Values total(shape.width);
  Process& state = process();
  auto& given_up = state.fold_active ? state.quarantine : free_now;
  make_room(given_up);

  const bool locked = arena_lock.lock();
  const bool written_again = __atomic_load_n(&series.cells, __ATOMIC_RELAXED) != nullptr;
  const std::uint64_t place = history.place.load(std::memory_order_relaxed);
  if (place == 0) {  // the metric has ended meanwhile, and its end took the run
    if (locked) arena_lock.unlock();
    return false;
  }
  const bool is_used = is_level(shape.cells) && level(series) != 0 && series.owner != nullptr;
  if (!written_again && is_used) __atomic_store_n(&series.cells, history.arena().at(place), __ATOMIC_RELEASE);
  const bool taken = !written_again && !is_used;
  if (taken) {
    history.moves.fetch_add(1, std::memory_order_acq_rel);
    history.place.store(0, std::memory_order_relaxed);
  }
  if (locked) arena_lock.unlock();
  if (!taken) return false;

  std::uint64_t* const run = history.arena().at(place);
  if (!shape.is_gauge()) {
    read_run(shape, run, total.data());
    auto* const sums = before != nullptr ? const_cast<std::uint64_t*>(before) : fresh.get();
    accumulate(shape, total.data(), sums);
    for (std::size_t i = 0; i < shape.width; ++i) __atomic_store_n(sums + i, total[i], __ATOMIC_RELAXED);
    history.earlier.store(sums, std::memory_order_release);
    static_cast<void>(fresh.release());
  }
  history.moves.fetch_add(1, std::memory_order_release);
  given_up.push_back({history.size, run});
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

void Sweep::run(bool pins_gone) {
  {
    const auto lock = lock_process();
    if (pins_gone) {
      free_unlinked();
      unlink_finished();
    }
    find_idle();
    const bool locked = arena_lock.lock();
    for (DynamicSeries* const series : idle_) __atomic_store_n(&series->cells, nullptr, __ATOMIC_RELAXED);
    if (locked) arena_lock.unlock();
  }
  if (idle_.empty()) return;
  refused_ = !retire_barrier();
  {
    const auto lock = lock_process();
    for (DynamicSeries* const series : idle_) take(*series);
  }
  free_runs(free_now_);
}

void Sweep::take(DynamicSeries& series) {
  if (refused_ || !retire_series(series, index_.shape_, free_now_)) {
    give_run_back(series);
    return;
  }
  series.history->evicted.store(true, std::memory_order_relaxed);
  note_evicted(series);
}

void Sweep::note_evicted(DynamicSeries& series) noexcept {
  SeriesHistory& history = *series.history;
  history.retire_order = ++registry_.retirements;
  history.seen = static_cast<std::uint64_t>(now_ns());
  index_.live_.fetch_sub(1, std::memory_order_relaxed);
  ++evicted_;
}

/// Of what has no cells, because nobody has written it yet, or not since its metric came back.
void Sweep::evict_unwritten(DynamicSeries& series) {
  SeriesHistory& history = *series.history;
  if (history.evicted.load(std::memory_order_relaxed)) return;
  if (history.references.load(std::memory_order_relaxed) != 0 || !may_be_evicted(series)) {
    history.idle = 0;
    return;
  }
  if (history.idle < 255) ++history.idle;
  if (history.idle < idle_sweeps_) return;
  const bool locked = arena_lock.lock();
  const bool is_written = history.place.load(std::memory_order_relaxed) != 0;
  if (!is_written) history.evicted.store(true, std::memory_order_relaxed);
  if (locked) arena_lock.unlock();
  if (!is_written) note_evicted(series);
}

/// Something that no observation leaves as it was.
std::uint64_t Sweep::observed(const DynamicSeries& series) const {
  const SeriesHistory& history = *series.history;
  const Instrument& shape = index_.shape_;
  const std::uint64_t* const run = history.arena().at(history.place.load(std::memory_order_relaxed));
  if (shape.cells == Cells::float_counter) return std::bit_cast<std::uint64_t>(history.arena().sum_double(run));
  if (shape.is_gauge()) return __atomic_load_n(run, __ATOMIC_RELAXED);
  Values cells(shape.width);
  history.arena().sum(run, shape.width, cells.data());
  if (shape.width == 1) return cells[0];
  // The count of a histogram or distribution; the total of a set.
  if (shape.cells == Cells::counter) return std::accumulate(cells.begin(), cells.end(), std::uint64_t{0});
  const std::size_t buckets = shape.exponential != nullptr ? shape.exponential->sum_cell() : shape.width - 1;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < buckets; ++i) count += cells[i];
  return count;
}

bool Sweep::may_be_evicted(const DynamicSeries& series) const noexcept {
  if (series.history->is_overflow) return false;
  return !is_level(index_.shape_.cells) ||
         (level(series) == 0 && series.history->references.load(std::memory_order_relaxed) == 0);
}

void Sweep::find_idle() {
  index_.for_each([this](DynamicSeries& series) {
    SeriesHistory& history = *series.history;
    if (history.place.load(std::memory_order_acquire) == 0) return evict_unwritten(series);
    if (history.evicted.exchange(false, std::memory_order_relaxed)) {
      // Written again through a handle.
      index_.live_.fetch_add(1, std::memory_order_relaxed);
      history.idle = 0;
      history.seen = observed(series);
      return;
    }
    const std::uint64_t found = observed(series);
    if (found != history.seen) {
      history.idle = 0;
      history.seen = found;
    } else if (history.idle < 255) {
      ++history.idle;
    }
    if (history.idle >= idle_sweeps_ && may_be_evicted(series)) idle_.push_back(&series);
  });
}

/// Whether no reader waits for the final value any more.
bool Sweep::is_finished(const DynamicSeries& series, std::int64_t now) const noexcept {
  const SeriesHistory& history = *series.history;
  const std::int64_t age = now - static_cast<std::int64_t>(history.seen);
  if (age >= longest_hold_ns) return true;
  return std::all_of(registry_.readers.begin(), registry_.readers.end(), [&](const ReaderState* reader) {
    return reader->options.finals == Finals::held ? age >= hold_ns : reader->taken_retirements >= history.retire_order;
  });
}

void Sweep::unlink_finished() {
  const std::int64_t now = now_ns();
  std::vector<DynamicSeries*> held;
  index_.for_each([&](DynamicSeries& series) {
    const SeriesHistory& history = *series.history;
    if (!history.evicted.load(std::memory_order_relaxed) || history.place.load(std::memory_order_relaxed) != 0) return;
    if (!is_finished(series, now)) {
      held.push_back(&series);
    } else if (unlink(series)) {
      ++forgotten_;
    }
  });
  // As many are held as may live: the oldest give way.
  if (held.size() <= index_.max_series_) return;
  const auto excess = static_cast<std::ptrdiff_t>(held.size() - index_.max_series_);
  std::nth_element(held.begin(), held.begin() + excess, held.end(),
                   [](const auto* a, const auto* b) { return a->history->retire_order < b->history->retire_order; });
  for (auto series = held.begin(); series != held.begin() + excess; ++series) {
    if (unlink(**series)) ++forgotten_, ++process().finals_dropped;
  }
}

/// Takes a series out of the index, unless a handle refers to it or somebody writes it just now.
bool Sweep::unlink(DynamicSeries& series) noexcept try {
  SeriesHistory& history = *series.history;
  const std::lock_guard lock{index_.mutex_};
  make_room(index_.unlinked_);
  make_room(index_.free_slots_);
  std::uint32_t none = 0;
  const bool locked = arena_lock.lock();
  // Both at once: who finds it from here on can neither write nor keep it.
  const bool leaves =
      history.evicted.load(std::memory_order_relaxed) && history.place.load(std::memory_order_relaxed) == 0 &&
      history.references.compare_exchange_strong(none, SeriesHistory::unreachable, std::memory_order_relaxed);
  if (leaves) __atomic_store_n(&series.owner, nullptr, __ATOMIC_RELAXED);
  if (locked) arena_lock.unlock();
  if (!leaves) return false;
  index_.erase(series);
  index_.unlinked_.push_back({&series, process().captures});
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

void Sweep::free_unlinked() {
  std::erase_if(index_.unlinked_, [this](const DynamicIndex::Unlinked& unlinked) {
    const bool is_shown =
        std::any_of(registry_.readers.begin(), registry_.readers.end(), [&](const ReaderState* reader) {
          return unlinked.series->history->id < reader->captured_ids && reader->capture <= unlinked.captures;
        });
    if (is_shown) return false;
    delete_series(*unlinked.series);
    return true;
  });
  index_.drop_old_tables();
}

}  // namespace detail

struct Sweeper::State {
  std::shared_ptr<detail::RegistryState> registry;
  unsigned idle_sweeps;
};

Sweeper::Sweeper(Registry& registry, SweeperOptions options) {
  if (options.idle_sweeps > 255) {
    throw std::invalid_argument{"a series is idle after 255 sweeps at most"};
  }
  const auto lock = detail::lock_process();
  state_ = new State{registry.state_->shared_from_this(), options.idle_sweeps};
}

Sweeper::~Sweeper() { delete state_; }

SweepResult Sweeper::sweep() {
  // Who stays pinned longer than that is waited for by the next sweep.
  constexpr std::int64_t sweep_patience_ns = 20'000'000;
  detail::notice_bare_clone();
  const std::lock_guard one_at_a_time{detail::sweep_mutex};
  std::vector<std::shared_ptr<detail::Instrument>> dynamic;
  {
    const auto lock = detail::lock_process();
    for (const auto& [ordinal, family] : state_->registry->families) {
      for (const auto& [id, instrument] : family->instruments) {
        if (instrument->has_index() && !instrument->retired) dynamic.push_back(instrument);
      }
    }
  }
  SweepResult result;
  if (dynamic.empty()) return result;
  const bool pins_gone = detail::wait_for_pins(sweep_patience_ns);
  if (pins_gone) detail::let_go_of_kept();
  for (const auto& instrument : dynamic) {
    detail::Sweep sweep{*instrument->dynamic, *state_->registry, state_->idle_sweeps};
    sweep.run(pins_gone);
    result.evicted += sweep.evicted();
    result.forgotten += sweep.forgotten();
    if (sweep.refused()) result.refusal = Text{detail::barrier_refused};
  }
  return result;
}

FAST_TELEMETRY_END_NAMESPACE
