// SPDX-License-Identifier: Apache-2.0
//
// LibraryFamilies: what exporters of totals show after a registry's metrics.
#pragma once

#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// The library's own state, the accounting of spans in a program that has tracers, and what the system says about the
/// process. A source of families (snapshot.h); throws std::bad_alloc.
struct LibraryFamilies {
  bool process = true;
};

void visit_families(const LibraryFamilies& shown, Visitor& visitor);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
