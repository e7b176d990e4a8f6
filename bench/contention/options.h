// SPDX-License-Identifier: Apache-2.0
//
// The options that the programs of this folder share, and what they do about wrong ones.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <thread>

#include "json_line.h"
#include "run.h"

namespace contention {

/// The status of a program whose options are wrong, or whose answer is.
inline constexpr int wrong = 2;

/// As text, for the JSON line, what RunOptions has as values.
inline const char* affinity_name(const RunOptions& options) { return options.is_pinned ? "round_robin" : "off"; }

inline void add_run_options(CLI::App& app, RunOptions& options) {
  options.threads = std::max(std::thread::hardware_concurrency(), 1U);
  app.add_option("--threads", options.threads, "threads that record")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  auto* const iters =
      app.add_option("--iters", options.iters, "operations of each thread, after a warm-up of a tenth as many")
          ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 50U));
  app.add_option("--seconds", options.seconds, "instead: about how long the measured part lasts")
      ->check(CLI::Range(1e-6, 3600.0))
      ->excludes(iters)
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--affinity", [&options](const std::string& name) { options.is_pinned = name == "round_robin"; },
         "off, or round_robin: each writer on one CPU")
      ->check(CLI::IsMember({"off", "round_robin"}));
  app.add_option_function<unsigned>(
         "--export-interval-ms", [&options](unsigned ms) { options.export_interval = std::chrono::milliseconds{ms}; },
         "the exporter's interval (10); 0: nobody exports")
      ->check(CLI::Range(0, 3'600'000));
}

/// Writes what all programs report of a run.
inline void add_run_result(JsonLine& line, const RunOptions& options, const RunResult& result) {
  const auto operations = static_cast<double>(result.operations);
  const double cpu_s = result.cpu_user_s + result.cpu_system_s;
  line.add("threads", options.threads)
      .add("iters", result.iters)
      .add("affinity", affinity_name(options))
      .add("export_interval_ms", options.export_interval.count())
      .add("operations", result.operations)
      .add("record_s", result.record_s)
      .add("total_s", result.total_s)
      .add("ops_per_s", operations / result.record_s)
      .add("writer_ns_per_op", result.writer_cpu_s * 1e9 / operations)
      .add("wall_ns_per_op", result.record_s * 1e9 * static_cast<double>(options.threads) / operations)
      .add("cpu_user_s", result.cpu_user_s)
      .add("cpu_system_s", result.cpu_system_s)
      .add("cpu_ns_per_op", cpu_s * 1e9 / operations)
      .add("average_cores", cpu_s / result.total_s)
      .add("ops_per_cpu_s", operations / cpu_s)
      .add("exports", result.exports)
      .add("export_ms", result.exports == 0 ? 0 : result.export_s * 1e3 / static_cast<double>(result.exports))
      .add("export_bytes", result.export_bytes);
}

#ifdef __clang__
inline constexpr const char* compiler = __VERSION__;  // "Debian Clang 14.0.6"
#else
inline constexpr const char* compiler = "GCC " __VERSION__;
#endif

}  // namespace contention
