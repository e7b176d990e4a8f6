// SPDX-License-Identifier: Apache-2.0
//
// Scraper: one reader and one encoder, and what makes an exposition of them.
#pragma once

#include <atomic>
#include <chrono>

#include "exposer_metrics.h"
#include "fast_telemetry/encoding/buffer.h"
#include "fast_telemetry/encoding/prometheus_text.h"
#include "fast_telemetry/export/exposer.h"
#include "fast_telemetry/snapshot.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

class Scraper {
 public:
  /// Gives up when `stopping` becomes true.
  Scraper(Registry& registry, const ExposerOptions& options, const std::atomic<bool>& stopping)
      : reader_{registry, {.finals = Finals::held}}, options_{options}, stopping_{stopping} {}

  /// Renders all metrics, the storage's own and the process's into `text()`. What it gives up on is not fit to be sent.
  [[nodiscard]] ScrapeOutcome scrape(std::chrono::steady_clock::time_point deadline);

  [[nodiscard]] ByteBuffer& text() noexcept { return text_; }

 private:
  Reader reader_;
  ByteBuffer text_;
  PrometheusTextEncoder encoder_{text_};
  const ExposerOptions& options_;
  const std::atomic<bool>& stopping_;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
