// SPDX-License-Identifier: Apache-2.0
//
// What samplers are made of.
#pragma once

#include "fast_telemetry/spans/tracer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// A sampler's decision. Immortal.
struct Rule : SamplingRule {
  /// `chosen_below`: for Verdict::by_id.
  Rule(Verdict roots, Verdict children, std::uint64_t chosen_below = 0) noexcept;
  virtual ~Rule() = default;

  // What a tracer may decide without asking.
  const Verdict for_roots;
  const Verdict for_children;
  const std::uint64_t ids_below;  ///< of Verdict::by_id: of 2^56

  /// The trace ids that are chosen, by their low 56 bits. `low_half`: as it lies in the id, whose bytes are big-endian.
  [[nodiscard]] bool is_chosen(std::uint64_t low_half) const noexcept {
    return (__builtin_bswap64(low_half) & ~std::uint64_t{0} >> 8U) < ids_below;
  }

 private:
  const Rule* next_;  ///< of all there are, as in TracerState
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
