// SPDX-License-Identifier: Apache-2.0
//
// Counts the process's heap allocations, and makes one fail. For tests that promise none, or to survive any; link
// allocation_counter.cc into the test.
#pragma once

#include <cstdint>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Calls of malloc, calloc, realloc, aligned_alloc, posix_memalign and operator new so far, on any thread.
[[nodiscard]] std::uint64_t allocations() noexcept;

/// The n-th allocation from here on fails, on whichever thread: 1 is the next. 0: none. Not where a sanitizer brings
/// its own malloc: none can be made to fail.
void fail_allocation(std::uint64_t n) noexcept;

FAST_TELEMETRY_END_NAMESPACE
