// SPDX-License-Identifier: Apache-2.0
//
// Scraper: one reader, an encoder per format, and what makes an exposition of them.
#pragma once

#include <atomic>
#include <chrono>

#include "exposer_metrics.h"
#include "fast_telemetry/encoding/buffer.h"
#include "fast_telemetry/encoding/open_metrics.h"
#include "fast_telemetry/encoding/prometheus_text.h"
#include "fast_telemetry/export/exposer.h"
#include "fast_telemetry/snapshot.h"
#include "http_negotiation.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

class Scraper {
 public:
  /// Gives up when `stopping` becomes true.
  Scraper(Registry& registry, const ExposerOptions& options, const std::atomic<bool>& stopping)
      : reader_{registry, {.finals = Finals::held}}, options_{options}, stopping_{stopping} {}

  /// Renders all metrics, the storage's own and the process's into `text()`. What it gives up on is not fit to be sent.
  [[nodiscard]] ScrapeOutcome scrape(Format format, std::chrono::steady_clock::time_point deadline);

  [[nodiscard]] ByteBuffer& text() noexcept { return text_; }

 private:
  template <class Encoder>
  ScrapeOutcome scrape(Encoder& encoder, std::chrono::steady_clock::time_point deadline);

  Reader reader_;
  ByteBuffer text_;
  // Both keep what they render. One that nobody asks for keeps nothing.
  PrometheusTextEncoder prometheus_text_{text_};
  OpenMetricsEncoder open_metrics_{text_};
  const ExposerOptions& options_;
  const std::atomic<bool>& stopping_;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
