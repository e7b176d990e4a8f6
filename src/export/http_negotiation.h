// SPDX-License-Identifier: Apache-2.0
//
// What a request's header asks for. Pure functions of text that an attacker may have written.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Reads `Accept-Encoding` fields (RFC 9110, 12.5.3), one after the other: several fields are one list.
class AcceptEncoding {
 public:
  void field(std::string_view value) noexcept;

  /// Whether gzip is offered, not refused (`q=0`), and not less wanted than no compression.
  [[nodiscard]] bool gzip() const noexcept;

 private:
  // Thousandths; nothing: not named.
  std::optional<int> gzip_;
  std::optional<int> identity_;
  std::optional<int> any_;
};

/// How long a scrape may take, from `X-Prometheus-Scrape-Timeout-Seconds`: a margin less than the scraper waits, for
/// the way back. Nothing when the field is not a positive number.
[[nodiscard]] std::optional<std::chrono::milliseconds> scrape_budget(std::string_view timeout_field) noexcept;

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
