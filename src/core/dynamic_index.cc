// SPDX-License-Identifier: Apache-2.0
#include "dynamic_index.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "clock.h"
#include "diagnose.h"
#include "names.h"
#include "process.h"
#include "reclaim.h"
#include "sweep.h"
#include "utf8.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

bool is_well_formed(Text text) noexcept {
  const std::string_view whole = view(text);
  if (std::all_of(whole.begin(), whole.end(), [](char c) { return static_cast<signed char>(c) >= 0; })) return true;
  for (std::string_view rest = whole; !rest.empty();) {
    const Utf8Step step = utf8_step(rest);
    if (!step.well_formed) return false;
    rest.remove_prefix(step.length);
  }
  return true;
}

/// A key as its series is exported and kept. Throws std::bad_alloc if that needs repair.
class ExportedKey {
 public:
  explicit ExportedKey(const SeriesKey& key) : key_{key} {
    if (std::all_of(key.texts, key.texts + key.count, is_well_formed)) return;
    for (std::size_t i = 0; i < key.count; ++i) strings_.push_back(repaired(view(key.texts[i])));
    texts_.assign(strings_.begin(), strings_.end());
    key_ = SeriesKey{texts_.data(), texts_.size()};
  }
  ExportedKey(const ExportedKey&) = delete;
  ExportedKey& operator=(const ExportedKey&) = delete;

  [[nodiscard]] const SeriesKey& key() const noexcept { return key_; }

 private:
  SeriesKey key_;
  std::vector<std::string> strings_;
  std::vector<Text> texts_;
};

/// How much memory texts of these sizes need behind a series' members.
std::size_t bytes_of(std::size_t count, std::size_t all_texts, bool long_texts) noexcept {
  const std::size_t size = long_texts ? sizeof(std::uint32_t) : sizeof(std::uint16_t);
  return std::max(DynamicSeries::text_begin + count * size + all_texts, sizeof(DynamicSeries));
}

template <class Size>
void write_texts(const DynamicSeries& series, const SeriesKey& key) noexcept {
  auto* const sizes = reinterpret_cast<Size*>(const_cast<char*>(series.sizes()));
  char* text = reinterpret_cast<char*>(sizes + key.count);
  for (std::size_t i = 0; i < key.count; ++i) {
    sizes[i] = static_cast<Size>(key.texts[i].size());
    if (sizes[i] != 0) std::memcpy(text, key.texts[i].data(), sizes[i]);
    text += sizes[i];
  }
}

/// A series that has no slot yet. Throws std::bad_alloc, also for more than 65 535 texts and for one
/// beyond 4 GiB.
DynamicSeries& new_series(const SeriesKey& key) {
  if (key.count > 0xffff) throw std::bad_alloc{};
  std::size_t all_texts = 0;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < key.count; ++i) {
    all_texts += key.texts[i].size();
    longest = std::max(longest, key.texts[i].size());
  }
  if (longest > 0xffff'ffff) throw std::bad_alloc{};
  const bool long_texts = longest > 0xffff;
  auto* const history = new (allocate_history(sizeof(SeriesHistory))) SeriesHistory;
  try {
    auto* const series = new (allocate_series(bytes_of(key.count, all_texts, long_texts))) DynamicSeries{*history};
    series->texts = static_cast<std::uint32_t>(key.count) | (long_texts ? DynamicSeries::long_texts : 0);
    long_texts ? write_texts<std::uint32_t>(*series, key) : write_texts<std::uint16_t>(*series, key);
    return *series;
  } catch (...) {
    free_history(history, sizeof(SeriesHistory));
    throw;
  }
}

std::vector<std::string> owned(const DynamicKeys& keys) {
  std::vector<std::string> strings;
  for (std::size_t i = 0; i < keys.count; ++i) strings.emplace_back(view(keys.keys[i]));
  return strings;
}

std::vector<std::string> member_names(const DynamicKeys& keys) {
  std::vector<std::string> strings;
  if (keys.members == nullptr) return strings;
  for (std::size_t i = 0; i < keys.member_count; ++i) strings.emplace_back(view(keys.members[i].name.text()));
  return strings;
}

std::size_t bytes_of(const DynamicSeries& series) noexcept {
  std::size_t all_texts = 0;
  for (std::size_t i = 0; i < series.text_count(); ++i) all_texts += series.size(i);
  return bytes_of(series.text_count(), all_texts, series.has_long_texts());
}

}  // namespace

void delete_series(DynamicSeries& series) noexcept {
  SeriesHistory* const history = series.history;
  if (history->kind == OwnerKind::refused) {
    auto& refused = static_cast<RefusedSeries&>(series);
    release_series(refused.own.overflow);
    delete &refused;
    return;
  }
  delete[] history->earlier.load(std::memory_order_relaxed);
  history->~SeriesHistory();
  free_history(history, sizeof(SeriesHistory));
  const std::size_t bytes = bytes_of(series);
  series.~DynamicSeries();
  free_series(&series, bytes);
}

namespace {

/// With sweep_mutex held.
constinit DynamicIndex* kept_indexes = nullptr;

}  // namespace

void keep_until_unpinned(DynamicIndex& index) noexcept {
  index.kept_ = index.shape_.self;
  index.next_kept_ = std::exchange(kept_indexes, &index);
}

void let_go_of_kept() noexcept {
  while (kept_indexes != nullptr) {
    DynamicIndex& index = *std::exchange(kept_indexes, kept_indexes->next_kept_);
    const std::shared_ptr<Instrument> last = std::move(index.kept_);
  }
}

DynamicIndex::DynamicIndex(const DynamicKeys& keys, const Instrument& shape)
    : keys_{owned(keys)},
      members_{member_names(keys)},
      overflow_key_{view(keys.overflow_key)},
      max_series_{keys.max_series},
      shape_{shape} {
  draw_hash_key();
  tables_.push_back(std::make_unique<SeriesTable>(4));
  table_.store(tables_.back().get(), std::memory_order_release);
  overflow_ = &new_series({nullptr, 0});
  overflow_->history->is_overflow = true;
  place_in_slot(*overflow_);
  refused_ = new RefusedSeries{*overflow_};
  overflow_->history->references.store(1, std::memory_order_relaxed);
}

DynamicIndex::~DynamicIndex() {
  const auto let_go = [](DynamicSeries& series) {
    // The last handle deletes it.
    if (series.history->references.fetch_or(SeriesHistory::unreachable, std::memory_order_acq_rel) == 0)
      delete_series(series);
  };
  for (const Unlinked& unlinked : unlinked_) delete_series(*unlinked.series);
  for (std::uint32_t slot = 0; slot < slots_used_.load(std::memory_order_relaxed); ++slot) {
    DynamicSeries* const series = at_slot(slot).load(std::memory_order_relaxed);
    if (series != nullptr) let_go(*series);
  }
  let_go(*refused_);
  for (auto& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);
}

void DynamicIndex::reopen(std::uint32_t max_series) noexcept {
  // A sweep may find the metric in its registry by now.
  const auto process_lock = lock_process();
  const std::lock_guard lock{mutex_};
  has_ended_ = false;
  max_series_.store(max_series, std::memory_order_relaxed);
  // The overflow series is older than the metric's registration and does not know its size class yet.
  for_each([this](DynamicSeries& series) {
    series.history->size = shape_.size;
    __atomic_store_n(&series.owner, series.history, __ATOMIC_RELEASE);
  });
  static constinit SizeClass one_cell{&per_cpu_arena, 1};
  RefusedHistory::Records& records = refused_->own.records;
  records.size = &one_cell;
  __atomic_store_n(&records.owner, &records, __ATOMIC_RELEASE);
  __atomic_store_n(&refused_->owner, &refused_->own, __ATOMIC_RELEASE);
}

void DynamicIndex::end() noexcept {
  RefusedHistory::Records& records = refused_->own.records;
  const auto unpublish = [](Site& site) {
    __atomic_store_n(&site.owner, nullptr, __ATOMIC_RELAXED);
    __atomic_store_n(&site.cells, nullptr, __ATOMIC_RELAXED);
  };
  {
    const auto process_lock = lock_process();
    const std::lock_guard lock{mutex_};
    has_ended_ = true;
    const bool locked = arena_lock.lock();
    for_each(unpublish);
    unpublish(*refused_);
    unpublish(records);
    if (locked) arena_lock.unlock();
  }
  if (!retire_barrier()) return;  // the runs stay, and are read as long as the index is held
  std::vector<Process::Quarantined> free_now;
  {
    const auto lock = lock_process();
    for_each([&](DynamicSeries& series) {
      if (series.history->place.load(std::memory_order_relaxed) == 0) return;
      // Written again after it was evicted: that, readers are still to see.
      if (series.history->evicted.exchange(false, std::memory_order_relaxed))
        live_.fetch_add(1, std::memory_order_relaxed);
      static_cast<void>(retire_series(series, shape_, free_now));
    });
    retire_records(free_now);
  }
  free_runs(free_now);
}

/// What was counted stays counted. With Process::mutex held.
void DynamicIndex::retire_records(std::vector<Process::Quarantined>& free_now) noexcept try {
  RefusedHistory::Records& records = refused_->own.records;
  const std::uint64_t place = records.place.load(std::memory_order_relaxed);
  if (place == 0) return;
  std::uint64_t* const run = per_cpu_arena.at(place);
  Process& state = process();
  (state.fold_active ? state.quarantine : free_now).push_back({records.size, run});
  std::uint64_t total = 0;
  per_cpu_arena.last_sum(run, 1, &total);
  earlier_overflows_.fetch_add(total, std::memory_order_relaxed);
  records.place.store(0, std::memory_order_relaxed);
} catch (const std::bad_alloc&) {
  // The run stays, and is read.
}

std::uint64_t DynamicIndex::overflows() const noexcept {
  const std::uint64_t place = refused_->own.records.place.load(std::memory_order_acquire);
  std::uint64_t total = earlier_overflows_.load(std::memory_order_relaxed);
  if (place != 0) per_cpu_arena.sum(per_cpu_arena.at(place), 1, &total);
  return total;
}

void DynamicIndex::forget(std::int64_t now_unix_ns) noexcept {
  for_each([&](const DynamicSeries& series) {
    SeriesHistory& history = *series.history;
    history.born_unix_ns = now_unix_ns;
    if (const auto* const earlier = history.earlier.load(std::memory_order_relaxed); earlier != nullptr) {
      std::fill_n(const_cast<std::uint64_t*>(earlier), shape_.width, 0);
    }
    if (!history.evicted.load(std::memory_order_relaxed)) return;
    // Its final value is the parent's, whose readers get it.
    history.retire_order = 0;
    history.seen = static_cast<std::uint64_t>(now_ns() - longest_hold_ns);
  });
  earlier_overflows_.store(0, std::memory_order_relaxed);
  told_overflows_ = 0;
  sketch_.forget();
}

DynamicIndex::Slot& DynamicIndex::at_slot(std::uint32_t slot) const noexcept {
  const auto chunk = static_cast<std::size_t>(std::bit_width(slot / first_chunk + 1) - 1);
  const std::uint32_t begin = first_chunk * ((std::uint32_t{1} << chunk) - 1);
  return chunks_[chunk].load(std::memory_order_acquire)[slot - begin];
}

void DynamicIndex::place_in_slot(DynamicSeries& series) {
  std::uint32_t slot = 0;
  if (!free_slots_.empty()) {
    slot = free_slots_.back();
    free_slots_.pop_back();
  } else {
    slot = slots_used_.load(std::memory_order_relaxed);
    const auto chunk = static_cast<std::size_t>(std::bit_width(slot / first_chunk + 1) - 1);
    if (chunks_[chunk].load(std::memory_order_relaxed) == nullptr) {
      chunks_[chunk].store(new Slot[first_chunk << chunk]{}, std::memory_order_release);
    }
  }
  SeriesHistory& history = *series.history;
  history.slot = slot;
  history.size = shape_.size;
  series.owner = &history;
  history.born_unix_ns = wall_clock_ns();
  history.id = process().next_id.fetch_add(std::max<std::size_t>(members_.size(), 1), std::memory_order_relaxed);
  at_slot(slot).store(&series, std::memory_order_release);
  if (slot == slots_used_.load(std::memory_order_relaxed)) slots_used_.store(slot + 1, std::memory_order_release);
}

void DynamicIndex::renew_locks() noexcept {
  new (&mutex_) std::mutex;
  makings_.store(0, std::memory_order_relaxed);  // whoever made one is in the parent
  sketch_.renew_lock();
}

DynamicSeries* DynamicIndex::find_exported(const SeriesKey& key) const noexcept try {
  return find(ExportedKey{key}.key());
} catch (const std::bad_alloc&) {
  return nullptr;
}

/// What a lookup found has no cells, or it found nothing.
DynamicSeries& DynamicIndex::make_writable(DynamicSeries* series, const SeriesKey& key) noexcept {
  // What is there gets its cells without a lock that a signal handler could find taken by its own thread.
  if (series != nullptr) {
    const Revival revival = revive(*series);
    if (revival == Revival::done) return *series;
    if (revival == Revival::no_room) return refuse(key, false);
  }
  return slow(key, false);
}

/// Gives a series cells, and a place among the living if it was evicted. What cannot be attached, for want of memory or
/// in a handler on top of its own thread's attach, is a counted drop when it is written.
DynamicIndex::Revival DynamicIndex::revive(DynamicSeries& series) noexcept {
  if (!arena_lock.lock()) return Revival::done;
  Revival revival = Revival::done;
  const bool was_evicted = series.history->evicted.load(std::memory_order_relaxed);
  if (__atomic_load_n(&series.owner, __ATOMIC_RELAXED) == nullptr) {
    revival = Revival::gone;
  } else if (was_evicted && !count_in()) {
    revival = Revival::no_room;
  } else {
    if (was_evicted && !series.history->evicted.exchange(false, std::memory_order_relaxed)) {
      live_.fetch_sub(1, std::memory_order_relaxed);  // a sweep has found it written again, and counted it
    }
    if (__atomic_load_n(&series.cells, __ATOMIC_RELAXED) == nullptr) attach_run(series, *series.history);
  }
  arena_lock.unlock();
  return revival;
}

/// Takes up the room of one series. False: there is none.
bool DynamicIndex::count_in() noexcept {
  std::uint32_t live = live_.load(std::memory_order_relaxed);
  do {
    if (live >= max_series_.load(std::memory_order_relaxed)) return false;
  } while (!live_.compare_exchange_weak(live, live + 1, std::memory_order_release, std::memory_order_relaxed));
  return true;
}

bool keep(DynamicSeries& series) noexcept {
  SeriesHistory& history = *series.history;
  std::uint32_t references = history.references.load(std::memory_order_relaxed);
  do {
    if ((references & SeriesHistory::unreachable) != 0) return false;
  } while (!history.references.compare_exchange_weak(references, references + 1, std::memory_order_relaxed));
  return true;
}

/// What is unusual: a series that is new, that has left the index just now, or for which there is no room.
DynamicSeries& DynamicIndex::slow(const SeriesKey& key, bool keep_it) noexcept try {
  const ExportedKey repaired{key};
  const SeriesKey& exported = repaired.key();
  // Without the lock: who chooses label values can make lookups beyond the limit, or of texts to repair, as many as he
  // likes. Acquire: what was made before is found.
  const std::uint32_t makings = makings_.load(std::memory_order_acquire);
  DynamicSeries* const known = find(exported);
  if (known != nullptr && (keep_it ? keep(*known) : __atomic_load_n(&known->cells, __ATOMIC_RELAXED) != nullptr)) {
    return *known;
  }
  // Acquire: pairs with count_in. The series that took the last room may be this one, not to be found until now.
  if (known == nullptr && live_.load(std::memory_order_acquire) >= max_series_.load(std::memory_order_relaxed) &&
      makings % 2 == 0 && makings_.load(std::memory_order_relaxed) == makings) {
    return refuse(key, keep_it);
  }
  if (!are_keys_legal(key)) {
    has_illegal_key_.store(true, std::memory_order_relaxed);
    return refuse(key, keep_it);
  }

  const std::lock_guard lock{mutex_};
  if (has_ended_) return refuse(key, keep_it);
  DynamicSeries* series = find(exported);
  if (series == nullptr) series = make(exported);
  if (series == nullptr) return refuse(key, keep_it);
  if (keep_it) {
    static_cast<void>(keep(*series));  // none leaves the index meanwhile
  } else if (revive(*series) == Revival::no_room) {
    return refuse(key, false);
  }
  return *series;
} catch (const std::bad_alloc&) {
  return refuse(key, keep_it);
}

DynamicSeries& DynamicIndex::refuse(const SeriesKey& key, bool keep_it) noexcept {
  sketch_.add(keys_, key);
  if (keep_it) static_cast<void>(keep(*refused_));
  return *refused_;
}

/// Whether the keys that a label set brings with it can be exported beside the scope's.
bool DynamicIndex::are_keys_legal(const SeriesKey& key) const noexcept {
  for (std::size_t i = 0; is_free() && i < key.count; i += 2) {
    const std::string_view name = view(key.texts[i]);
    if (!is_label_key(name) || name == overflow_key_) return false;
    for (const Label& label : shape_.scope_labels()) {
      if (view(label.key) == name) return false;
    }
  }
  return true;
}

void DynamicIndex::erase(DynamicSeries& series) noexcept {
  table_.load(std::memory_order_relaxed)->erase(series);
  at_slot(series.history->slot).store(nullptr, std::memory_order_relaxed);
  free_slots_.push_back(series.history->slot);
}

void DynamicIndex::drop_old_tables() noexcept {
  const std::lock_guard lock{mutex_};
  // Of those that were replaced before the wait for pins; that one was the last then, it may not be now.
  tables_.erase(tables_.begin(), tables_.begin() + static_cast<std::ptrdiff_t>(droppable_tables_));
  droppable_tables_ = tables_.size() - 1;
}

/// Null: there is no room. With `mutex_` held.
DynamicSeries* DynamicIndex::make(const SeriesKey& key) {
  struct Making {
    explicit Making(std::atomic<std::uint32_t>& made) noexcept : makings{made} {
      makings.fetch_add(1, std::memory_order_relaxed);  // told by count_in's release
    }
    ~Making() { makings.fetch_add(1, std::memory_order_release); }
    Making(const Making&) = delete;
    Making& operator=(const Making&) = delete;
    std::atomic<std::uint32_t>& makings;
  };
  const Making making{makings_};
  if (!count_in()) return nullptr;
  try {
    return &insert(key);
  } catch (...) {
    live_.fetch_sub(1, std::memory_order_relaxed);
    throw;
  }
}

DynamicSeries& DynamicIndex::insert(const SeriesKey& key) {
  SeriesTable* table = table_.load(std::memory_order_relaxed);
  if (table->is_crowded()) {
    tables_.push_back(table->grown());
    table = tables_.back().get();
    table_.store(table, std::memory_order_release);
  }
  DynamicSeries& series = new_series(key);
  try {
    place_in_slot(series);
  } catch (...) {
    delete_series(series);
    throw;
  }
  table->insert(key.hash, series);
  return series;
}

CardinalityReport DynamicIndex::cardinality() const {
  CardinalityReport report;
  report.series = live();
  report.limit = max_series_.load(std::memory_order_relaxed);
  report.overflow = overflows();
  sketch_.report(report);
  return report;
}

void DynamicIndex::diagnose_overflow(const std::string& metric) {
  constexpr std::int64_t interval_ns = 60'000'000'000;
  std::uint64_t fresh = 0;
  {
    const std::lock_guard lock{mutex_};
    const std::int64_t now = now_ns();
    const std::uint64_t overflowed = overflows();
    if (overflowed == told_overflows_ || (told_ns_ != 0 && now - told_ns_ < interval_ns)) return;
    fresh = overflowed - told_overflows_;
    told_overflows_ = overflowed;
    told_ns_ = now;
  }
  const CardinalityReport report = cardinality();
  std::string message = metric + ": " + std::to_string(fresh) + " records went to the overflow series since this was " +
                        "last said; its limit is " + std::to_string(report.limit) + " series";
  if (has_illegal_key_.exchange(false, std::memory_order_relaxed)) {
    message += "; some label keys were refused (no key, the scope's, or the overflow series')";
  }
  if (!report.refused.empty()) {
    const RefusedKey& worst = report.refused.front();
    message += "; about " + std::to_string(std::llround(worst.distinct_values)) + " values of \"" +
               printable(worst.key) + "\" were refused";
    if (!worst.heaviest.empty()) message += ", most often \"" + printable(worst.heaviest.front().value) + "\"";
  }
  diagnose("registry", message);
}

Site* overflow_of(Site& site, bool count) noexcept {
  if (__atomic_load_n(&site.cells, __ATOMIC_RELAXED) != nullptr) return nullptr;
  const Mark mark{mark_slot()};  // the owner may be on its way out: a destructor waits for marks before it frees it
  RunOwner* const owner = __atomic_load_n(&site.owner, __ATOMIC_ACQUIRE);
  if (owner == nullptr || owner->kind != OwnerKind::refused) return nullptr;
  auto& refused = static_cast<RefusedHistory&>(*owner);
  if (count) add(refused.records, 0, std::uint64_t{1});
  return &refused.overflow;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
