// SPDX-License-Identifier: Apache-2.0
//
// The one hook through which the library speaks. Silent by default.
#pragma once

#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct Diagnostic {
  std::string_view component;  ///< "storage", "registry", "exposer", …
  std::string_view message;    ///< one sentence; control characters are replaced
  std::uint64_t suppressed;    ///< messages of this component that rate limiting held back since the last one
};

/// Called with each message, from whichever thread noticed; never from a recording call, never with a lock held.
/// Must not throw.
using DiagnosticsCallback = void (*)(const Diagnostic& diagnostic, void* context) noexcept;

/// Sets or (with null) removes the callback, which is told at once what is lastingly amiss: that writes are locked,
/// that cells of destroyed metrics cannot be used again. At most ten messages per component and minute are delivered.
/// A message under way on another thread may still reach the old callback.
void set_diagnostics(DiagnosticsCallback callback, void* context = nullptr) noexcept;

FAST_TELEMETRY_END_NAMESPACE
