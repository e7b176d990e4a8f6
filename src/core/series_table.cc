// SPDX-License-Identifier: Apache-2.0
#include "dynamic_index.h"
#include "series_hash.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// In place of a series that was erased: searches go on past it.
DynamicSeries* erased() noexcept {
  static constinit char marker = 0;
  return reinterpret_cast<DynamicSeries*>(&marker);
}

bool has_values(const DynamicSeries& series, const Text* values) noexcept {
  const std::uint32_t* const sizes = series.sizes();
  const char* text = series.text();
  for (std::size_t i = 0; i < series.value_count; ++i) {
    if (sizes[i] != values[i].size() || !same_text(text, values[i].data(), sizes[i])) return false;
    text += sizes[i];
  }
  return true;
}

}  // namespace

SeriesTable::SeriesTable(std::size_t capacity) : mask_{capacity - 1}, entries_{std::make_unique<Entry[]>(capacity)} {}

DynamicSeries* SeriesTable::find(std::uint64_t hash, const Text* values) const noexcept {
  for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
    const Entry& entry = entries_[i];
    // Acquire: pairs with the release in insert(); whoever sees the series sees its values.
    DynamicSeries* const series = entry.series.load(std::memory_order_acquire);
    if (series == nullptr) return nullptr;
    if (entry.hash.load(std::memory_order_relaxed) != hash || series == erased()) continue;
    if (has_values(*series, values)) return series;
  }
}

void SeriesTable::insert(std::uint64_t hash, DynamicSeries& series) noexcept {
  std::size_t i = hash & mask_;
  while (entries_[i].series.load(std::memory_order_relaxed) != nullptr) i = (i + 1) & mask_;
  entries_[i].hash.store(hash, std::memory_order_relaxed);
  entries_[i].series.store(&series, std::memory_order_release);
  ++taken_;
  ++live_;
}

void SeriesTable::erase(std::uint64_t hash, const DynamicSeries& series) noexcept {
  std::size_t i = hash & mask_;
  while (entries_[i].series.load(std::memory_order_relaxed) != &series) i = (i + 1) & mask_;
  entries_[i].series.store(erased(), std::memory_order_relaxed);
  --live_;
}

std::unique_ptr<SeriesTable> SeriesTable::grown() const {
  std::size_t capacity = mask_ + 1;
  while (live_ * 2 >= capacity) capacity *= 2;
  auto table = std::make_unique<SeriesTable>(capacity);
  for (std::size_t i = 0; i <= mask_; ++i) {
    DynamicSeries* const series = entries_[i].series.load(std::memory_order_relaxed);
    if (series == nullptr || series == erased()) continue;
    table->insert(entries_[i].hash.load(std::memory_order_relaxed), *series);
  }
  return table;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
