// SPDX-License-Identifier: Apache-2.0
//
// Final values: what is held of destroyed metrics, for whom, and when it is let go. Each step costs the same however
// many metrics a family or a registry has: all of them may end at once, and the whole process waits for Process::mutex.
#include <algorithm>

#include "clock.h"
#include "process.h"
#include "reader_state.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// May end the instrument's life.
void remove(RegistryState& registry, Instrument& instrument) noexcept {
  ++registry.layout_version;
  const std::shared_ptr<FamilyRecord> family = instrument.family;
  for (const LabelSets::iterator label_set : instrument.label_sets) family->label_sets.erase(label_set);
  if (instrument.dynamic) --family->dynamic_instruments;
  family->instruments.erase(instrument.id);
  if (!family->instruments.empty()) return;
  for (const std::string& name : family->sample_names) registry.names.erase(name);
  registry.families.erase(family->ordinal);
}

/// Whether letting go of a held instrument now keeps its final value from a reader.
bool is_missed(const RegistryState& registry, const Instrument& instrument, std::int64_t now_ns) noexcept {
  return std::any_of(registry.readers.begin(), registry.readers.end(), [&](const ReaderState* reader) {
    return reader->options.finals == Finals::held ? now_ns - instrument.retired_at_ns < hold_ns
                                                  : reader->taken_retirements < instrument.retire_order;
  });
}

}  // namespace

void hold(RegistryState& registry, Instrument& instrument) noexcept {
  instrument.retired = true;
  instrument.retire_order = ++registry.retirements;
  instrument.retired_at_ns = now_ns();
  if (instrument.is_gauge() || !registry.owner) {
    // A gauge that is gone has no value (conformance: a series that ends is simply no longer exposed).
    remove(registry, instrument);
    return;
  }
  registry.held.splice(registry.held.end(), instrument.held_node);
  registry.held_cells += instrument.run_cells();
  registry.held_series += instrument.points;
  let_go(registry, instrument.retired_at_ns);
}

void unhold(RegistryState& registry, Instrument& instrument) noexcept {
  instrument.held_node.splice(instrument.held_node.end(), registry.held, instrument.held_at);
  registry.held_cells -= instrument.run_cells();
  registry.held_series -= instrument.points;
}

void let_go(RegistryState& registry, std::int64_t now_ns) noexcept {
  std::uint64_t everybody_has = registry.retirements;
  for (const ReaderState* const reader : registry.readers) {
    if (reader->options.finals == Finals::once) everybody_has = std::min(everybody_has, reader->taken_retirements);
  }
  while (!registry.held.empty()) {
    Instrument& oldest = *registry.held.front();
    const std::int64_t age = now_ns - oldest.retired_at_ns;
    const bool taken = oldest.retire_order <= everybody_has;
    const bool too_much = registry.held_cells > most_held_cells || registry.held_series > most_held_series;
    if (!too_much && age < longest_hold_ns && !(taken && age >= hold_ns)) break;
    give_up(registry, oldest, now_ns);
  }
}

void give_up(RegistryState& registry, Instrument& instrument, std::int64_t now_ns) noexcept {
  if (is_missed(registry, instrument, now_ns)) process().finals_dropped += instrument.points;
  unhold(registry, instrument);
  remove(registry, instrument);
}

void let_go_of_all(RegistryState& registry) noexcept {
  while (!registry.held.empty()) {
    Instrument& instrument = *registry.held.front();
    unhold(registry, instrument);
    remove(registry, instrument);
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
