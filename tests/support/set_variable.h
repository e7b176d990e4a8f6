// SPDX-License-Identifier: Apache-2.0
//
// SetVariable: an environment variable for the time of a test.
#pragma once

#include <cstdlib>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// The tests of a program run one after the other; one that uses this has no thread beside it that reads variables.
class SetVariable {
 public:
  SetVariable(const char* name, const char* value) : name_{name} { ::setenv(name, value, 1); }
  ~SetVariable() { ::unsetenv(name_); }
  SetVariable(const SetVariable&) = delete;
  SetVariable& operator=(const SetVariable&) = delete;

 private:
  const char* name_;
};

FAST_TELEMETRY_END_NAMESPACE
