// SPDX-License-Identifier: Apache-2.0
//
// Counts the process's heap allocations. For tests that promise none; link allocation_counter.cc into the test.
#pragma once

#include <cstdint>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Calls of malloc, calloc, realloc, aligned_alloc, posix_memalign and operator new so far, on any thread.
[[nodiscard]] std::uint64_t allocations() noexcept;

FAST_TELEMETRY_END_NAMESPACE
