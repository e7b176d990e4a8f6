// SPDX-License-Identifier: Apache-2.0
#include "span_fan_out.h"

#include <cstring>

#include "spans/chunks.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

void SpanFanOut::add(SpanExporter& exporter) {
  // No record is larger than the chunk it was written to.
  if (!held_) held_ = std::make_unique<std::uint64_t[]>(chunk_bytes / sizeof(std::uint64_t));
  exporters_.push_back(&exporter);
}

SinkAnswer SpanFanOut::span(const SpanRecord& record) noexcept {
  if (!pass_on_held()) return SinkAnswer::full;
  const std::size_t next = give(record, 0);
  if (next == 0) return SinkAnswer::full;  // nobody has it: it stays where it is
  if (next != exporters_.size()) hold(record, next);
  return SinkAnswer::taken;
}

bool SpanFanOut::pass_on_held() noexcept {
  if (!holds_one()) return true;
  const auto& header = *reinterpret_cast<const SpanHeader*>(held_.get());  // hold() copied one there
  next_ = give(SpanRecord{header, held_unix_lead_ns_}, next_);
  if (next_ != exporters_.size()) return false;
  held_size_.store(0, std::memory_order_relaxed);
  return true;
}

std::size_t SpanFanOut::give(const SpanRecord& record, std::size_t first) noexcept {
  std::size_t i = first;
  for (; i < exporters_.size(); ++i) {
    called_.store(exporters_[i], std::memory_order_seq_cst);
    if (is_stopped_.load(std::memory_order_seq_cst)) return i;
    if (exporters_[i]->span(record) == SinkAnswer::full) break;
  }
  called_.store(nullptr, std::memory_order_release);  // pairs with stop(): the call has come to its end
  return i;
}

void SpanFanOut::hold(const SpanRecord& record, std::size_t next) noexcept {
  const std::size_t size = record.size_bytes();
  held_unix_lead_ns_ = record.unix_lead_ns();
  next_ = next;
  std::memcpy(held_.get(), &record.header(), size);
  held_size_.store(size, std::memory_order_relaxed);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
