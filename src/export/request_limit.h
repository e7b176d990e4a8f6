// SPDX-License-Identifier: Apache-2.0
//
// RequestLimit: how large requests may become, as receivers teach it.
#pragma once

#include <algorithm>
#include <cstddef>

#include "fast_telemetry/export/delivery.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What is refused as too large is lost, since a request that is finished cannot be cut; those after it are at most
/// half as large. They never grow again: nobody says when they might.
class RequestLimit {
 public:
  explicit RequestLimit(std::size_t bytes) noexcept : bytes_{bytes} {}

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  void made(std::size_t request_bytes) noexcept { largest_ = std::max(largest_, request_bytes); }

  /// After a round of sending what was made.
  void learn(const DeliveryInfo& round) noexcept {
    if (round.dropped_too_large == 0 || largest_ == 0) return;
    bytes_ = std::min(bytes_, std::max(largest_ / 2, least));
    largest_ = 0;  // what is still on its way is no news
  }

 private:
  static constexpr std::size_t least = std::size_t{16} << 10U;  // arbitrary: some spans, and the resource

  std::size_t bytes_;
  std::size_t largest_ = 0;  ///< of those made under this limit
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
