// SPDX-License-Identifier: Apache-2.0
//
// The lines of a histogram's buckets, in either Prometheus text format.
#pragma once

#include <cassert>
#include <cmath>
#include <limits>
#include <span>

#include "text_lines.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What comes after a histogram's buckets: its other lines, and the number of observations.
struct HistogramTail {
  LineReader line;
  std::uint64_t count;
};

using Suffixes = std::span<const std::string_view>;

inline constexpr double infinity = std::numeric_limits<double>::infinity();

inline void append_bucket_line(TextLines& lines, const Series& series, double le) {
  lines.append_line([&] {
    ByteBuffer& arena = lines.cache.arena();
    arena.append(lines.family_name);
    arena.append("_bucket");
    lines.append_open_labels(series, "le");
    arena.commit(write_canonical(arena.prepare(longest_number), le));
    arena.append("\"} ");
  });
}

/// Writes a line per bucket; `tail` are the suffixes of the lines after them, which the caller writes. After each
/// bucket, `after_bucket` gets its bounds (of which the lower is not in it) and the exemplars that may lie in it.
template <class AfterBucket>
HistogramTail write_buckets(TextLines& lines, const Series& series, const HistogramPoint& point, Suffixes tail,
                            AfterBucket after_bucket) {
  assert(point.buckets.size() == point.bounds.size() + 1);
  const auto bound = [&](std::size_t i) { return i < point.bounds.size() ? point.bounds[i] : infinity; };
  // Integer bounds beyond 2^53 can be one double. A bound is written once, with all that is not above it.
  const auto is_followed_by_itself = [&](std::size_t i) {
    return i + 1 < point.bounds.size() && point.bounds[i] == point.bounds[i + 1];
  };

  LineReader line{lines.cache
                      .block(series.id,
                             [&] {
                               for (std::size_t i = 0; i <= point.bounds.size(); ++i) {
                                 if (!is_followed_by_itself(i)) append_bucket_line(lines, series, bound(i));
                               }
                               for (const std::string_view suffix : tail) lines.append_line(series, suffix);
                             })
                      .data()};

  std::uint64_t count = 0;
  std::size_t first = 0;  // of those that become one line
  for (std::size_t i = 0; i < point.buckets.size(); ++i) {
    count += point.buckets[i];
    if (is_followed_by_itself(i)) continue;
    lines.write_line(line.next(), count);
    after_bucket(first == 0 ? -infinity : point.bounds[first - 1], bound(i),
                 point.exemplars.empty() ? point.exemplars : point.exemplars.subspan(first, i + 1 - first));
    first = i + 1;
  }
  return {line, count};
}

/// The same for one bucket per power of two. The series' block begins with its bounds and what they were last shown
/// with.
template <class AfterBucket>
HistogramTail write_buckets(TextLines& lines, const Series& series, const ExponentialPoint& point, Suffixes tail,
                            AfterBucket after_bucket) {
  ByteBuffer& arena = lines.cache.arena();
  std::vector<PowerBound>& bounds = lines.bounds;
  const auto le = [&](std::size_t i) {
    return i < bounds.size() ? std::ldexp(1, static_cast<int>(bounds[i].exponent)) : infinity;
  };

  std::size_t size = 0;
  const char* const kept = lines.cache.find(series.id, size);
  std::uint64_t number = 0;
  if (kept != nullptr) std::memcpy(&number, kept, sizeof number);
  bounds.resize(number);
  if (number != 0) std::memcpy(bounds.data(), kept + sizeof number, number * sizeof(PowerBound));

  const bool render = add_bounds(bounds, point) || kept == nullptr;
  count_up_to(bounds, point);
  number = bounds.size();
  const std::size_t begin = render ? arena.size() : static_cast<std::size_t>(kept - arena.view().data());
  if (render) {
    static_cast<void>(arena.prepare(sizeof number + number * sizeof(PowerBound)));
    arena.commit(arena.data() + begin + sizeof number + number * sizeof(PowerBound));
    for (std::size_t i = 0; i <= bounds.size(); ++i) append_bucket_line(lines, series, le(i));
    for (const std::string_view suffix : tail) lines.append_line(series, suffix);
    if (kept == nullptr) {
      lines.cache.insert(series.id, begin);
    } else {
      lines.cache.replace(begin);
    }
  }
  char* const block = arena.data() + begin;
  std::memcpy(block, &number, sizeof number);
  if (number != 0) std::memcpy(block + sizeof number, bounds.data(), number * sizeof(PowerBound));

  std::uint64_t count = point.zero_count;
  for (const std::uint64_t bucket : point.buckets) count += bucket;
  LineReader line{block + sizeof number + number * sizeof(PowerBound)};
  for (std::size_t i = 0; i <= bounds.size(); ++i) {
    lines.write_line(line.next(), i < bounds.size() ? bounds[i].count : count);
    after_bucket(i == 0 ? -infinity : le(i - 1), le(i), point.exemplars);
  }
  return {line, count};
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
