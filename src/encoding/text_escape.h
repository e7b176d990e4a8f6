// SPDX-License-Identifier: Apache-2.0
//
// What the Prometheus text formats do to text that others chose: label values and help.
#pragma once

#include <string_view>

#include "fast_telemetry/encoding/buffer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Exposition format 0.0.4, "Comments, help text, and type information", and OpenMetrics 1.0, "Escaping": in label
/// values exactly backslash, quote and newline are escaped. Ill-formed UTF-8 fails a whole scrape, so it becomes
/// U+FFFD. A NUL is legal between quotes.
void append_label_value(ByteBuffer& out, std::string_view value);

/// Same place: in help text exactly backslash and newline are escaped; a quote must not be. A NUL outside quotes ends
/// Prometheus's view of the exposition without an error, so it becomes U+FFFD too.
void append_help(ByteBuffer& out, std::string_view help);

/// OpenMetrics 1.0, "Escaping": in its help a quote is escaped too. A NUL becomes U+FFFD here as well.
void append_open_metrics_help(ByteBuffer& out, std::string_view help);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
