// SPDX-License-Identifier: Apache-2.0
//
// ResourceAttribute: what OTLP says of the process whose spans and metrics it has. For programs that export.
#pragma once

#include "fast_telemetry/spans/attribute.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Something that holds for the whole process, such as `{"service.name", name}`. The key may be any text.
struct ResourceAttribute {
  Text key;
  AttributeValue value;
};

FAST_TELEMETRY_END_NAMESPACE
