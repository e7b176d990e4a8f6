// SPDX-License-Identifier: Apache-2.0
//
// Whether this is a build under a sanitizer: what counts in millions is counted in fewer there.
#pragma once

#ifndef __has_feature  // Clang's way of asking; GCC defines macros
#define __has_feature(feature) 0
#endif

namespace fast_telemetry {

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
inline constexpr bool is_thread_sanitized = true;
#else
inline constexpr bool is_thread_sanitized = false;
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = is_thread_sanitized;
#endif

}  // namespace fast_telemetry
