// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/build_info.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

InfoMetric build_info(const Scope& scope, const BuildInfo& build) {
  return InfoMetric{scope,
                    {.name = "build", .help = "The build of this program: the value is always 1."},
                    {{"version", build.version},
                     {"revision", build.revision},
                     {"branch", build.branch},
                     {"compiler", build.compiler}}};
}

Text library_version() noexcept { return FAST_TELEMETRY_VERSION; }  // from CMake

FAST_TELEMETRY_END_NAMESPACE
