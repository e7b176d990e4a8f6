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

/// What a lookup by labels and a record do not read: a cache line of its own.
struct SeriesHistory : RunOwner {
  std::uint8_t idle = 0;  ///< sweeps in a row that found nothing new
  std::uint32_t slot = 0;
  std::uint64_t id = 0;
  std::int64_t born_unix_ns = 0;
  /// What the last sweep found in its cells; for an evicted one, when it was evicted (steady clock).
  std::uint64_t seen = 0;
  std::uint64_t retire_order = 0;  ///< position among all retirements of the registry
};
static_assert(sizeof(SeriesHistory) == cache_line);

/// One series. In memory it is followed by the sizes of its texts (SeriesKey) and the texts, so that its second cache
/// line has all that a lookup needs, unless they are long: of two texts, 24 bytes fit.
struct alignas(cache_line) DynamicSeries : SeriesHistory, Site {
  /// Handles, and `unreachable` once the index has let go of it.
  std::atomic<std::uint32_t> references{0};
  std::uint16_t text_count = 0;
  bool is_overflow = false;
  std::atomic<bool> evicted{false};  ///< or was, until it was written again

  static constexpr std::uint32_t unreachable = std::uint32_t{1} << 31;

  /// Where the sizes begin: behind the last member, in what would be padding.
  static constexpr std::size_t text_begin = cache_line + sizeof(Site) + 8;

  [[nodiscard]] const std::uint32_t* sizes() const noexcept {
    return reinterpret_cast<const std::uint32_t*>(reinterpret_cast<const char*>(this) + text_begin);
  }
  [[nodiscard]] const char* text() const noexcept { return reinterpret_cast<const char*>(sizes() + text_count); }
};

// Both compilers support it for a class with plain bases.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
static_assert(DynamicSeries::text_begin == offsetof(DynamicSeries, evicted) + 1);
#pragma GCC diagnostic pop

/// Stands for all label sets that got no series of their own. It never has cells, so what is recorded in it takes the
/// cold path, which counts the record and makes it in the overflow series (overflow_of).
struct RefusedSeries : DynamicSeries {
  explicit RefusedSeries(DynamicSeries& to) noexcept : overflow{to} { kind = OwnerKind::refused; }

  DynamicSeries& overflow;  ///< kept by a reference
  struct Records : RunOwner, Site {
    Records() noexcept { kind = OwnerKind::records; }
  } records;
};

/// Null unless the site is one of a RefusedSeries. `count`: this is a record, and not one part of one.
[[nodiscard]] Site* overflow_of(Site& site, bool count) noexcept;

/// Counts a handle. False: the series is out of the index.
bool keep(DynamicSeries& series) noexcept;
void delete_series(DynamicSeries& series) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
