// SPDX-License-Identifier: Apache-2.0
//
// DynamicSeries: one series of a dynamic metric.
#pragma once

#include <atomic>
#include <cstddef>

#include "fast_telemetry/detail/dynamic_registration.h"
#include "instrument.h"
#include "series_key.h"
#include "series_pool.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What a lookup by labels and a record do not read. Apart from what they do, so that of many series as little memory
/// as possible is in the way of their caches.
struct SeriesHistory : RunOwner {
  std::uint8_t idle = 0;  ///< sweeps in a row that found nothing new
  bool is_overflow = false;
  std::atomic<bool> evicted{false};  ///< or was, until it was written again
  std::uint32_t slot = 0;
  std::uint64_t id = 0;
  std::int64_t born_unix_ns = 0;
  /// What the last sweep found in its cells; for an evicted one, when it was evicted (steady clock).
  std::uint64_t seen = 0;
  std::uint64_t retire_order = 0;  ///< position among all retirements of the registry
  /// Handles, and `unreachable` once the index has let go of it.
  std::atomic<std::uint32_t> references{0};

  static constexpr std::uint32_t unreachable = std::uint32_t{1} << 31;
};

/// One series: a cache line has all that a lookup needs, unless its texts are long; of two, 24 bytes fit. In memory it
/// is followed by the sizes of its texts (SeriesKey) and the texts.
struct alignas(cache_line) DynamicSeries : Site {
  constexpr explicit DynamicSeries(SeriesHistory& its_history) noexcept : history{&its_history} {}

  SeriesHistory* const history;
  /// How many texts, and `long_texts` if their sizes are kept in 32 bits, because one does not fit 16.
  std::uint32_t texts = 0;

  static constexpr std::uint32_t long_texts = std::uint32_t{1} << 31;

  /// Where the sizes begin: behind the last member, in what would be padding.
  static constexpr std::size_t text_begin = sizeof(Site) + sizeof(void*) + sizeof(std::uint32_t);

  [[nodiscard]] std::size_t text_count() const noexcept { return texts & ~long_texts; }
  [[nodiscard]] bool has_long_texts() const noexcept { return (texts & long_texts) != 0; }
  [[nodiscard]] const char* sizes() const noexcept { return reinterpret_cast<const char*>(this) + text_begin; }
  [[nodiscard]] const std::uint16_t* short_sizes() const noexcept {
    return reinterpret_cast<const std::uint16_t*>(sizes());
  }
  [[nodiscard]] std::size_t size(std::size_t i) const noexcept {
    return has_long_texts() ? reinterpret_cast<const std::uint32_t*>(sizes())[i] : short_sizes()[i];
  }
  [[nodiscard]] const char* text() const noexcept {
    return sizes() + text_count() * (has_long_texts() ? sizeof(std::uint32_t) : sizeof(std::uint16_t));
  }
};

// Both compilers support it for a class with plain bases.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
static_assert(DynamicSeries::text_begin == offsetof(DynamicSeries, texts) + sizeof(std::uint32_t));
#pragma GCC diagnostic pop

/// What stands behind the series of all label sets that got none of their own. It never has cells, so what is recorded
/// in it takes the cold path, which counts the record and makes it in the overflow series (overflow_of).
struct RefusedHistory : SeriesHistory {
  explicit RefusedHistory(DynamicSeries& to) noexcept : overflow{to} { kind = OwnerKind::refused; }

  DynamicSeries& overflow;  ///< kept by a reference
  struct Records : RunOwner, Site {
    Records() noexcept { kind = OwnerKind::records; }
  } records;
};
struct RefusedSeries : DynamicSeries {
  explicit RefusedSeries(DynamicSeries& overflow) noexcept : DynamicSeries{own}, own{overflow} {}

  RefusedHistory own;
};

/// Null unless the site is one of a RefusedSeries. `count`: this is a record, and not one part of one.
[[nodiscard]] Site* overflow_of(Site& site, bool count) noexcept;

/// Counts a handle. False: the series is out of the index.
bool keep(DynamicSeries& series) noexcept;
void delete_series(DynamicSeries& series) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
