// SPDX-License-Identifier: Apache-2.0
//
// SpanFanOut: one drain's spans for several exporters.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "fast_telemetry/export/exporter.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// A sink that gives each span to every exporter once. When one is full after others have taken a span, a copy is held
/// for those that have it yet to come, and nothing is taken before they have it.
class SpanFanOut final : public SpanSink {
 public:
  void add(SpanExporter& exporter);
  [[nodiscard]] bool empty() const noexcept { return exporters_.empty(); }

  [[nodiscard]] SinkAnswer span(const SpanRecord& record) noexcept override;

  /// Gives the held span to those that have yet to get it. False: one is still full.
  bool pass_on_held() noexcept;
  /// Any thread.
  [[nodiscard]] bool holds_one() const noexcept { return held_size_.load(std::memory_order_relaxed) != 0; }

  /// From now on nothing is given to anybody, also when a call under way returns. Whose call that is; null: nobody's.
  /// Any thread.
  const SpanExporter* stop() noexcept {
    is_stopped_.store(true, std::memory_order_seq_cst);
    return called_.load(std::memory_order_seq_cst);
  }

 private:
  /// The first exporter that did not take it; exporters_.size(): all did.
  std::size_t give(const SpanRecord& record, std::size_t first) noexcept;
  void hold(const SpanRecord& record, std::size_t next) noexcept;

  std::vector<SpanExporter*> exporters_;
  std::unique_ptr<std::uint64_t[]> held_;  ///< a record's bytes, aligned as a record is
  std::atomic<std::size_t> held_size_{0};  ///< relaxed: others want to know only whether it is 0
  std::int64_t held_unix_lead_ns_ = 0;
  std::size_t next_ = 0;  ///< who gets it next
  // Sequentially consistent, both: give() writes the one and then reads the other, stop() the other way round, so that
  // nobody is called whom stop() did not name.
  std::atomic<bool> is_stopped_{false};
  std::atomic<const SpanExporter*> called_{nullptr};
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
