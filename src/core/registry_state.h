// SPDX-License-Identifier: Apache-2.0
//
// What a Registry and a Scope are made of. All of it is guarded by Process::mutex.
#pragma once

#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fast_telemetry/registry.h"
#include "instrument.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct ReaderState;

/// By ordinal, and so in order of registration.
using Families = std::map<std::uint64_t, std::shared_ptr<FamilyRecord>>;

/// Every name that a family's samples may have (null: reserved).
using SampleNames = std::map<std::string, FamilyRecord*>;

/// Shared by the Registry object, its scopes, instruments and readers. What comes and goes with metrics is kept in
/// nodes that move from one container to another: once they exist, nothing about entering or leaving can fail.
struct RegistryState : std::enable_shared_from_this<RegistryState> {
  std::shared_ptr<RegistryState> owner;  ///< keeps the state while the Registry object lives
  Families families;
  SampleNames names;
  std::vector<ReaderState*> readers;
  std::uint64_t next_reader = 1;
  std::uint64_t next_ordinal = 1;
  std::uint64_t layout_version = 1;  ///< changes when an instrument comes or goes for good
  std::uint64_t retirements = 0;
  std::list<Instrument*> held;  ///< retired, oldest first
  std::size_t held_cells = 0;
  std::size_t held_series = 0;
};

struct ScopeState {
  std::atomic<std::size_t> references{1};
  std::shared_ptr<RegistryState> registry;
  std::string prefix;  ///< joined by `.`
  std::vector<std::pair<std::string, std::string>> labels;
};

/// How long a final value is held for readers behind which many scrapers stand, and how much is held for late readers.
inline constexpr std::int64_t hold_ns = 300LL * 1'000'000'000;
inline constexpr std::int64_t longest_hold_ns = 3 * hold_ns;
inline constexpr std::size_t most_held_cells = std::size_t{1} << 18;
inline constexpr std::size_t most_held_series = std::size_t{1} << 16;

/// Holds a retired instrument's final value. Gauges have none and go at once.
void hold(RegistryState& registry, Instrument& instrument) noexcept;

/// A held instrument's metric has come back.
void unhold(RegistryState& registry, Instrument& instrument) noexcept;

/// Lets go of final values that everybody has, or that are too old or too many.
void let_go(RegistryState& registry, std::int64_t now_ns) noexcept;

/// Lets go of one now, whoever misses it: then the loss is counted.
void give_up(RegistryState& registry, Instrument& instrument, std::int64_t now_ns) noexcept;

/// Lets go of all held finals, in a forked child: they are the parent's.
void let_go_of_all(RegistryState& registry) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
