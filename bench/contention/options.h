// SPDX-License-Identifier: Apache-2.0
//
// The options that the programs of this folder share, and what they do about wrong ones.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <thread>

#include "result_line.h"
#include "run.h"

namespace contention {

/// The status of a program whose options are wrong, or whose answer is.
inline constexpr int wrong = 2;

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

}  // namespace contention
