// SPDX-License-Identifier: Apache-2.0
//
// What a fold takes out of extremum cells, and for whom it is kept.
//
// An extremum cannot be had as a difference of two totals, so it is taken: the fold empties the cells, and what it
// found is merged into a window of every registered reader, whoever collects.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct Instrument;
struct ReaderState;
struct RegistryState;

/// Keys (extremum_key.h) of an instrument's extremum cells, one point's after the other's; 0: nothing observed.
using Keys = std::vector<std::uint64_t>;

struct Extrema {
  explicit Extrema(std::size_t count) : all_time{new std::atomic<std::uint64_t>[count] {}}, size{count} {}

  /// Since the metric was made. Read by the metric itself, without a lock.
  std::unique_ptr<std::atomic<std::uint64_t>[]> all_time;
  std::size_t size;

  /// What one reader has not had yet.
  struct Window {
    std::uint64_t reader;  ///< ReaderState::id
    Keys shown;    ///< in a collection that was not accepted. Of readers with Finals::held: in the window before.
    Keys pending;  ///< since then
    std::int64_t since_ns;  ///< when `pending` began
  };
  std::vector<Window> windows;  ///< guarded by Process::mutex

  /// In a forked child: the parent's observations are the parent's.
  void forget() noexcept;
};

/// Empties the cells of the instrument's run into all_time and `keys`, which must have extrema->size elements. No lock;
/// with the run out of reach of anybody who frees it.
void take_extrema(const Instrument& instrument, std::uint64_t place, std::uint64_t* keys) noexcept;

/// Merges what was taken into the windows of all the registry's readers. With Process::mutex held.
void merge_extrema(const RegistryState& registry, Instrument& instrument, const std::uint64_t* keys);

/// What the reader is to be shown: `keys` gets extrema->size elements. With Process::mutex held.
void show_extrema(const ReaderState& reader, Instrument& instrument, std::int64_t now_ns, std::uint64_t* keys);

/// The reader accepted what it was shown. With Process::mutex held.
void accept_extrema(const ReaderState& reader, Instrument& instrument) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
