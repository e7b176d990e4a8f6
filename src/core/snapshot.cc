// SPDX-License-Identifier: Apache-2.0
//
// Walking a snapshot: families in order, one call per point.
#include "fast_telemetry/snapshot.h"

#include <algorithm>
#include <bit>

#include "fast_telemetry/storage_info.h"
#include "reader_state.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using detail::Cells;
using detail::Instrument;
using detail::ReaderState;

void visit_point(ReaderState& state, const ReaderState::Entry& entry, std::size_t point, Visitor& visitor) {
  const Instrument& instrument = *entry.instrument;
  const Series series{instrument.id + point, entry.born_unix_ns, instrument.labels[point]};
  if (instrument.is_gauge()) {
    const std::uint64_t bits = entry.place == 0 ? 0 : state.gauges[entry.offset + point * instrument.width];
    const bool spare = instrument.has_spare && point + 1 == instrument.points;
    if (spare && bits == 0) return;
    if (instrument.cells == Cells::gauge_i64) {
      visitor.gauge(series, NumberPoint<std::int64_t>{std::bit_cast<std::int64_t>(bits)});
    } else {
      visitor.gauge(series, NumberPoint<double>{std::bit_cast<double>(bits)});
    }
    return;
  }

  const std::uint64_t* const cells = point_cells(state, entry, point);
  const bool spare = instrument.has_spare && point + 1 == instrument.points;
  if (spare && std::all_of(cells, cells + instrument.width, [](std::uint64_t cell) { return cell == 0; })) return;
  if (instrument.cells == Cells::counter) {
    visitor.sum(series, NumberPoint<std::uint64_t>{cells[0]});
    return;
  }
  const detail::BucketTable& buckets = *instrument.buckets;
  const std::uint64_t sum_bits = cells[buckets.count + 1];
  visitor.histogram(
      series, HistogramPoint{.bounds = {buckets.exported, buckets.count},
                             .buckets = {cells, buckets.count + std::size_t{1}},
                             .sum = instrument.has_double_sum() ? std::bit_cast<double>(sum_bits)
                                                                : static_cast<double>(sum_bits) / buckets.divisor});
}

void visit_families(ReaderState& state, Visitor& visitor) {
  for (const auto& [family, begin, end] : state.families) {
    const auto first = state.entries.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = state.entries.begin() + static_cast<std::ptrdiff_t>(end);
    if (std::none_of(first, last, [](const ReaderState::Entry& entry) { return entry.visible; })) continue;
    visitor.family(Family{family->scope, family->name, family->full_name, family->help, family->unit, family->kind});
    for (auto entry = first; entry != last; ++entry) {
      if (!entry->visible) continue;
      for (std::size_t point = 0; point < entry->instrument->points; ++point) {
        visit_point(state, *entry, point, visitor);
      }
    }
  }
}

}  // namespace

void Snapshot::visit(Visitor& visitor) const {
  visitor.begin(state_->collection);
  visit_families(*state_, visitor);
  visitor.end();
}

void Snapshot::visit(Visitor& visitor, const StorageInfo& info) const {
  visitor.begin(state_->collection);
  visit_families(*state_, visitor);
  visit_storage_info(info, visitor);
  visitor.end();
}

FAST_TELEMETRY_END_NAMESPACE
