// SPDX-License-Identifier: Apache-2.0
//
// Bucket tables: bounds validated, indexed by exponent, kept once per distinct set.
#include "fast_telemetry/histogram.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "process.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

using ClassOf = std::size_t (*)(std::uint64_t);

struct OwnedTable {
  ClassOf class_of = nullptr;  ///< integers and keys of doubles can be equal as bits
  std::vector<std::uint64_t> bounds;
  std::vector<std::uint16_t> first;
  std::vector<double> exported;
  BucketTable table{};
};

/// Never freed: metrics that share bounds share a table, and a record may race its metric's destruction.
/// Guarded by Process::mutex.
std::vector<std::unique_ptr<OwnedTable>>& tables() {
  static auto& immortal = *new std::vector<std::unique_ptr<OwnedTable>>;
  return immortal;
}

/// Fills in what searches need. `class_of` ascends with its argument and stays below `classes`.
void index(OwnedTable& owned, std::size_t classes) {
  BucketTable& table = owned.table;
  table.width = 1;
  std::size_t begin = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    owned.first.push_back(static_cast<std::uint16_t>(begin));
    std::size_t end = begin;
    while (end < table.count && owned.class_of(owned.bounds[end]) == c) ++end;
    table.width = std::max(table.width, static_cast<std::uint32_t>(end - begin));
    begin = end;
  }
  owned.bounds.insert(owned.bounds.end(), table.width, std::numeric_limits<std::uint64_t>::max());
  table.bounds = owned.bounds.data();
  table.first = owned.first.data();
}

const BucketTable* intern(const std::vector<std::uint64_t>& bounds, std::vector<double> exported, double divisor,
                          std::size_t classes, ClassOf class_of) {
  const auto lock = lock_process();
  for (const auto& owned : tables()) {
    if (owned->class_of == class_of && owned->exported == exported && owned->table.divisor == divisor &&
        std::equal(bounds.begin(), bounds.end(), owned->bounds.begin())) {
      return &owned->table;
    }
  }
  auto owned = std::make_unique<OwnedTable>();
  owned->class_of = class_of;
  owned->bounds = bounds;
  owned->exported = std::move(exported);
  BucketTable& table = owned->table;
  table.count = static_cast<std::uint32_t>(bounds.size());
  table.divisor = divisor;
  table.exported = owned->exported.data();
  index(*owned, classes);
  tables().push_back(std::move(owned));
  return &table;
}

std::string figure(std::uint64_t bound) { return std::to_string(bound); }

/// As short as it can be written: std::to_string shows 1e-9 as zero.
std::string figure(double bound) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, bound).ptr};
}

/// `shown` are the bounds as their author wrote them.
template <class Shown>
void check_ascending(const Shown* shown, std::size_t size) {
  if (size == 0) throw std::invalid_argument{"a histogram needs at least one bound"};
  if (size + 2 > max_run_cells) {
    throw std::length_error{"a histogram of " + std::to_string(size) + " bounds does not fit one run of " +
                            std::to_string(max_run_cells) + " cells"};
  }
  for (std::size_t i = 1; i < size; ++i) {
    if (shown[i - 1] < shown[i]) continue;
    throw std::invalid_argument{"histogram bounds must ascend: bound " + std::to_string(i) + " (" + figure(shown[i]) +
                                ") follows " + figure(shown[i - 1])};
  }
}

}  // namespace

}  // namespace detail

detail::Declaration Histogram::declare(const Bounds& bounds) {
  detail::check_ascending(bounds.data(), bounds.size());
  const double divisor = bounds.is_time() ? 1e9 : 1.0;
  std::vector<std::uint64_t> kept(bounds.data(), bounds.data() + bounds.size());
  std::vector<double> exported;
  exported.reserve(kept.size());
  for (const std::uint64_t bound : kept) exported.push_back(static_cast<double>(bound) / divisor);
  return {detail::Cells::histogram,
          detail::intern(kept, std::move(exported), divisor, detail::integer_classes, detail::integer_class)};
}

detail::Declaration FloatHistogram::declare(const FloatBounds& bounds) {
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (!std::isfinite(bounds.data()[i])) {
      throw std::invalid_argument{"histogram bound " + std::to_string(i) +
                                  " is not finite; the bucket above the last bound is added by itself"};
    }
  }
  detail::check_ascending(bounds.data(), bounds.size());
  std::vector<std::uint64_t> keys;
  keys.reserve(bounds.size());
  for (std::size_t i = 0; i < bounds.size(); ++i) keys.push_back(detail::ordered_key(bounds.data()[i]));
  return {detail::Cells::float_histogram, detail::intern(keys, {bounds.data(), bounds.data() + bounds.size()}, 1.0,
                                                         detail::double_classes, detail::double_class)};
}

namespace {

std::uint64_t count_buckets(const detail::Site& site, const detail::BucketTable* table, std::size_t offset) noexcept {
  std::uint64_t count = 0;
  if (table == nullptr) return count;
  for (std::size_t i = 0; i <= table->count; ++i) {
    count += detail::read_integer(site, offset + i * sizeof(std::uint64_t));
  }
  return count;
}

std::size_t sum_offset(const detail::BucketTable& table, std::size_t offset) noexcept {
  return offset + (table.count + std::size_t{1}) * sizeof(std::uint64_t);
}

}  // namespace

std::uint64_t Histogram::Point::count() const noexcept { return count_buckets(*site_, table_, offset_); }

double Histogram::Point::sum() const noexcept {
  if (table_ == nullptr) return 0;
  return static_cast<double>(detail::read_integer(*site_, sum_offset(*table_, offset_))) / table_->divisor;
}

std::uint64_t FloatHistogram::Point::count() const noexcept { return count_buckets(*site_, table_, offset_); }

double FloatHistogram::Point::sum() const noexcept {
  return table_ == nullptr ? 0 : detail::read_double(*site_, sum_offset(*table_, offset_));
}

FAST_TELEMETRY_END_NAMESPACE
