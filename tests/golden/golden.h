// SPDX-License-Identifier: Apache-2.0
//
// Comparing bytes with a reviewed file of this folder.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Whether the file (relative to tests/golden) has these bytes. Writes it instead when FAST_TELEMETRY_UPDATE_GOLDEN is
/// set, which tools/update_golden.py does.
[[nodiscard]] inline testing::AssertionResult golden_matches(const std::string& file, std::string_view bytes) {
  const std::string path = FAST_TELEMETRY_GOLDEN_DIR "/" + file;
  if (std::getenv("FAST_TELEMETRY_UPDATE_GOLDEN") != nullptr) {
    std::ofstream out{path, std::ios::binary};
    out << bytes;
    out.close();
    return out.good() ? testing::AssertionSuccess() : testing::AssertionFailure() << "cannot write " << path;
  }
  std::ifstream in{path, std::ios::binary};
  const std::string expected{std::istreambuf_iterator<char>{in}, {}};
  if (in && expected == bytes) return testing::AssertionSuccess();
  return testing::AssertionFailure() << path << " says\n"
                                     << expected << "\nbut written was\n"
                                     << bytes << "\n(tools/update_golden.py makes what is written the reviewed bytes)";
}

FAST_TELEMETRY_END_NAMESPACE
