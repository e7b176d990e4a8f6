// SPDX-License-Identifier: Apache-2.0
//
// What receivers of OTLP answer with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct OtlpPartialSuccess {
  std::uint64_t rejected = 0;
  std::string message;
};

/// An `ExportTraceServiceResponse` or `ExportMetricsServiceResponse`: they have the same fields. All zero for one that
/// has no partial success, which is what an empty one means, too. Nothing: it is no such message. Throws
/// std::bad_alloc.
[[nodiscard]] std::optional<OtlpPartialSuccess> parse_otlp_reply(std::string_view bytes);

/// The message of a `google.rpc.Status`, which is the body of other answers; empty when there is none. The same.
[[nodiscard]] std::string parse_rpc_status(std::string_view bytes);

/// Whether a Content-Type is that of protobuf messages: parameters do not matter, nor does upper case.
[[nodiscard]] bool is_protobuf(std::string_view content_type) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
