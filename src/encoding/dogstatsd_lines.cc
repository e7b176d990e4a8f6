// SPDX-License-Identifier: Apache-2.0
#include "dogstatsd_lines.h"

#include <algorithm>
#include <cmath>
#include <limits>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t second_ns = 1'000'000'000;

std::string fields_of(const DogStatsdOptions& options) {
  ByteBuffer fields;
  append_dogstatsd_field(fields, "|c:", options.container_id);
  append_dogstatsd_field(fields, "|e:", options.external_data);
  append_dogstatsd_field(fields, "|card:", options.cardinality);
  return std::string{fields.view()};
}

}  // namespace

DogStatsdLines::DogStatsdLines(DogStatsdOptions options) : options_{std::move(options)}, fields_{fields_of(options_)} {}

void DogStatsdLines::begin(const Collection& collection) {
  out_.clear();
  packet_ends_.clear();
  packet_begin_ = 0;
  info_ = {};
  values_.clear();
  cache_.begin();
  stamp_.clear();
  if (!options_.timestamps || collection.time_unix_ns < second_ns) return;  // agents drop a line from before 1970
  char digits[longest_number];
  const char* const end = write_number(digits, collection.time_unix_ns / second_ns);
  stamp_.append("|T").append(digits, static_cast<std::size_t>(end - digits));
}

void DogStatsdLines::end() {
  if (out_.size() != packet_begin_) packet_ends_.push_back(out_.size());
  cache_.end();
}

void DogStatsdLines::family(const Family& family) {
  kind_ = family.kind;
  scope_.assign(family.scope);
  name_.assign(family.name);
  full_name_.assign(family.full_name);
}

std::string_view DogStatsdLines::render(const Series& series) {
  ByteBuffer& arena = cache_.arena();
  const std::size_t begin = arena.size();
  arena.append({"????", sizeof(std::uint32_t)});
  append_dogstatsd_name(arena, scope_, name_);
  arena.append(":");
  const auto before = static_cast<std::uint32_t>(arena.size() - begin - sizeof(std::uint32_t));
  std::memcpy(arena.data() + begin, &before, sizeof before);

  const bool is_distribution = kind_ == Kind::histogram || kind_ == Kind::exponential_histogram;
  if (!is_distribution) arena.append(is_counter() ? "|c" : "|g");
  append_tags(arena, series);
  if (kind_ != Kind::state_set) arena.append(fields_);
  cache_.insert(series.id, begin);
  return arena.view().substr(begin);
}

/// For a state set left open: the state's own tag follows.
void DogStatsdLines::append_tags(ByteBuffer& arena, const Series& series) const {
  std::string_view separator = "|#";
  const auto append = [&](std::string_view key, std::string_view value) {
    if (value.empty()) return;  // "absent": a series with it would collide with the one without
    arena.append(separator);
    append_dogstatsd_tag(arena, key, value);
    separator = ",";
  };
  const auto is_state = [&](std::string_view key) { return kind_ == Kind::state_set && key == full_name_; };
  for (const Label& label : series.labels) {
    if (!is_state(view(label.key))) append(view(label.key), view(label.value));
  }
  for (const auto& tag : options_.tags) {
    const auto is_same = [&](const Label& label) { return view(label.key) == tag.first && !label.value.empty(); };
    if (is_state(tag.first) || std::any_of(series.labels.begin(), series.labels.end(), is_same)) continue;
    append(tag.first, tag.second);
  }
  if (!options_.entity_id.empty()) {
    arena.append(separator);
    append_dogstatsd_entity(arena, options_.entity_id);
    separator = ",";
  }
  if (kind_ == Kind::state_set) arena.append(separator);
}

void DogStatsdLines::write_integer(const Series& series, std::int64_t value) {
  const auto magnitude = static_cast<std::uint64_t>(value);
  if (value < 0) return write_whole(ends_of(series), "-", 0 - magnitude);
  write_whole(ends_of(series), {}, magnitude);
}

void DogStatsdLines::write_double(const Series& series, double value) {
  const LineEnds ends = ends_of(series);
  if (is_counter() && value == 0) return;
  if (!std::isfinite(value)) {
    ++info_.dropped_not_finite;
    return;
  }
  char* const begin = out_.prepare(ends.before.size() + longest_plain_number + ends.after.size() + stamp_.size() + 1);
  char* const end = copy_text(write_plain(copy_text(begin, ends.before), value), ends.after);
  close_line(begin, copy_text(end, stamp_));
}

void DogStatsdLines::write_state_set(const Series& series, std::span<const State> states) {
  const LineEnds ends = ends_of(series);
  for (const State& state : states) {
    const std::size_t begin = out_.size();
    out_.append(ends.before);
    out_.append(state.enabled ? "1" : "0");
    out_.append(ends.after);
    append_dogstatsd_tag(out_, full_name_, state.name);
    out_.append(fields_);
    char* const end = copy_text(out_.prepare(stamp_.size() + 1), stamp_);
    close_line(out_.data() + begin, end);
  }
}

bool DogStatsdLines::begin_packet(std::size_t line_begin) {
  if (out_.size() - line_begin > options_.max_packet_bytes) {
    out_.truncate(line_begin);
    ++info_.dropped_too_long;
    return false;
  }
  packet_ends_.push_back(line_begin);
  packet_begin_ = line_begin;
  return true;
}

void DogStatsdLines::write_distribution(const Series& series, const HistogramPoint& point) {
  write_values(series, {point.sum, point.min, point.max}, [&point](auto use) {
    for (std::size_t i = 0; i < point.buckets.size(); ++i) {
      if (point.buckets[i] == 0) continue;
      use({i == 0 ? -infinity : point.bounds[i - 1], i < point.bounds.size() ? point.bounds[i] : infinity,
           point.buckets[i]});
    }
  });
}

void DogStatsdLines::write_distribution(const Series& series, const ExponentialPoint& point) {
  write_values(series, {point.sum, point.min, point.max}, [&point](auto use) {
    if (point.zero_count != 0) use({0, point.zero_threshold, point.zero_count});
    const double octaves = std::exp2(-point.scale);  // that a bucket is wide
    for (std::size_t i = 0; i < point.buckets.size(); ++i) {
      if (point.buckets[i] == 0) continue;
      const double index = static_cast<double>(point.offset) + static_cast<double>(i);
      double high = std::exp2((index + 1) * octaves);
      // The last bucket has what exceeds it, too (Distribution, "Limits").
      if (i + 1 == point.buckets.size() && point.max) high = std::fmax(high, *point.max);
      use({std::exp2(index * octaves), high, point.buckets[i]});
    }
  });
}

template <class ForEachBucket>
void DogStatsdLines::write_values(const Series& series, const ValueTotals& totals, ForEachBucket for_each_bucket) {
  const LineEnds ends = ends_of(series);
  BucketValues values{totals};
  for_each_bucket([&](const ValueBucket& bucket) { values.add(bucket); });
  values.finish();
  for_each_bucket([&](const ValueBucket& bucket) { write_value(ends, values.value(bucket), bucket.count); });
  if (values_.size() != 0) close_values(ends);
}

void DogStatsdLines::write_value(const LineEnds& ends, double value, std::uint64_t count) {
  if (!std::isfinite(value)) {
    info_.dropped_not_finite += count;
    return;
  }
  char text[longest_plain_number];
  char* text_end = write_plain_short(text, value);
  *text_end++ = ':';
  const std::string_view shown{text, text_end};

  constexpr std::string_view type = "|d";
  constexpr std::size_t typical_rate = std::string_view{"|@0.01234567890123456"}.size();
  const std::size_t line_size = ends.before.size() + type.size() + ends.after.size();  // without values
  if (count <= (line_size + typical_rate) / shown.size() + 1) {
    for (; count != 0; --count) {
      // A colon more than values have between them: the newline's place.
      if (values_.size() != 0 && line_size + values_.size() + shown.size() > options_.max_packet_bytes) {
        close_values(ends);
      }
      values_.append(shown);
    }
    return;
  }

  constexpr std::string_view rate = "|@";
  char* const begin = out_.prepare(line_size + shown.size() + rate.size() + longest_plain_number + 1);
  char* end = copy_text(copy_text(begin, ends.before), shown.substr(0, shown.size() - 1));
  end = write_plain(copy_text(copy_text(end, type), rate), sample_rate(count));
  close_line(begin, copy_text(end, ends.after));
}

void DogStatsdLines::close_values(const LineEnds& ends) {
  constexpr std::string_view type = "|d";
  const std::string_view values = values_.view().substr(0, values_.size() - 1);
  char* const begin = out_.prepare(ends.before.size() + values.size() + type.size() + ends.after.size() + 1);
  close_line(begin, copy_text(copy_text(copy_text(copy_text(begin, ends.before), values), type), ends.after));
  values_.clear();
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
