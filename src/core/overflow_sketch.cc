// SPDX-License-Identifier: Apache-2.0
#include "overflow_sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <new>

#include "fast_telemetry/visitor.h"
#include "utf8.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

ValueSketch::ValueSketch(std::string_view key) : key_{key} {
  for (HeavyValue& heavy : heavy_) heavy.value.reserve(longest_value);
}

void ValueSketch::add(Text value) {
  const std::uint64_t hash = end_hash(hash_text(hash_key.start, value.data(), value.size(), hash_key), hash_key);
  std::uint8_t& rank = rank_[hash % registers];
  rank = std::max(rank, static_cast<std::uint8_t>(std::countr_zero(hash / registers | std::uint64_t{1} << 56) + 1));

  const auto end = heavy_hash_.begin() + static_cast<std::ptrdiff_t>(heavy_count_);
  const auto known = std::find(heavy_hash_.begin(), end, hash);
  std::size_t at = static_cast<std::size_t>(known - heavy_hash_.begin());
  if (known == end && heavy_count_ < most_heavy) {
    ++heavy_count_;
  } else if (known == end) {
    const auto lightest = std::min_element(heavy_.begin(), heavy_.end(),
                                           [](const auto& a, const auto& b) { return a.lookups < b.lookups; });
    at = static_cast<std::size_t>(lightest - heavy_.begin());
    lightest->error = lightest->lookups;
  }
  HeavyValue& heavy = heavy_[at];
  ++heavy.lookups;
  if (heavy_hash_[at] == hash && heavy.lookups > 1) return;
  heavy_hash_[at] = hash;
  heavy.value.assign(value.data(), std::min(value.size(), longest_value));
}

double ValueSketch::distinct() const noexcept {
  constexpr auto m = static_cast<double>(registers);
  constexpr double alpha = 0.7213 / (1 + 1.079 / m);
  double sum = 0;
  for (const std::uint8_t rank : rank_) sum += std::ldexp(1.0, -rank);
  const double estimate = alpha * m * m / sum;
  const auto empty = static_cast<double>(std::count(rank_.begin(), rank_.end(), 0));
  return estimate <= 2.5 * m && empty != 0 ? m * std::log(m / empty) : estimate;
}

RefusedKey ValueSketch::report() const {
  RefusedKey report{key_, distinct(), {heavy_.begin(), heavy_.begin() + static_cast<std::ptrdiff_t>(heavy_count_)}};
  for (HeavyValue& heavy : report.heaviest) heavy.value = repaired(heavy.value);
  std::sort(report.heaviest.begin(), report.heaviest.end(),
            [](const auto& a, const auto& b) { return a.lookups > b.lookups; });
  return report;
}

ValueSketch* OverflowSketch::sketch_of(std::string_view key) {
  const auto found =
      std::find_if(sketches_.begin(), sketches_.end(), [key](const auto& sketch) { return sketch.key() == key; });
  if (found != sketches_.end()) return &*found;
  return sketches_.size() == most_keys ? nullptr : &sketches_.emplace_back(key);
}

void OverflowSketch::add(std::span<const std::string> keys, const SeriesKey& refused) noexcept try {
  const std::unique_lock lock{mutex_, std::try_to_lock};
  if (!lock) return;
  ++lookups_;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (ValueSketch* const sketch = sketch_of(keys[i])) sketch->add(refused.texts[i]);
  }
  for (std::size_t i = 0; keys.empty() && i < refused.count; i += 2) {
    if (ValueSketch* const sketch = sketch_of(view(refused.texts[i]))) sketch->add(refused.texts[i + 1]);
  }
} catch (const std::bad_alloc&) {
  // Then this one is not among them.
}

void OverflowSketch::report(CardinalityReport& report) const {
  const std::lock_guard lock{mutex_};
  report.lookups = lookups_;
  for (const ValueSketch& sketch : sketches_) report.refused.push_back(sketch.report());
  // Not std::stable_sort: in libstdc++ 12 it uses what Clang 19 warns of as deprecated.
  std::sort(report.refused.begin(), report.refused.end(), [](const auto& a, const auto& b) {
    return a.distinct_values != b.distinct_values ? a.distinct_values > b.distinct_values : a.key < b.key;
  });
}

void OverflowSketch::forget() noexcept {
  lookups_ = 0;
  sketches_.clear();
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
