// SPDX-License-Identifier: Apache-2.0
//
// RegistryTest: a registry, a scope in it, and what a reader sees of it.
#pragma once

#include <gtest/gtest.h>

#include "fast_telemetry/testing/recording_visitor.h"

class RegistryTest : public testing::Test {
 protected:
  fast_telemetry::RecordingVisitor collect() {
    fast_telemetry::Reader reader{registry};
    return fast_telemetry::RecordingVisitor{reader};
  }

  fast_telemetry::Registry registry;
  fast_telemetry::Scope scope{registry};
};
