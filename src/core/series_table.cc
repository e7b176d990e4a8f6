// SPDX-License-Identifier: Apache-2.0
#include "series_table.h"

#include <cstring>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

bool has_texts(const DynamicSeries& series, const SeriesKey& key) noexcept {
  if (series.text_count() != key.count) return false;
  const char* text = series.text();
  for (std::size_t i = 0; i < key.count; ++i) {
    const std::size_t size = series.size(i);
    if (size != key.texts[i].size() || std::memcmp(text, key.texts[i].data(), size) != 0) return false;
    text += size;
  }
  return true;
}

}  // namespace

std::uint64_t hash_of(const DynamicSeries& series) noexcept {
  std::uint64_t hash = begin_hash(series.text_count(), hash_key);
  const char* text = series.text();
  for (std::size_t i = 0; i < series.text_count(); ++i) {
    hash = hash_text(hash, text, series.size(i), hash_key);
    text += series.size(i);
  }
  return end_hash(hash, hash_key);
}

// Zeroed memory is empty groups; constructing them would touch every page.
SeriesTable::SeriesTable(std::size_t groups)
    : mask_{groups - 1}, memory_{allocate_block(groups * sizeof(Group))}, groups_{static_cast<Group*>(memory_.get())} {}

DynamicSeries* SeriesTable::search(const SeriesKey& key) const noexcept {
  for (std::size_t i = key.hash & mask_;; i = (i + 1) & mask_) {
    const Group& group = groups_[i];
    for (std::uint64_t matches = group.matches(key.hash); matches != 0; matches &= matches - 1) {
      DynamicSeries* const series = entry(group, matches);
      if (is_entry(series) && has_texts(*series, key)) return series;
    }
    if (!group.is_full()) return nullptr;
  }
}

void SeriesTable::insert(std::uint64_t hash, DynamicSeries& series) noexcept {
  for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
    if (groups_[i].is_full()) continue;
    const std::uint64_t tags = groups_[i].tags.load(std::memory_order_relaxed);
    const auto used = static_cast<unsigned>(std::bit_width(tags) + 7) / 8;
    groups_[i].series[used].store(&series, std::memory_order_release);
    groups_[i].tags.store(tags | tag_of(hash) << 8 * used, std::memory_order_release);
    ++taken_;
    ++live_;
    return;
  }
}

void SeriesTable::erase(const DynamicSeries& series) noexcept {
  for (std::size_t i = hash_of(series) & mask_;; i = (i + 1) & mask_) {
    for (auto& entry : groups_[i].series) {
      if (entry.load(std::memory_order_relaxed) != &series) continue;
      entry.store(erased(), std::memory_order_relaxed);
      --live_;
      return;
    }
  }
}

std::unique_ptr<SeriesTable> SeriesTable::grown() const {
  std::size_t groups = mask_ + 1;
  while (live_ * 2 >= groups * group_size) groups *= 2;
  auto table = std::make_unique<SeriesTable>(groups);
  for (std::size_t i = 0; i <= mask_; ++i) {
    for (unsigned e = 0; e < group_size; ++e) {
      DynamicSeries* const series = groups_[i].series[e].load(std::memory_order_relaxed);
      if (!is_entry(series)) continue;
      table->insert(hash_of(*series), *series);
    }
  }
  return table;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
