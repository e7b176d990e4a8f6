// SPDX-License-Identifier: Apache-2.0
//
// Exemplars as OTLP has them: opentelemetry.proto.metrics.v1.Exemplar.
#pragma once

#include <cstdint>

#include "fast_telemetry/visitor.h"
#include "otlp_number.h"
#include "protobuf.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// As a field of a message that is being written into `out`. `window` is its point's. `scratch` is for text that has to
/// be repaired.
void append_otlp_exemplar(ByteBuffer& out, FieldNumber field, const Exemplar& exemplar, const OtlpNumber& value,
                          const OtlpWindow& window, ByteBuffer& scratch);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
