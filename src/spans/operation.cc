// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/operation.h"

#include "epoch.h"
#include "fast_telemetry/clock.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

void prepare_operations() { install_epoch(); }

OperationBegin OperationBegin::of(Span& span) noexcept {
  const std::uint64_t epoch = settled_epoch();
  if (!span.is_recording()) return {now_ns(), epoch};
  if (span.tracer_->clock != SpanClock::precise) span.header_.start_ns = now_ns();
  return {span.header_.start_ns, epoch};
}

std::int64_t OperationBegin::end(Span& span, bool is_error) const noexcept {
  const std::int64_t end_ns = now_ns();
  if (span.is_recording()) {
    if (is_error && span.header_.status() == SpanStatus::unset) span.set_status(SpanStatus::error);
    span.finish_now(end_ns);
  }
  if (epoch != detail::epoch()) return -1;
  return end_ns > ns ? end_ns - ns : 0;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
