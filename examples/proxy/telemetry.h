// SPDX-License-Identifier: Apache-2.0
//
// With telemetry or without: the only line of the proxy that knows of both.
#pragma once

#ifdef FAST_TELEMETRY_PROXY_BARE
#include "proxy_metrics_none.h"
#include "tracing_none.h"
#else
#include "fast_telemetry/export/exposer.h"
#include "proxy_metrics.h"
#include "tracing.h"
namespace proxy {
using fast_telemetry::Exposer;
using fast_telemetry::ExposerOptions;
using fast_telemetry::Registry;
}  // namespace proxy
#endif
