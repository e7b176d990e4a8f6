// SPDX-License-Identifier: Apache-2.0
//
// The versioned namespace that everything lives in, and which write path this build uses. For the library itself.
#pragma once

#include <cstddef>
#include <cstdint>

// 1: per-CPU cells written by restartable sequences. 0: locked adds always, so that sanitizers see every access.
// The library's build decides and hands the same value to its users (CMake and pkg-config both carry it). The detection
// below serves other build systems; a wrong guess is a link error, because the flavour is part of the namespace.
#ifndef FAST_TELEMETRY_RSEQ
#ifdef __has_feature  // Clang's way of asking; GCC 12 defines macros
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FAST_TELEMETRY_RSEQ 0
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAST_TELEMETRY_RSEQ 0
#endif
#endif
#if !defined(FAST_TELEMETRY_RSEQ) && defined(__linux__) && (defined(__x86_64__) || defined(__AARCH64EL__)) && \
    defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 35)
#define FAST_TELEMETRY_RSEQ 1
#endif
#endif
#ifndef FAST_TELEMETRY_RSEQ
#define FAST_TELEMETRY_RSEQ 0
#endif

#if FAST_TELEMETRY_RSEQ
#define FAST_TELEMETRY_ABI v0
#else
#define FAST_TELEMETRY_ABI v0_locked
#endif

// Default visibility for the whole namespace: the library is built with hidden visibility, and marking each class
// would only repeat this line.
#define FAST_TELEMETRY_BEGIN_NAMESPACE \
  namespace fast_telemetry {           \
  inline namespace [[gnu::visibility("default")]] FAST_TELEMETRY_ABI {
#define FAST_TELEMETRY_END_NAMESPACE \
  }                                  \
  }
