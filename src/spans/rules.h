// SPDX-License-Identifier: Apache-2.0
//
// What samplers are made of.
#pragma once

#include "fast_telemetry/spans/tracer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// A sampler's decision. Immortal.
struct Rule : SamplingRule {
  Rule(Verdict roots, Verdict children) noexcept;
  virtual ~Rule() = default;

  // What a tracer may decide without asking.
  const Verdict for_roots;
  const Verdict for_children;

 private:
  const Rule* next_;  ///< of all there are, as in TracerState
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
