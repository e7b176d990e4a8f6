// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/testing/delta_probe.h"

#include <algorithm>
#include <variant>

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

/// Whether the point shows that something was added, where no earlier point is needed to tell.
struct HasAdded {
  bool operator()(std::monostate) const { return false; }
  bool operator()(std::uint64_t n) const { return n != 0; }
  bool operator()(std::int64_t n) const { return n != 0; }
  bool operator()(double n) const { return n != 0; }
  bool operator()(const RecordedHistogram& point) const { return point.count() != 0; }
  bool operator()(const RecordedExponential& point) const { return point.count() != 0; }
  bool operator()(const RecordedStates&) const { return true; }
};

/// The value as it stood, where that is needed to tell a change: a NaN that stays one has not changed.
bool is_as_it_was(const RecordedPoint::Value& now, const RecordedPoint::Value& then) {
  if (now.index() != then.index()) return false;
  if (const auto* const n = std::get_if<std::int64_t>(&now)) return *n == std::get<std::int64_t>(then);
  if (const auto* const states = std::get_if<RecordedStates>(&now)) return *states == std::get<RecordedStates>(then);
  if (const auto* const n = std::get_if<double>(&now)) {
    const double before = std::get<double>(then);
    return *n == before || (*n != *n && before != before);
  }
  return true;
}

}  // namespace

std::int64_t DeltaProbe::gauge(std::string_view full_name, LabelSet labels) {
  const RecordingVisitor seen = changes();
  const auto now = static_cast<std::uint64_t>(seen.gauge(full_name, labels));
  const RecordedPoint* const then = before(seen.point(full_name, labels).id);
  if (then == nullptr) return static_cast<std::int64_t>(now);
  // Unsigned: the difference of two gauges can be more than an int64 holds, and then wraps.
  return static_cast<std::int64_t>(now - static_cast<std::uint64_t>(std::get<std::int64_t>(then->value)));
}

double DeltaProbe::float_gauge(std::string_view full_name, LabelSet labels) {
  const RecordingVisitor seen = changes();
  const double now = seen.float_gauge(full_name, labels);
  const RecordedPoint* const then = before(seen.point(full_name, labels).id);
  return then == nullptr ? now : now - std::get<double>(then->value);
}

std::string DeltaProbe::describe() {
  std::string text;
  for (const RecordingVisitor seen = changes(); const RecordedFamily& family : seen.families()) {
    const bool stands = family.kind == Kind::gauge || family.kind == Kind::state_set;
    for (const RecordedPoint& point : family.points) {
      const RecordedPoint* const then = stands ? before(point.id) : nullptr;
      if (then == nullptr ? !std::visit(HasAdded{}, point.value) : is_as_it_was(point.value, then->value)) continue;
      text += RecordingVisitor::describe(family.full_name, point);
      if (then != nullptr) text += " (was " + RecordingVisitor::describe(then->value) + ")";
      text += "\n";
    }
  }
  return text.empty() ? "nothing\n" : text;
}

void DeltaProbe::restart() {
  before_ = changes();
  reader_.accept();
}

const RecordedPoint* DeltaProbe::before(std::uint64_t id) const {
  for (const RecordedFamily& family : before_.families()) {
    const auto found = std::find_if(family.points.begin(), family.points.end(),
                                    [&](const RecordedPoint& point) { return point.id == id; });
    if (found != family.points.end()) return &*found;
  }
  return nullptr;
}

FAST_TELEMETRY_END_NAMESPACE
