// SPDX-License-Identifier: Apache-2.0
//
// SeriesTable: finds series by what they are called.
#pragma once

#include <atomic>
#include <bit>
#include <memory>

#include "dynamic_series.h"
#include "series_pool.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// In place of a series that was erased: searches go on past it.
inline DynamicSeries* erased() noexcept { return reinterpret_cast<DynamicSeries*>(1); }
inline bool is_entry(const DynamicSeries* entry) noexcept { return reinterpret_cast<std::uintptr_t>(entry) > 1; }

/// As its texts' SeriesKey has it.
[[nodiscard]] std::uint64_t hash_of(const DynamicSeries& series) noexcept;

/// Open addressing, published whole: readers use the one they loaded until they unpin.
class SeriesTable {
 public:
  /// A power of two.
  explicit SeriesTable(std::size_t groups);

  // Inline, like all that a lookup does: the calls would cost as much as the work.
  [[gnu::always_inline]] [[nodiscard]] DynamicSeries* find(const SeriesKey& key) const noexcept;

  // With the index's mutex held.
  void insert(std::uint64_t hash, DynamicSeries& series) noexcept;
  void erase(const DynamicSeries& series) noexcept;
  [[nodiscard]] bool is_crowded() const noexcept { return taken_ * 4 >= (mask_ + 1) * group_size * 3; }
  [[nodiscard]] std::unique_ptr<SeriesTable> grown() const;

 private:
  static constexpr unsigned group_size = 7;
  /// One cache line, filled in order.
  struct Group {
    std::atomic<std::uint64_t> tags;  ///< a byte per entry, from the lowest on; 0: it was never used
    std::atomic<DynamicSeries*> series[group_size];

    /// The entries that may be meant: of each, the highest bit of its byte. All at once: a branch for each would be
    /// guessed wrong, and then waits for memory by itself. Besides those that have the tag, in rare cases others.
    [[nodiscard]] std::uint64_t matches(std::uint64_t hash) const noexcept {
      constexpr std::uint64_t ones = 0x0001'0101'0101'0101;
      // Acquire: pairs with the release in insert(); who sees a tag sees its entry.
      const std::uint64_t different = tags.load(std::memory_order_acquire) ^ tag_of(hash) * ones;
      return (different - ones) & ~different & ones << 7;
    }
    [[nodiscard]] bool is_full() const noexcept { return tags.load(std::memory_order_acquire) >> 48 != 0; }
  };

  /// Of bits that have no say in which group it is. Never 0.
  [[nodiscard]] static constexpr std::uint64_t tag_of(std::uint64_t hash) noexcept {
    const std::uint64_t tag = hash >> 56;
    return tag + (tag == 0);
  }
  [[nodiscard]] static DynamicSeries* entry(const Group& group, std::uint64_t matches) noexcept {
    // Acquire: pairs with the release in insert(); whoever sees the series sees its texts.
    return group.series[std::countr_zero(matches) / 8].load(std::memory_order_acquire);
  }
  static_assert(sizeof(Group) == cache_line);
  [[gnu::noinline]] [[nodiscard]] DynamicSeries* search(const SeriesKey& key) const noexcept;

  std::size_t mask_;
  std::size_t taken_ = 0;  ///< entries that were ever used, erased ones included
  std::size_t live_ = 0;
  Block memory_;
  Group* groups_;
};

/// What is nearly always so: the first group has it, and its texts are short. Everything else is search()'s.
inline DynamicSeries* SeriesTable::find(const SeriesKey& key) const noexcept {
  const Group& group = groups_[key.hash & mask_];
  const std::uint64_t matches = group.matches(key.hash);
  if (matches == 0) return search(key);
  DynamicSeries* const series = entry(group, matches);
  if (!is_entry(series) || series->texts != key.count) return search(key);
  const std::uint16_t* const sizes = series->short_sizes();
  const char* text = reinterpret_cast<const char*>(sizes + key.count);
  for (std::size_t i = 0; i < key.count; ++i) {
    const std::size_t size = sizes[i];
    if (size != key.texts[i].size() || size > longest_short_text) return search(key);
    if (!same_short_text(text, key.texts[i].data(), size)) return search(key);
    text += size;
  }
  return series;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
