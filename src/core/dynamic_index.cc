// SPDX-License-Identifier: Apache-2.0
#include "dynamic_index.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "clock.h"
#include "process.h"
#include "reclaim.h"
#include "series_hash.h"
#include "sweep.h"
#include "utf8.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

const HashKey& draw_hash_key() noexcept {
  static HashKey key{};
  if (getrandom(&key, sizeof key, GRND_NONBLOCK) != sizeof key) {
    key = {static_cast<std::uint64_t>(wall_clock_ns()), reinterpret_cast<std::uintptr_t>(&key)};
  }
  key.step |= 1;
  return key;
}

std::uint64_t hash_values(const Text* values, std::size_t count) noexcept {
  const HashKey key = hash_key;
  std::uint64_t hash = key.start;
  for (std::size_t i = 0; i < count; ++i) hash = hash_text(hash, values[i].data(), values[i].size(), key);
  return hash;
}

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

// Both compilers support it for a class with plain bases.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
/// Where the sizes begin: behind the last member, in what would be padding.
constexpr std::size_t text_begin = offsetof(DynamicSeries, retire_order) + sizeof(std::uint64_t);
#pragma GCC diagnostic pop

/// A series that has no slot yet. Throws std::bad_alloc, also for text beyond 4 GiB.
DynamicSeries& new_series(const Text* values, std::size_t count) {
  std::size_t size = text_begin + count * sizeof(std::uint32_t);
  for (std::size_t i = 0; i < count; ++i) {
    if (values[i].size() > 0xffff'ffff) throw std::bad_alloc{};
    size += values[i].size();
  }
  auto* const series = new (allocate_series(std::max(size, sizeof(DynamicSeries)))) DynamicSeries;
  series->value_count = static_cast<std::uint8_t>(count);
  auto* const sizes = const_cast<std::uint32_t*>(series->sizes());
  char* text = reinterpret_cast<char*>(sizes + count);
  for (std::size_t i = 0; i < count; ++i) {
    sizes[i] = static_cast<std::uint32_t>(values[i].size());
    if (sizes[i] != 0) std::memcpy(text, values[i].data(), sizes[i]);
    text += sizes[i];
  }
  return *series;
}

std::vector<std::string> owned(const DynamicKeys& keys) {
  std::vector<std::string> strings;
  for (std::size_t i = 0; i < keys.count; ++i) strings.emplace_back(view(keys.keys[i]));
  return strings;
}

std::size_t bytes_of(const DynamicSeries& series) noexcept {
  std::size_t size = text_begin + series.value_count * sizeof(std::uint32_t);
  for (std::size_t i = 0; i < series.value_count; ++i) size += series.sizes()[i];
  return std::max(size, sizeof(DynamicSeries));
}

}  // namespace

const HashKey& hash_key = draw_hash_key();

void delete_series(DynamicSeries& series) noexcept {
  delete[] series.earlier.load(std::memory_order_relaxed);
  const std::size_t bytes = bytes_of(series);
  series.~DynamicSeries();
  free_series(&series, bytes);
}

/// Gives a series cells, if it still may have any.
bool attach_series(DynamicSeries& series) noexcept {
  if (!arena_lock.lock()) return false;
  std::uint64_t* cells = __atomic_load_n(&series.cells, __ATOMIC_RELAXED);
  if (cells == nullptr && __atomic_load_n(&series.owner, __ATOMIC_RELAXED) != nullptr) {
    cells = attach_run(series, series);
  }
  arena_lock.unlock();
  return cells != nullptr;
}

DynamicIndex::DynamicIndex(const DynamicKeys& keys, const Instrument& shape)
    : keys_{owned(keys)}, max_series_{keys.max_series}, shape_{shape} {
  tables_.push_back(std::make_unique<SeriesTable>(4));
  table_.store(tables_.back().get(), std::memory_order_release);
  overflow_ = &new_series(nullptr, 0);
  overflow_->is_overflow = true;
  place_in_slot(*overflow_);
}

DynamicIndex::~DynamicIndex() {
  for (const Unlinked& unlinked : unlinked_) delete_series(*unlinked.series);
  for (std::uint32_t slot = 0; slot < slots_used_.load(std::memory_order_relaxed); ++slot) {
    DynamicSeries* const series = at_slot(slot).load(std::memory_order_relaxed);
    if (series == nullptr) continue;
    // The last handle deletes it.
    if (series->references.fetch_or(DynamicSeries::unreachable, std::memory_order_acq_rel) == 0) delete_series(*series);
  }
  for (auto& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);
}

void DynamicIndex::reopen(std::uint32_t max_series) noexcept {
  max_series_.store(max_series, std::memory_order_relaxed);
  // The overflow series is older than the metric's registration and does not know its arena yet.
  for_each([this](DynamicSeries& series) {
    series.arena = shape_.arena;
    series.size = shape_.size;
    __atomic_store_n(&series.owner, &series, __ATOMIC_RELEASE);
  });
}

void DynamicIndex::end() noexcept {
  {
    const auto lock = lock_process();
    const bool locked = arena_lock.lock();
    for_each([](DynamicSeries& series) {
      __atomic_store_n(&series.owner, nullptr, __ATOMIC_RELAXED);
      __atomic_store_n(&series.cells, nullptr, __ATOMIC_RELAXED);
    });
    if (locked) arena_lock.unlock();
  }
  if (!retire_barrier()) return;  // the runs stay, and are read as long as the index is held
  std::vector<Process::Quarantined> free_now;
  {
    const auto lock = lock_process();
    for_each([&](DynamicSeries& series) {
      if (series.place.load(std::memory_order_relaxed) != 0) static_cast<void>(retire_series(series, shape_, free_now));
    });
  }
  free_runs(free_now);
}

void DynamicIndex::forget(std::int64_t now_unix_ns) noexcept {
  for_each([&](DynamicSeries& series) {
    series.born_unix_ns = now_unix_ns;
    if (const auto* const earlier = series.earlier.load(std::memory_order_relaxed); earlier != nullptr) {
      std::fill_n(const_cast<std::uint64_t*>(earlier), shape_.width, 0);
    }
  });
  overflows_.store(0, std::memory_order_relaxed);
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
  series.slot = slot;
  series.arena = shape_.arena;
  series.size = shape_.size;
  series.owner = &series;
  series.born_unix_ns = wall_clock_ns();
  series.id = process().next_id.fetch_add(1, std::memory_order_relaxed);
  at_slot(slot).store(&series, std::memory_order_release);
  if (slot == slots_used_.load(std::memory_order_relaxed)) slots_used_.store(slot + 1, std::memory_order_release);
}

DynamicSeries* DynamicIndex::find(const Text* values) const noexcept {
  return table_.load(std::memory_order_acquire)->find(hash_values(values, keys_.size()), values);
}

DynamicSeries& DynamicIndex::find_or_make(const Text* values) noexcept {
  const std::uint64_t hash = hash_values(values, keys_.size());
  DynamicSeries* const series = table_.load(std::memory_order_acquire)->find(hash, values);
  if (series != nullptr && __atomic_load_n(&series->cells, __ATOMIC_RELAXED) != nullptr) [[likely]]
    return *series;
  return slow(values, hash, false);
}

DynamicSeries& DynamicIndex::acquire(const Text* values) noexcept {
  const std::uint64_t hash = hash_values(values, keys_.size());
  DynamicSeries* const series = table_.load(std::memory_order_acquire)->find(hash, values);
  if (series != nullptr && keep(*series)) return *series;
  return slow(values, hash, true);
}

bool keep(DynamicSeries& series) noexcept {
  std::uint32_t references = series.references.load(std::memory_order_relaxed);
  do {
    if ((references & DynamicSeries::unreachable) != 0) return false;
  } while (!series.references.compare_exchange_weak(references, references + 1, std::memory_order_relaxed));
  return true;
}

/// What is unusual: a series that is new, that has no cells, or for which there is no room.
DynamicSeries& DynamicIndex::slow(const Text* values, std::uint64_t hash, bool keep_it) noexcept try {
  const auto done = [keep_it](DynamicSeries& series) -> DynamicSeries& {
    if (keep_it) static_cast<void>(keep(series));
    return series;
  };
  const auto overflowing = [&]() -> DynamicSeries& {
    overflows_.fetch_add(1, std::memory_order_relaxed);
    static_cast<void>(attach_series(*overflow_));
    return done(*overflow_);
  };

  DynamicSeries* series = table_.load(std::memory_order_acquire)->find(hash, values);
  // Without the lock: records beyond the limit are many, that is what the limit is for.
  if (series == nullptr && live() >= max_series_) return overflowing();

  std::vector<std::string> repaired_values;
  std::vector<Text> texts{values, values + keys_.size()};
  if (!std::all_of(texts.begin(), texts.end(), is_well_formed)) {
    for (const Text text : texts) repaired_values.push_back(repaired(view(text)));
    std::copy(repaired_values.begin(), repaired_values.end(), texts.begin());
    hash = hash_values(texts.data(), texts.size());
  }

  const std::lock_guard lock{mutex_};
  series = table_.load(std::memory_order_relaxed)->find(hash, texts.data());
  if (live() >= max_series_ && (series == nullptr || series->evicted.load(std::memory_order_relaxed))) {
    return overflowing();
  }
  if (series == nullptr) series = &make(texts.data(), hash);
  // What cannot be attached for want of memory is a counted drop when it is written.
  if (!keep_it && attach_series(*series) && series->evicted.exchange(false, std::memory_order_relaxed)) {
    live_.fetch_add(1, std::memory_order_relaxed);
  }
  return done(*series);
} catch (const std::bad_alloc&) {
  overflows_.fetch_add(1, std::memory_order_relaxed);
  static_cast<void>(attach_series(*overflow_));
  if (keep_it) static_cast<void>(keep(*overflow_));
  return *overflow_;
}

void DynamicIndex::erase(DynamicSeries& series) noexcept {
  std::array<Text, 255> values;
  const char* text = series.text();
  for (std::size_t i = 0; i < series.value_count; ++i) {
    values[i] = {text, series.sizes()[i]};
    text += series.sizes()[i];
  }
  table_.load(std::memory_order_relaxed)->erase(hash_values(values.data(), series.value_count), series);
  at_slot(series.slot).store(nullptr, std::memory_order_relaxed);
  free_slots_.push_back(series.slot);
}

void DynamicIndex::drop_old_tables() noexcept {
  const std::lock_guard lock{mutex_};
  // Of those that were replaced before the wait for pins; that one was the last then, it may not be now.
  tables_.erase(tables_.begin(), tables_.begin() + static_cast<std::ptrdiff_t>(droppable_tables_));
  droppable_tables_ = tables_.size() - 1;
}

/// With `mutex_` held.
DynamicSeries& DynamicIndex::make(const Text* values, std::uint64_t hash) {
  SeriesTable* table = table_.load(std::memory_order_relaxed);
  if (table->is_crowded()) {
    tables_.push_back(table->grown());
    table = tables_.back().get();
    table_.store(table, std::memory_order_release);
  }
  DynamicSeries& series = new_series(values, keys_.size());
  try {
    place_in_slot(series);
  } catch (...) {
    delete_series(series);
    throw;
  }
  table->insert(hash, series);
  live_.fetch_add(1, std::memory_order_relaxed);
  return series;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
