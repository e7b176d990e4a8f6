// SPDX-License-Identifier: Apache-2.0
#include "extrema.h"

#include <algorithm>

#include "reader_state.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

void keep_greater(Keys& kept, const std::uint64_t* keys) noexcept {
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = std::max(kept[i], keys[i]);
}

Keys copy_of(const Extrema& extrema) {
  Keys keys(extrema.size);
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = extrema.all_time[i].load(std::memory_order_relaxed);
  return keys;
}

/// The reader's window. One that is new, of a reader or of a metric, begins with everything.
Extrema::Window& window_of(const ReaderState& reader, Extrema& extrema) {
  for (auto& window : extrema.windows) {
    if (window.reader == reader.id) return window;
  }
  extrema.windows.push_back({reader.id, Keys(extrema.size), copy_of(extrema), 0});
  return extrema.windows.back();
}

}  // namespace

void Extrema::forget() noexcept {
  for (std::size_t i = 0; i < size; ++i) all_time[i].store(0, std::memory_order_relaxed);
  windows.clear();
}

void take_extrema(const Instrument& instrument, std::uint64_t place, std::uint64_t* keys) noexcept {
  const std::uint64_t* const run = instrument.arena().at(place);
  for (std::size_t i = 0; i < instrument.extrema->size; ++i) {
    keys[i] = instrument.arena().take_greatest(run + instrument.extremum_cell(i), instrument.extrema->all_time[i]);
  }
}

void merge_extrema(const RegistryState& registry, Instrument& instrument, const std::uint64_t* keys) {
  Extrema& extrema = *instrument.extrema;
  std::erase_if(extrema.windows, [&registry](const Extrema::Window& window) {
    return std::none_of(registry.readers.begin(), registry.readers.end(),
                        [&window](const ReaderState* reader) { return reader->id == window.reader; });
  });
  for (const ReaderState* const reader : registry.readers) keep_greater(window_of(*reader, extrema).pending, keys);
}

void show_extrema(const ReaderState& reader, Instrument& instrument, std::int64_t now_ns, std::uint64_t* keys) {
  Extrema::Window& window = window_of(reader, *instrument.extrema);
  if (reader.options.finals == Finals::once) {
    keep_greater(window.shown, window.pending.data());
    std::fill(window.pending.begin(), window.pending.end(), 0);
    std::copy(window.shown.begin(), window.shown.end(), keys);
    return;
  }
  // Many scrapers behind one reader: what was observed is shown for five minutes at least, and ten at most.
  if (window.since_ns == 0) window.since_ns = now_ns;
  if (now_ns - window.since_ns >= hold_ns) {
    window.shown.swap(window.pending);
    std::fill(window.pending.begin(), window.pending.end(), 0);
    window.since_ns = now_ns;
  }
  for (std::size_t i = 0; i < window.shown.size(); ++i) keys[i] = std::max(window.shown[i], window.pending[i]);
}

void accept_extrema(const ReaderState& reader, Instrument& instrument) noexcept {
  if (reader.options.finals == Finals::held) return;
  for (auto& window : instrument.extrema->windows) {
    if (window.reader == reader.id) std::fill(window.shown.begin(), window.shown.end(), 0);
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
