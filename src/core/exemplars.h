// SPDX-License-Identifier: Apache-2.0
//
// The slots that exemplars are kept in.
//
// A metric that is given a trace gets a slot per cell. Slots are runs of an arena whose copies of a cell are a slot's
// fields, so that the priorities, which every offer looks at, lie side by side and apart from what is written with
// them.
#pragma once

#include <cstdint>

#include "arena.h"
#include "fast_telemetry/trace_ref.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// An exemplar as one reader has it.
struct KeptExemplar {
  TraceRef trace{};
  double value = 0;
  std::int64_t time_unix_ns = 0;
  std::uint64_t sequence = 0;  ///< of the slot; 0: there is none
  std::uint64_t accepted = 0;  ///< the sequence that the reader accepted last
};

/// Copies what the slot has and begins its next window. A slot that is just being written leaves `kept` as it was.
/// `slot` is in the first copy, like `slots` of a Site.
void take_exemplar(std::uint64_t* slot, KeptExemplar& kept) noexcept;

extern constinit Arena exemplar_arena;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
