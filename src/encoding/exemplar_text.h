// SPDX-License-Identifier: Apache-2.0
//
// How OpenMetrics writes an exemplar.
#pragma once

#include "fast_telemetry/encoding/buffer.h"
#include "fast_telemetry/visitor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Appends ` # {trace_id="…",span_id="…",labels} value time` to a sample (OpenMetrics 1.0, "Exemplars"), or nothing.
///
/// Names and values of an exemplar's labels may have 128 code points together. One that has more loses its labels
/// beyond the ids; one whose ids alone have more is left out. A label whose key is no label name, or comes a second
/// time, is left out too: either would fail the whole scrape.
void append_exemplar(ByteBuffer& out, const Exemplar& exemplar);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
