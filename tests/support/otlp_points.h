// SPDX-License-Identifier: Apache-2.0
//
// What requests of OTLP's metrics add up to, read by otlp_text.h.
#pragma once

#include <cstdint>
#include <map>
#include <sstream>
#include <string>

#include "tests/support/otlp_text.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

struct OtlpPoints {
  std::map<std::string, std::int64_t> sums;   ///< of all integer points, by the metric's name
  std::map<std::string, std::int64_t> last;   ///< the last one of each metric
  std::map<std::string, std::string> starts;  ///< of each metric's last point
  std::map<std::string, std::string> kinds;   ///< "1": deltas, "2": cumulative
  std::uint64_t points = 0;

  /// Throws std::runtime_error if it is none.
  void add(const std::string& request) {
    std::istringstream lines{otlp_metrics_text(request)};
    std::string metric;
    for (std::string line; std::getline(lines, line);) {
      const std::size_t indent = line.find_first_not_of(' ');
      const std::size_t colon = line.find(": ");
      const std::string key = line.substr(indent, colon == line.npos ? line.npos : colon - indent);
      const std::string value = colon == line.npos ? "" : line.substr(colon + 2);
      if (indent == 6 && key == "name") metric = value;
      if (indent == 8 && key == "point") ++points;
      if (indent == 8 && key == "temporality") kinds[metric] = value;
      if (indent == 10 && key == "start") starts[metric] = value;
      if (indent == 10 && key == "int") sums[metric] += last[metric] = std::stoll(value);
    }
  }
};

FAST_TELEMETRY_END_NAMESPACE
