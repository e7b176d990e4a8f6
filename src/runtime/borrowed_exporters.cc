// SPDX-License-Identifier: Apache-2.0
#include "borrowed_exporters.h"

#include <exception>
#include <new>

#include "core/diagnose.h"
#include "export/delivery_queue.h"
#include "export/library_families.h"
#include "fast_telemetry/clock.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// A visitor is asked again at its next turn only.
constexpr std::chrono::nanoseconds next_turn = std::chrono::hours{24 * 365};

/// What a catch block of user code's exception has to say.
void tell(const std::string& name, const char* what) noexcept {
  try {
    diagnose("runtime", '"' + printable(name) + "\" threw: " + printable(what));
  } catch (const std::bad_alloc&) {
    diagnose("runtime", "a visitor or a sink threw");
  }
}

}  // namespace

DeliveryReport VisitorExporter::export_once(Time) noexcept {
  const DeliveryInfo before = info_;
  show();
  return report(before);
}

DeliveryReport VisitorExporter::close(Time until) noexcept {
  const DeliveryInfo before = info_;
  static_cast<void>(export_once(until));
  info_.dropped_shutdown += info_.queued;
  info_.queued = 0;
  return report(before);
}

void VisitorExporter::show() noexcept {
  if (info_.queued == 0) ++info_.items;  // else the window that waits is in this one
  info_.queued = 1;
  ++info_.attempts;
  const std::int64_t begin_ns = now_ns();
  try {
    reader_.collect().visit(visitor_, LibraryFamilies{});
    reader_.accept();
    info_.queued = 0;
    ++info_.delivered;
  } catch (const std::exception& error) {
    ++info_.unanswered;
    tell(name_, error.what());
  } catch (...) {
    ++info_.unanswered;
    tell(name_, "something that is no std::exception");
  }
  info_.attempt_ns += static_cast<std::uint64_t>(now_ns() - begin_ns);
}

DeliveryReport VisitorExporter::report(const DeliveryInfo& before) const noexcept {
  DeliveryReport report{.counts = difference(before, info_)};
  if (info_.queued != 0) report.next_attempt_in = next_turn;
  return report;
}

SinkAnswer SinkExporter::span(const SpanRecord& record) noexcept {
  try {
    const SinkAnswer answer = sink_.span(record);
    if (answer == SinkAnswer::full) return answer;
    ++info_.items;
    ++info_.delivered;
    return answer;
  } catch (const std::bad_alloc& error) {
    return drop(&DeliveryInfo::dropped_no_memory, error.what());
  } catch (const std::exception& error) {
    return drop(&DeliveryInfo::dropped_refused, error.what());
  } catch (...) {
    return drop(&DeliveryInfo::dropped_refused, "something that is no std::exception");
  }
}

// It is not given again: a span that a sink cannot stand would keep all others from all exporters.
SinkAnswer SinkExporter::drop(std::uint64_t DeliveryInfo::* reason, const char* what) noexcept {
  ++info_.items;
  ++(info_.*reason);
  tell(name_, what);
  return SinkAnswer::taken;
}

DeliveryReport SinkExporter::report() noexcept {
  const DeliveryInfo before = reported_;
  reported_ = info_;
  return {.counts = difference(before, info_)};
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
