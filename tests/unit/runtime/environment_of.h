// SPDX-License-Identifier: Apache-2.0
//
// environment_of: options from variables that a test writes down.
#pragma once

#include <string>
#include <vector>

#include "fast_telemetry/runtime/environment.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace testing_support {

/// `NAME=value` each.
inline EnvironmentOptions environment_of(const std::vector<std::string>& variables) {
  std::vector<const char*> pointers;
  for (const std::string& variable : variables) pointers.push_back(variable.c_str());
  pointers.push_back(nullptr);
  return options_from_environment(pointers.data());
}

}  // namespace testing_support
FAST_TELEMETRY_END_NAMESPACE
