// SPDX-License-Identifier: Apache-2.0
//
// What a Registry and a Scope are made of. All of it is guarded by Process::mutex.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fast_telemetry/registry.h"
#include "instrument.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct ReaderState;

/// Shared by the Registry object, its scopes, instruments and readers.
struct RegistryState : std::enable_shared_from_this<RegistryState> {
  std::shared_ptr<RegistryState> owner;                  ///< keeps the state while the Registry object lives
  std::vector<std::shared_ptr<FamilyRecord>> families;   ///< ascending ordinals
  std::unordered_map<std::string, FamilyRecord*> names;  ///< every name a family's samples may have (null: reserved)
  std::vector<ReaderState*> readers;
  std::uint64_t next_ordinal = 1;
  std::uint64_t layout_version = 1;  ///< changes when an instrument comes or goes for good
  std::uint64_t retirements = 0;
  std::vector<Instrument*> held;  ///< retired, oldest first
  std::size_t held_cells = 0;
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

/// Adds a metric to its registry, or continues the held series with the same labels: then returns that instrument, and
/// `fresh` is discarded. Throws std::invalid_argument; changes nothing then. Sets `help_differs` for a diagnostic.
std::shared_ptr<Instrument> add_to_registry(const ScopeState& scope, const Info& info,
                                            const std::shared_ptr<Instrument>& fresh, const Axis* axes,
                                            std::size_t axis_count, bool& help_differs);

/// Holds a retired instrument's final value.
void hold(RegistryState& registry, Instrument& instrument);

/// Lets go of final values that everybody has, or that are too old or too many.
void let_go(RegistryState& registry, std::int64_t now_ns);

/// Lets go of all held finals, in a forked child: they are the parent's.
void let_go_of_all(RegistryState& registry);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
