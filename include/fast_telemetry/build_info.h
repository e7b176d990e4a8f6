// SPDX-License-Identifier: Apache-2.0
//
// build_info(): which build of the program runs. For the program that exports.
#pragma once

#include "fast_telemetry/info_metric.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {

#ifdef __clang__
inline constexpr const char* compiler = __VERSION__;  // "Debian Clang 14.0.6"
#else
inline constexpr const char* compiler = "GCC " __VERSION__;
#endif

}  // namespace detail

/// What build_info() says. What is empty is left out.
struct BuildInfo {
  Text version = {};
  Text revision = {};  ///< of the source: a commit's hash
  Text branch = {};
  Text compiler = detail::compiler;  ///< the one that compiles the line with the BuildInfo
};

/// Registers the info metric `build` with these labels: `build_info{version="…",revision="…"} 1`, under the scope's
/// prefix if it has one. With its labels, and in OpenMetrics as an info, it is what Prometheus's exporters call
/// `<name>_build_info`. Keep what it returns for as long as it shall be exported. Throws as InfoMetric does.
[[nodiscard]] InfoMetric build_info(const Scope& scope, const BuildInfo& build);

/// The version of this library that the program is linked with: "0.1.0".
[[nodiscard]] Text library_version() noexcept;

FAST_TELEMETRY_END_NAMESPACE
