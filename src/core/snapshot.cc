// SPDX-License-Identifier: Apache-2.0
//
// Walking a snapshot: families in order, one call per point.
#include "fast_telemetry/snapshot.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <type_traits>

#include "fast_telemetry/detail/extremum_key.h"
#include "reader_state.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using detail::Cells;
using detail::Instrument;
using detail::ReaderState;

Series series_of(const ReaderState::Entry& entry, std::size_t point) noexcept {
  return {entry.instrument->id + point, entry.born_unix_ns, entry.instrument->labels_of(point)};
}

bool is_spare(const Instrument& instrument, std::size_t point) noexcept {
  return instrument.has_spare && point + 1 == instrument.points;
}

bool is_shown(const ReaderState& state, const detail::KeptExemplar& kept) noexcept {
  return kept.sequence != 0 && (state.options.temporality == Temporality::cumulative || kept.sequence != kept.accepted);
}

Exemplar exemplar_of(const detail::KeptExemplar& kept) noexcept {
  const std::span<const std::byte> span_id{kept.trace.span_id};
  const bool known = std::any_of(span_id.begin(), span_id.end(), [](std::byte b) { return b != std::byte{0}; });
  return {kept.value, kept.time_unix_ns, kept.trace.trace_id, known ? span_id : std::span<const std::byte>{}, {}};
}

/// The exemplars of `count` cells from the entry's `first` on: one per cell, null where there is none. Empty if there
/// are none at all. Valid until the next call.
std::span<const Exemplar*> exemplars_of(ReaderState& state, const ReaderState::Entry& entry, std::size_t first,
                                        std::size_t count) noexcept {
  if (entry.exemplars.empty()) return {};
  bool any = false;
  for (std::size_t i = 0; i < count; ++i) {
    const detail::KeptExemplar& kept = entry.exemplars[first + i];
    const bool shown = is_shown(state, kept);
    if (shown) state.shown_exemplars[i] = exemplar_of(kept);
    state.exemplars_by_bucket[i] = shown ? &state.shown_exemplars[i] : nullptr;
    any |= shown;
  }
  return any ? std::span{state.exemplars_by_bucket}.first(count) : std::span<const Exemplar*>{};
}

void visit_gauges(const ReaderState& state, const ReaderState::Entry& entry, Visitor& visitor) {
  const Instrument& instrument = *entry.instrument;
  for (std::size_t point = 0; point < instrument.points; ++point) {
    const std::uint64_t bits = entry.place == 0 ? 0 : state.gauges[entry.offset + point * instrument.width];
    if (bits == 0 && is_spare(instrument, point)) continue;
    if (instrument.cells == Cells::gauge_i64) {
      visitor.gauge(series_of(entry, point), NumberPoint<std::int64_t>{std::bit_cast<std::int64_t>(bits)});
    } else {
      visitor.gauge(series_of(entry, point), NumberPoint<double>{std::bit_cast<double>(bits)});
    }
  }
}

void visit_constants(const ReaderState::Entry& entry, Visitor& visitor) {
  visitor.gauge(series_of(entry, 0), NumberPoint<std::int64_t>{entry.instrument->constant});
}

void visit_state_sets(ReaderState& state, const ReaderState::Entry& entry, Visitor& visitor) {
  const Instrument& instrument = *entry.instrument;
  for (std::size_t point = 0; point < instrument.points; ++point) {
    const std::uint64_t on = entry.place == 0 ? 0 : state.gauges[entry.offset + point * instrument.width];
    if (on == 0 && is_spare(instrument, point)) continue;
    state.states.assign(instrument.states.begin(), instrument.states.end());
    if (on < state.states.size()) state.states[on].enabled = true;
    visitor.state_set(series_of(entry, point), state.states);
  }
}

/// Of what a callback did not report there is no point.
template <class Value>
void visit_observed(const ReaderState& state, const ReaderState::Entry& entry, Visitor& visitor) {
  const Instrument& instrument = *entry.instrument;
  for (std::size_t point = 0; point < instrument.points; ++point) {
    const std::size_t at = entry.offset + point * detail::shown_cells;
    if (state.gauges[at + detail::shown_presence] == 0) continue;
    Series series = series_of(entry, point);
    series.born_unix_ns = static_cast<std::int64_t>(state.gauges[at + detail::shown_birth]);
    std::uint64_t bits = state.gauges[at + detail::shown_value];
    if (entry.deltas) {
      bits = detail::observed_delta(instrument.cells, bits, state.baseline[at + detail::shown_value]);
    }
    const NumberPoint<Value> shown{std::bit_cast<Value>(bits)};
    if constexpr (std::is_same_v<Value, std::uint64_t>) {
      visitor.sum(series, shown);
    } else if (instrument.family->kind == Kind::gauge) {
      visitor.gauge(series, shown);
    } else {
      visitor.sum(series, shown);
    }
  }
}

/// Of what was not observed there is no point.
template <class T, detail::Extremum which>
void visit_extrema(const ReaderState& state, const ReaderState::Entry& entry, Visitor& visitor) {
  for (std::size_t point = 0; point < entry.instrument->points; ++point) {
    const std::uint64_t key = state.gauges[entry.offset + point];
    if (key == 0) continue;
    visitor.gauge(series_of(entry, point), NumberPoint<T>{detail::extremum_value<T, which>(key)});
  }
}

/// Sums of the kind that the cells hold.
template <class Value>
void visit_sums(ReaderState& state, const ReaderState::Entry& entry, Visitor& visitor) {
  const Instrument& instrument = *entry.instrument;
  const std::uint64_t* const folded = folded_cells(state, entry);
  const bool keeps_exemplars = !entry.exemplars.empty();
  for (std::size_t point = 0; point < instrument.points; ++point) {
    const std::uint64_t bits = folded != nullptr ? folded[point] : *point_cells(state, entry, point);
    if (bits == 0 && is_spare(instrument, point)) continue;
    const Exemplar* exemplar = nullptr;
    if (keeps_exemplars) {
      const auto shown = exemplars_of(state, entry, point, 1);
      if (!shown.empty()) exemplar = shown[0];
    }
    visitor.sum(series_of(entry, point), NumberPoint<Value>{std::bit_cast<Value>(bits), exemplar});
  }
}

HistogramPoint histogram_point(const Instrument& instrument, const std::uint64_t* cells) noexcept {
  const detail::BucketTable& buckets = *instrument.buckets;
  const std::uint64_t sum_bits = cells[buckets.count + 1];
  return {.bounds = {buckets.exported, buckets.count},
          .buckets = {cells, buckets.count + std::size_t{1}},
          .sum = instrument.has_double_sum() ? std::bit_cast<double>(sum_bits)
                                             : static_cast<double>(sum_bits) / buckets.divisor};
}

void visit_histograms(ReaderState& state, const ReaderState::Entry& entry, Visitor& visitor) {
  const Instrument& instrument = *entry.instrument;
  for (std::size_t point = 0; point < instrument.points; ++point) {
    const std::uint64_t* const cells = point_cells(state, entry, point);
    const auto is_zero = [](std::uint64_t cell) { return cell == 0; };
    if (is_spare(instrument, point) && std::all_of(cells, cells + instrument.width, is_zero)) continue;
    HistogramPoint shown = histogram_point(instrument, cells);
    shown.exemplars = exemplars_of(state, entry, point * instrument.width, instrument.buckets->count + 1);
    visitor.histogram(series_of(entry, point), shown);
  }
}

/// What the point's extremum is in the exported unit; nothing if it is not kept or nothing was observed.
template <detail::Extremum which>
std::optional<double> extremum(const ReaderState& state, const ReaderState::Entry& entry, std::size_t point) {
  const Instrument& instrument = *entry.instrument;
  if (!instrument.extrema) return {};
  const std::size_t cell = instrument.extrema_begin + (which == detail::Extremum::max ? 1 : 0);
  const std::uint64_t key = state.gauges[entry.offset + point * instrument.width + cell];
  if (key == 0) return {};
  if (instrument.has_double_sum()) return detail::extremum_value<double, which>(key);
  return static_cast<double>(detail::extremum_value<std::uint64_t, which>(key)) / instrument.exponential->divisor;
}

/// Without extrema. Only the part that has observations: what is shown is as wide as the data, not as the range.
ExponentialPoint exponential_point(const Instrument& instrument, const std::uint64_t* cells) noexcept {
  const detail::ExponentialTable& table = *instrument.exponential;
  const auto is_zero = [](std::uint64_t cell) { return cell == 0; };
  const std::uint64_t* const end = cells + table.sum_cell();
  const std::uint64_t* const first = std::find_if_not(cells + 1, end, is_zero);
  const std::uint64_t* last = end;
  while (last != first && last[-1] == 0) --last;
  const std::uint64_t sum_bits = *end;
  const auto skipped = static_cast<std::int32_t>(first - (cells + 1));
  return {.scale = static_cast<std::int32_t>(table.scale),
          .offset = first == end ? 0 : table.lowest + skipped,
          .zero_threshold = detail::lower_bound(table),
          .zero_count = cells[0],
          .buckets = {first, last},
          .sum = instrument.has_double_sum() ? std::bit_cast<double>(sum_bits)
                                             : static_cast<double>(sum_bits) / table.divisor};
}

void visit_distributions(ReaderState& state, const ReaderState::Entry& entry, Visitor& visitor) {
  const Instrument& instrument = *entry.instrument;
  const detail::ExponentialTable& table = *instrument.exponential;
  for (std::size_t point = 0; point < instrument.points; ++point) {
    const std::uint64_t* const cells = point_cells(state, entry, point);
    const auto is_zero = [](std::uint64_t cell) { return cell == 0; };
    if (is_spare(instrument, point) && std::all_of(cells, cells + table.sum_cell() + 1, is_zero)) continue;
    ExponentialPoint shown = exponential_point(instrument, cells);
    shown.min = extremum<detail::Extremum::min>(state, entry, point);
    shown.max = extremum<detail::Extremum::max>(state, entry, point);
    const auto exemplars = exemplars_of(state, entry, point * instrument.width, table.sum_cell());
    shown.exemplars = {exemplars.begin(), std::remove(exemplars.begin(), exemplars.end(), nullptr)};
    visitor.histogram(series_of(entry, point), shown);
  }
}

/// The labels of a dynamic metric's series: the scope's, then one per key. Valid until the next call.
class SeriesLabels {
 public:
  SeriesLabels(const Instrument& instrument, std::vector<Label>& labels)
      : index_{*instrument.dynamic}, labels_{labels} {
    const std::span<const Label> constant = instrument.labels_of(0);
    labels_.assign(constant.begin(), constant.end());
    constant_ = labels_.size();
  }
  std::span<const Label> of(const detail::DynamicSeries& series) {
    labels_.resize(constant_);
    if (series.history->is_overflow) labels_.push_back({index_.overflow_key(), "true"});
    const char* text = series.text();
    for (std::size_t i = 0; i < series.text_count(); ++i) {
      const Text label{text, series.size(i)};
      text += label.size();
      if (index_.is_free() && i % 2 == 0) {
        labels_.push_back({label, {}});
      } else if (index_.is_free()) {
        labels_.back().value = label;
      } else if (!label.empty()) {
        labels_.push_back({index_.keys()[i], label});
      }
    }
    return labels_;
  }

 private:
  const detail::DynamicIndex& index_;
  std::vector<Label>& labels_;
  std::size_t constant_;
};

void visit_series(ReaderState& state, const Instrument& instrument, const ReaderState::Dynamic& dynamic,
                  Visitor& visitor) {
  SeriesLabels labels{instrument, state.labels};
  for (const auto& entry : dynamic.series) {
    const detail::SeriesHistory& history = *entry.series->history;
    const Series series{history.id + instrument.member, history.born_unix_ns, labels.of(*entry.series)};
    const auto cells = [&] { return series_cells(state, dynamic, entry) + instrument.member; };
    switch (instrument.cells) {
      case Cells::counter: visitor.sum(series, NumberPoint<std::uint64_t>{*cells()}); break;
      case Cells::float_counter: visitor.sum(series, NumberPoint<double>{std::bit_cast<double>(*cells())}); break;
      case Cells::up_down_counter:
        visitor.sum(series, NumberPoint<std::int64_t>{std::bit_cast<std::int64_t>(*cells())});
        break;
      case Cells::gauge_i64:
        visitor.gauge(series, NumberPoint<std::int64_t>{std::bit_cast<std::int64_t>(entry.earlier)});
        break;
      case Cells::gauge_f64: visitor.gauge(series, NumberPoint<double>{std::bit_cast<double>(entry.earlier)}); break;
      case Cells::histogram:
      case Cells::float_histogram: visitor.histogram(series, histogram_point(instrument, cells())); break;
      case Cells::distribution:
      case Cells::float_distribution: visitor.histogram(series, exponential_point(instrument, cells())); break;
      default: break;  // not dynamic
    }
  }
}

void visit_points(ReaderState& state, const ReaderState::Entry& entry, Visitor& visitor) {
  if (entry.dynamic != ReaderState::none) {
    return visit_series(state, *entry.instrument, state.dynamics[entry.dynamic], visitor);
  }
  switch (entry.instrument->cells) {
    case Cells::counter: return visit_sums<std::uint64_t>(state, entry, visitor);
    case Cells::float_counter: return visit_sums<double>(state, entry, visitor);
    case Cells::up_down_counter: return visit_sums<std::int64_t>(state, entry, visitor);
    case Cells::gauge_i64:
    case Cells::gauge_f64: return visit_gauges(state, entry, visitor);
    case Cells::histogram:
    case Cells::float_histogram: return visit_histograms(state, entry, visitor);
    case Cells::max_gauge_i64: return visit_extrema<std::int64_t, detail::Extremum::max>(state, entry, visitor);
    case Cells::max_gauge_f64: return visit_extrema<double, detail::Extremum::max>(state, entry, visitor);
    case Cells::min_gauge_i64: return visit_extrema<std::int64_t, detail::Extremum::min>(state, entry, visitor);
    case Cells::min_gauge_f64: return visit_extrema<double, detail::Extremum::min>(state, entry, visitor);
    case Cells::constant: return visit_constants(entry, visitor);
    case Cells::info: return visitor.info(series_of(entry, 0));
    case Cells::state_set: return visit_state_sets(state, entry, visitor);
    case Cells::observed_counter_u64: return visit_observed<std::uint64_t>(state, entry, visitor);
    case Cells::observed_up_down_i64:
    case Cells::observed_gauge_i64: return visit_observed<std::int64_t>(state, entry, visitor);
    case Cells::observed_counter_f64:
    case Cells::observed_up_down_f64:
    case Cells::observed_gauge_f64: return visit_observed<double>(state, entry, visitor);
    case Cells::distribution:
    case Cells::float_distribution: return visit_distributions(state, entry, visitor);
  }
}

void visit_registered(ReaderState& state, Visitor& visitor) {
  for (const auto& [family, begin, end, temporality] : state.families) {
    const auto first = state.entries.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = state.entries.begin() + static_cast<std::ptrdiff_t>(end);
    if (std::none_of(first, last, [](const ReaderState::Entry& entry) { return entry.visible; })) continue;
    visitor.family(
        Family{family->scope, family->name, family->full_name, family->help, family->unit, family->kind, temporality});
    for (auto entry = first; entry != last; ++entry) {
      if (entry->visible) visit_points(state, *entry, visitor);
    }
  }
}

}  // namespace

void Snapshot::begin(Visitor& visitor) const {
  visitor.begin(state_->collection);
  visit_registered(*state_, visitor);
}

void Snapshot::visit(Visitor& visitor) const {
  begin(visitor);
  visitor.end();
}

FAST_TELEMETRY_END_NAMESPACE
