// SPDX-License-Identifier: Apache-2.0
//
// What a dynamic metric at its limit refused: for people who have to find out which label explodes.
#pragma once

#include <string>
#include <vector>

#include "fast_telemetry/info.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// A value of a refused label set.
struct HeavyValue {
  std::string value;          ///< its first 64 bytes
  std::uint64_t lookups = 0;  ///< refused lookups with it: at least `lookups` - `error`, at most `lookups`
  std::uint64_t error = 0;
};

/// One label key of refused label sets.
struct RefusedKey {
  std::string key;
  /// How many different values were refused: an estimate with a standard error of 6.5 % (HyperLogLog, 256 registers);
  /// of few values two may be taken for one.
  double distinct_values = 0;
  /// The heaviest of them, heaviest first; at most 16 (space-saving: what makes more than a sixteenth of all lookups is
  /// among them).
  std::vector<HeavyValue> heaviest;
};

/// A dynamic metric's series, and what got none. Costs a lock and some copies; thread-safe.
struct CardinalityReport {
  std::uint64_t id = 0;        ///< of the metric; not used again
  std::string metric;          ///< full name
  std::uint64_t series = 0;    ///< label sets that have a series
  std::uint64_t limit = 0;     ///< DynamicOptions::max_series
  std::uint64_t overflow = 0;  ///< records in the overflow series
  /// Refused lookups that were looked at. Fewer than all: a lookup never waits for another one's being looked at, and
  /// records through a handle are not looked up.
  std::uint64_t lookups = 0;
  std::vector<RefusedKey> refused;  ///< by distinct values, most first: the first key is the one that explodes
};

FAST_TELEMETRY_END_NAMESPACE
