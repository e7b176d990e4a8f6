// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/encoding/prometheus_text.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <string>

#include "line_cache.h"
#include "text_escape.h"
#include "text_integer.h"
#include "text_number.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

std::string_view type_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::counter: return "counter";
    case Kind::histogram:
    case Kind::exponential_histogram: return "histogram";
    case Kind::up_down_counter:
    case Kind::gauge:
    case Kind::info:
    case Kind::state_set: return "gauge";
  }
  return "untyped";
}

std::string_view suffix_of(Kind kind) noexcept {
  if (kind == Kind::counter) return "_total";
  return kind == Kind::info ? "_info" : "";
}

constexpr std::size_t step = 32;

// In steps, and the last one ends where the text does: half the time of a memcpy whose length is only known here.
void copy_at_least_a_step(char* out, const char* from, std::size_t size) noexcept {
  for (std::size_t i = 0; i + step < size; i += step) std::memcpy(out + i, from + i, step);
  std::memcpy(out + size - step, from + size - step, step);
}

/// A series' block when it has several lines: each with its length before it.
class LineReader {
 public:
  explicit LineReader(const char* block) noexcept : next_{block} {}

  std::string_view next() noexcept {
    std::uint32_t size = 0;
    std::memcpy(&size, next_, sizeof size);
    const std::string_view line{next_ + sizeof size, size};
    next_ += sizeof size + size;
    return line;
  }

 private:
  const char* next_;
};

/// Upper bound of bucket `index`: base^(index + 1) with base = 2^(2^-scale).
double exponential_bound(std::int32_t scale, std::int64_t index) noexcept {
  return std::exp2(std::ldexp(static_cast<double>(index + 1), -scale));
}

}  // namespace

struct PrometheusTextEncoder::Lines {
  ByteBuffer& out;
  detail::LineCache cache = {};
  std::string family_name = {};  // as given
  std::string sample_name = {};  // with the kind's suffix

  explicit Lines(ByteBuffer& buffer) : out{buffer} {}

  // ---- rendering what is kept ----

  void append_labels(const Series& series) {
    ByteBuffer& arena = cache.arena();
    char separator = '{';
    for (const Label& label : series.labels) {
      if (label.value.empty()) continue;  // "absent": a series with it would collide with the one without
      arena.append({&separator, 1});
      arena.append(view(label.key));
      arena.append("=\"");
      detail::append_label_value(arena, view(label.value));
      arena.append("\"");
      separator = ',';
    }
    if (separator == ',') arena.append("}");
  }

  /// `name{labels,key="` … left open for a value of the encoder's own, which follows the user's labels.
  void append_open_labels(const Series& series, std::string_view key) {
    ByteBuffer& arena = cache.arena();
    const std::size_t before = arena.size();
    append_labels(series);
    if (arena.size() == before) {
      arena.append("{");
    } else {
      arena.truncate(arena.size() - 1);
      arena.append(",");
    }
    arena.append(key);
    arena.append("=\"");
  }

  template <class Append>
  void append_line(Append append) {
    ByteBuffer& arena = cache.arena();
    const std::size_t begin = arena.size();
    arena.append({"????", sizeof(std::uint32_t)});
    append();
    const auto size = static_cast<std::uint32_t>(arena.size() - begin - sizeof(std::uint32_t));
    std::memcpy(arena.data() + begin, &size, sizeof size);
  }

  void append_line(const Series& series, std::string_view suffix) {
    append_line([&] {
      cache.arena().append(family_name);
      cache.arena().append(suffix);
      append_labels(series);
      cache.arena().append(" ");
    });
  }

  /// The series' block. `render` is called when it is not kept yet.
  template <class Render>
  std::string_view block(const Series& series, Render render) {
    std::size_t size = 0;
    if (const char* const kept = cache.find(series.id, size); kept != nullptr) [[likely]]
      return {kept, size};
    return render_block(series, render);
  }

  template <class Render>
  [[gnu::noinline]] std::string_view render_block(const Series& series, Render render) {
    const std::size_t begin = cache.arena().size();
    render();
    cache.insert(series.id, begin);
    return cache.arena().view().substr(begin);
  }

  // ---- writing a point ----

  template <class Value>
  void write_line(std::string_view beginning, Value value) {
    out.append(beginning);
    write_value(out.prepare(detail::longest_number), value);
  }

  void write_line(std::string_view beginning, std::uint64_t value) {
    static_assert(step >= detail::room_before_integer);
    if (beginning.size() < step) [[unlikely]] {
      write_line<std::uint64_t>(beginning, value);
      return;
    }
    char* const begin = out.prepare(beginning.size() + detail::longest_number);
    // The number first: it may spoil what is before it.
    char* end = detail::write_number_over(begin + beginning.size(), value);
    copy_at_least_a_step(begin, beginning.data(), beginning.size());
    *end++ = '\n';
    out.commit(end);
  }

  template <class Value>
  void write_value(char* end, Value value) {
    end = detail::write_number(end, value);
    *end++ = '\n';
    out.commit(end);
  }

  /// Ends a line whose last label value is still open.
  template <class Value>
  void close_line(Value value) {
    out.append("\"} ");
    write_value(out.prepare(detail::longest_number), value);
  }

  template <class Value>
  void write_number(const Series& series, Value value) {
    const auto render = [&] {
      cache.arena().append(sample_name);
      append_labels(series);
      cache.arena().append(" ");
    };
    write_line(block(series, render), value);
  }

  void write_open_line(std::string_view beginning, double le, std::uint64_t value) {
    out.append(beginning);
    out.commit(detail::write_canonical(out.prepare(detail::longest_number), le));
    close_line(value);
  }
};

PrometheusTextEncoder::PrometheusTextEncoder(ByteBuffer& out) : lines_{std::make_unique<Lines>(out)} {}

PrometheusTextEncoder::~PrometheusTextEncoder() = default;

void PrometheusTextEncoder::begin(const Collection& collection) {
  assert(collection.temporality == Temporality::cumulative && "Prometheus text has no deltas: use a cumulative reader");
  static_cast<void>(collection);
  lines_->cache.begin();
}

void PrometheusTextEncoder::end() { lines_->cache.end(); }

// Not kept from last time: to know that name and help are still the same, they would have to be read as well.
void PrometheusTextEncoder::family(const Family& family) {
  lines_->family_name.assign(family.full_name);
  lines_->sample_name.assign(family.full_name).append(suffix_of(family.kind));

  // Metadata bears the sample's name, `_total` included, unlike OpenMetrics.
  ByteBuffer& out = lines_->out;
  if (!family.help.empty()) {
    out.append("# HELP ");
    out.append(lines_->sample_name);
    out.append(" ");
    detail::append_help(out, family.help);
    out.append("\n");
  }
  out.append("# TYPE ");
  out.append(lines_->sample_name);
  out.append(" ");
  out.append(type_of(family.kind));
  out.append("\n");
}

void PrometheusTextEncoder::sum(const Series& series, const NumberPoint<std::uint64_t>& point) {
  lines_->write_number(series, point.value);
}

void PrometheusTextEncoder::sum(const Series& series, const NumberPoint<std::int64_t>& point) {
  lines_->write_number(series, point.value);
}

void PrometheusTextEncoder::sum(const Series& series, const NumberPoint<double>& point) {
  lines_->write_number(series, point.value);
}

void PrometheusTextEncoder::gauge(const Series& series, const NumberPoint<std::int64_t>& point) {
  lines_->write_number(series, point.value);
}

void PrometheusTextEncoder::gauge(const Series& series, const NumberPoint<double>& point) {
  lines_->write_number(series, point.value);
}

void PrometheusTextEncoder::info(const Series& series) { lines_->write_number(series, std::uint64_t{1}); }

void PrometheusTextEncoder::histogram(const Series& series, const HistogramPoint& point) {
  assert(point.buckets.size() == point.bounds.size() + 1);
  Lines& lines = *lines_;
  ByteBuffer& arena = lines.cache.arena();
  // Integer bounds beyond 2^53 can be one double. A bound is written once, with all that is not above it.
  const auto is_followed_by_itself = [&](std::size_t i) {
    return i + 1 < point.bounds.size() && point.bounds[i] == point.bounds[i + 1];
  };

  LineReader line{lines
                      .block(series,
                             [&] {
                               constexpr double infinity = std::numeric_limits<double>::infinity();
                               for (std::size_t i = 0; i <= point.bounds.size(); ++i) {
                                 if (is_followed_by_itself(i)) continue;
                                 lines.append_line([&] {
                                   arena.append(lines.family_name);
                                   arena.append("_bucket");
                                   lines.append_open_labels(series, "le");
                                   const double bound = i < point.bounds.size() ? point.bounds[i] : infinity;
                                   arena.commit(detail::write_canonical(arena.prepare(detail::longest_number), bound));
                                   arena.append("\"} ");
                                 });
                               }
                               lines.append_line(series, "_sum");
                               lines.append_line(series, "_count");
                             })
                      .data()};

  std::uint64_t count = 0;
  for (std::size_t i = 0; i < point.buckets.size(); ++i) {
    count += point.buckets[i];
    if (!is_followed_by_itself(i)) lines.write_line(line.next(), count);
  }
  lines.write_line(line.next(), point.sum);
  lines.write_line(line.next(), count);
}

void PrometheusTextEncoder::histogram(const Series& series, const ExponentialPoint& point) {
  Lines& lines = *lines_;
  LineReader line{lines
                      .block(series,
                             [&] {
                               lines.append_line([&] {
                                 lines.cache.arena().append(lines.family_name);
                                 lines.cache.arena().append("_bucket");
                                 lines.append_open_labels(series, "le");
                               });
                               lines.append_line(series, "_sum");
                               lines.append_line(series, "_count");
                             })
                      .data()};
  const std::string_view bucket_line = line.next();

  // Bounds are not kept: which buckets are not empty, and at high counts the scale itself, changes between collections.
  // Two buckets can share a bound where doubles end (both 0, or both infinite): a bound is written once it is passed.
  double bound = point.zero_threshold;
  std::uint64_t count = point.zero_count;
  for (std::size_t i = 0; i < point.buckets.size(); ++i) {
    if (point.buckets[i] == 0) continue;
    const double next = exponential_bound(point.scale, std::int64_t{point.offset} + static_cast<std::int64_t>(i));
    if (next > bound) {
      if (count != 0) lines.write_open_line(bucket_line, bound, count);
      bound = next;
    }
    count += point.buckets[i];
  }
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (count != 0 && bound != infinity) lines.write_open_line(bucket_line, bound, count);
  lines.write_open_line(bucket_line, infinity, count);
  lines.write_line(line.next(), point.sum);
  lines.write_line(line.next(), count);
}

void PrometheusTextEncoder::state_set(const Series& series, std::span<const State> states) {
  Lines& lines = *lines_;
  const std::string_view beginning = lines.block(series, [&] {
    lines.cache.arena().append(lines.sample_name);
    lines.append_open_labels(series, lines.family_name);
  });
  for (const State& state : states) {
    lines.out.append(beginning);
    detail::append_label_value(lines.out, state.name);
    lines.close_line(std::uint64_t{state.enabled});
  }
}

FAST_TELEMETRY_END_NAMESPACE
