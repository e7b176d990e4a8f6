// SPDX-License-Identifier: Apache-2.0
//
// Environment variables: what OpenTelemetry's and Datadog's say about exporting, as options. For a program's main.
#pragma once

#include <string>
#include <vector>

#include "fast_telemetry/runtime/telemetry_options.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct EnvironmentOptions {
  TelemetryOptions telemetry = {};
  /// A variable and what is wrong with it, one a line: `OTEL_METRIC_EXPORT_INTERVAL='5s': no whole number from …`.
  /// Without headers' values, and without what stands in a URL beside scheme, host and path.
  std::vector<std::string> warnings = {};
};

/// What the process's environment asks for, with OpenTelemetry's defaults: metrics and spans by OTLP to
/// http://localhost:4318, nothing else. Change it before it is used, and what the program says stands:
///
///     ft::EnvironmentOptions environment = ft::options_from_environment();
///     environment.telemetry.metrics.at_start = true;
///     ft::Telemetry telemetry{environment.telemetry};
///
/// An empty variable is one that is not set. One that makes no sense has a warning, and is as good as not set; only an
/// endpoint or an agent's address that is none turns its exporter off, so that nothing goes to a place that was not
/// meant. The warnings are told to the diagnostics hook as well, as of component "environment" (ten in a minute). All
/// variables, and those that are not supported: docs/guide/environment.md.
///
/// DogStatsD is on when DD_DOGSTATSD_URL, DD_AGENT_HOST or DD_DOGSTATSD_PORT is set. Files of TLS are not opened here:
/// one that cannot be read is an error of the exporter, at its start.
///
/// A program that runs with more rights than who started it (set-user-ID) is not configured by that one: it gets the
/// defaults, with a warning. Call it before threads are started that call setenv. Throws std::bad_alloc only.
[[nodiscard]] EnvironmentOptions options_from_environment();

/// What these variables ask for: `NAME=value` each, ended by a null pointer; main's third argument, for example. Tells
/// the diagnostics hook nothing.
[[nodiscard]] EnvironmentOptions options_from_environment(const char* const* variables);

FAST_TELEMETRY_END_NAMESPACE
