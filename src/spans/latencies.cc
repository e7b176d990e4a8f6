// SPDX-License-Identifier: Apache-2.0
#include "latencies.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <stdexcept>
#include <string>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

Latencies::Latencies(double quantile) : quantile_{quantile} {
  if (!(quantile >= 0 && quantile < 1)) {
    throw std::invalid_argument{"a quantile is at least 0 and below 1, not " + std::to_string(quantile)};
  }
  if (quantile != 0) of_name_ = std::make_unique_for_overwrite<OfName[]>(most_names + 1);
}

/// By the exponent and the bits after the leading one.
std::size_t Latencies::bucket(std::int64_t duration_ns) noexcept {
  constexpr std::int64_t lowest = std::int64_t{1} << lowest_exponent;
  constexpr std::int64_t highest = (std::int64_t{1} << (highest_exponent + 1)) - 1;
  const auto value = static_cast<std::uint64_t>(std::clamp(duration_ns, lowest, highest));
  const auto exponent = static_cast<unsigned>(std::bit_width(value)) - 1;
  const std::uint64_t rest = value >> (exponent - buckets_bits) & ((1U << buckets_bits) - 1);
  return (std::size_t{exponent - lowest_exponent} << buckets_bits) + rest;
}

std::size_t Latencies::find(std::size_t name) const noexcept {
  const std::size_t own = std::min(names_, most_names);
  for (std::size_t i = 0; i < own; ++i) {
    if (of_name_[i].name == name) return i;
  }
  return own;
}

bool Latencies::is_slow(std::string_view name, std::int64_t duration_ns) const noexcept {
  if (quantile_ == 0) return false;
  const std::size_t found = find(std::hash<std::string_view>{}(name));
  if (found == names_) return false;
  const OfName& known = of_name_[found];
  const double share = known.count * (1 - quantile_);
  if (share < 1 - 1e-9) return false;  // a hair: 100 * (1 - 0.99) is less than 1
  std::uint32_t as_slow = 0;
  for (std::size_t i = bucket(duration_ns); i < buckets && as_slow < share; ++i) as_slow += known.counts[i];
  return as_slow < share;
}

void Latencies::add(std::string_view name, std::int64_t duration_ns) noexcept {
  if (quantile_ == 0) return;
  const std::size_t hash = std::hash<std::string_view>{}(name);
  const std::size_t found = find(hash);
  OfName& known = of_name_[found];
  if (found == names_) {
    known = {.name = hash, .count = 0, .counts = {}};
    ++names_;
  }
  ++known.counts[bucket(duration_ns)];
  if (++known.count < most) return;
  known.count = 0;
  for (std::uint16_t& count : known.counts) {
    count = static_cast<std::uint16_t>(count / 2);
    known.count += count;
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
