// SPDX-License-Identifier: Apache-2.0
#include "observed.h"

#include <bit>

#include "instrument.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

bool is_double(Cells cells) noexcept {
  return cells == Cells::observed_counter_f64 || cells == Cells::observed_up_down_f64 ||
         cells == Cells::observed_gauge_f64;
}

bool is_counter(Cells cells) noexcept {
  return cells == Cells::observed_counter_u64 || cells == Cells::observed_counter_f64;
}

bool is_gauge(Cells cells) noexcept { return cells == Cells::observed_gauge_i64 || cells == Cells::observed_gauge_f64; }

std::uint64_t sum(Cells cells, std::uint64_t a, std::uint64_t b) noexcept {
  if (!is_double(cells)) return a + b;
  return std::bit_cast<std::uint64_t>(std::bit_cast<double>(a) + std::bit_cast<double>(b));
}

std::uint64_t negated(Cells cells, std::uint64_t value) noexcept {
  if (!is_double(cells)) return 0 - value;
  return std::bit_cast<std::uint64_t>(-std::bit_cast<double>(value));
}

bool has_fallen(Cells cells, std::uint64_t now, std::uint64_t before) noexcept {
  if (!is_double(cells)) return now < before;
  return std::bit_cast<double>(now) < std::bit_cast<double>(before);
}

}  // namespace

void Observed::publish(bool succeeded) noexcept {
  for (ObservedPoint& point : points) {
    point.present = succeeded && point.reported;
    point.reported = false;
    if (!point.present) continue;
    const bool begins_again = point.known && is_counter(cells) && has_fallen(cells, point.next, point.value);
    if (begins_again) point.before = sum(cells, point.before, point.value);
    // All of it has come since it was last shown without (OTLP's data model: no two windows of a series overlap).
    if (begins_again || !point.known) point.born_unix_ns = shown_unix_ns;
    point.known = true;
    point.value = point.next;
  }
}

void Observed::show(bool delta, std::int64_t time_unix_ns, std::uint64_t* cells_of_reader) noexcept {
  shown_unix_ns = time_unix_ns;
  for (const ObservedPoint& point : points) {
    cells_of_reader[shown_value] = delta && !is_gauge(cells) ? sum(cells, point.before, point.value) : point.value;
    cells_of_reader[shown_presence] = point.present ? 1 : 0;
    cells_of_reader[shown_birth] = static_cast<std::uint64_t>(point.born_unix_ns);
    cells_of_reader += shown_cells;
  }
}

void Observed::begin_child(std::int64_t now_unix_ns) noexcept {
  shown_unix_ns = now_unix_ns;
  for (ObservedPoint& point : points) {
    point.before = negated(cells, point.value);
    point.born_unix_ns = now_unix_ns;
  }
}

std::uint64_t observed_delta(Cells cells, std::uint64_t now, std::uint64_t before) noexcept {
  if (is_gauge(cells)) return now;
  if (!is_double(cells)) return now - before;
  return std::bit_cast<std::uint64_t>(reported_sum(std::bit_cast<double>(now) - std::bit_cast<double>(before)));
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
