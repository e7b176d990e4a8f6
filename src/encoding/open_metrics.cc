// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/encoding/open_metrics.h"

#include <cassert>

#include "core/names.h"
#include "exemplar_text.h"
#include "text_histogram.h"
#include "text_kinds.h"
#include "text_lines.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

/// What stands after `# UNIT`: the format takes only a unit that the name ends in, and none of info and state sets.
std::string_view unit_of(const Family& family) noexcept {
  const std::string_view unit = detail::unit_suffix(family.unit);
  const bool can_have_one = family.kind != Kind::info && family.kind != Kind::state_set;
  const bool named = family.full_name.size() > unit.size() && family.full_name.ends_with(unit) &&
                     family.full_name[family.full_name.size() - unit.size() - 1] == '_';
  return can_have_one && named ? unit : std::string_view{};
}

bool is_count(std::uint64_t) noexcept { return true; }
bool is_count(std::int64_t value) noexcept { return value >= 0; }
bool is_count(double value) noexcept { return value >= 0; }  // NaN is not

bool has_negative_bound(const HistogramPoint& point) noexcept { return !point.bounds.empty() && point.bounds[0] < 0; }
bool has_negative_bound(const ExponentialPoint&) noexcept { return false; }

}  // namespace

struct OpenMetricsEncoder::Exposition : detail::TextLines {
  OpenMetricsOptions options;
  Kind kind = Kind::gauge;  // of the family under way

  Exposition(ByteBuffer& buffer, OpenMetricsOptions given) : TextLines{buffer}, options{given} {}

  /// Up to the text.
  void begin_metadata(std::string_view keyword) {
    out.append(keyword);
    out.append(family_name);
    out.append(" ");
  }

  void append_metadata(std::string_view keyword, std::string_view text) {
    begin_metadata(keyword);
    out.append(text);
    out.append("\n");
  }

  template <class Value>
  void write_sum(const Series& series, const NumberPoint<Value>& point) {
    if (kind != Kind::counter) return write_number(series, point.value);
    if (!is_count(point.value)) return;
    if (!options.created) {
      write_number(series, point.value);
      add_exemplar(point.exemplar);
      return;
    }
    detail::LineReader line{cache
                                .block(series.id,
                                       [&] {
                                         append_line(series, "_total");
                                         append_line(series, "_created");
                                       })
                                .data()};
    write_line(line.next(), point.value);
    add_exemplar(point.exemplar);
    write_created(line.next(), series);
  }

  template <class Point>
  void write_histogram(const Series& series, const Point& point) {
    const auto after_bucket = [this](double above, double le, std::span<const Exemplar* const> exemplars) {
      add_exemplar(latest_within(above, le, exemplars));
    };
    static constexpr std::string_view tail[] = {"_sum", "_count", "_created"};
    auto [line, count] = detail::write_buckets(*this, series, point, tail, after_bucket);
    const std::string_view sum_line = line.next();
    const std::string_view count_line = line.next();
    if (point.sum >= 0 && !has_negative_bound(point)) {
      write_line(sum_line, point.sum);
      write_line(count_line, count);
    }
    if (options.created) write_created(line.next(), series);
  }

 private:
  static const Exemplar* latest_within(double above, double le, std::span<const Exemplar* const> exemplars) noexcept {
    const Exemplar* latest = nullptr;
    for (const Exemplar* const exemplar : exemplars) {
      if (exemplar == nullptr || !(exemplar->value > above && exemplar->value <= le)) continue;
      if (latest == nullptr || exemplar->time_unix_ns > latest->time_unix_ns) latest = exemplar;
    }
    return latest;
  }

  /// To the line just written.
  void add_exemplar(const Exemplar* exemplar) {
    if (exemplar == nullptr) [[likely]]
      return;
    out.truncate(out.size() - 1);  // its end
    detail::append_exemplar(out, *exemplar);
    out.append("\n");
  }

  // Not kept with the line: a forked child's series are born again.
  void write_created(std::string_view beginning, const Series& series) {
    if (series.born_unix_ns == 0) return;  // nobody knows
    out.append(beginning);
    char* end = detail::write_seconds(out.prepare(detail::longest_number), series.born_unix_ns);
    *end++ = '\n';
    out.commit(end);
  }
};

OpenMetricsEncoder::OpenMetricsEncoder(ByteBuffer& out, OpenMetricsOptions options)
    : exposition_{std::make_unique<Exposition>(out, options)} {}

OpenMetricsEncoder::~OpenMetricsEncoder() = default;

void OpenMetricsEncoder::begin(const Collection& collection) {
  assert(collection.temporality == Temporality::cumulative && "OpenMetrics has no deltas: use a cumulative reader");
  static_cast<void>(collection);
  exposition_->cache.begin();
}

void OpenMetricsEncoder::end() {
  exposition_->out.append("# EOF\n");
  exposition_->cache.end();
}

void OpenMetricsEncoder::family(const Family& family) {
  Exposition& exposition = *exposition_;
  exposition.kind = family.kind;
  exposition.family_name.assign(family.full_name);
  exposition.sample_name.assign(family.full_name).append(detail::sample_suffix(family.kind));

  // Metadata bears the family's own name: without `_total`, unlike format 0.0.4, and without `_info`.
  exposition.append_metadata("# TYPE ", detail::type_word(family.kind));
  if (const std::string_view unit = unit_of(family); !unit.empty()) exposition.append_metadata("# UNIT ", unit);
  if (family.help.empty()) return;
  exposition.begin_metadata("# HELP ");
  detail::append_open_metrics_help(exposition.out, family.help);
  exposition.out.append("\n");
}

void OpenMetricsEncoder::sum(const Series& series, const NumberPoint<std::uint64_t>& point) {
  exposition_->write_sum(series, point);
}

void OpenMetricsEncoder::sum(const Series& series, const NumberPoint<std::int64_t>& point) {
  exposition_->write_sum(series, point);
}

void OpenMetricsEncoder::sum(const Series& series, const NumberPoint<double>& point) {
  exposition_->write_sum(series, point);
}

// Without its exemplar: the format has them for counters and buckets only.
void OpenMetricsEncoder::gauge(const Series& series, const NumberPoint<std::int64_t>& point) {
  exposition_->write_number(series, point.value);
}

void OpenMetricsEncoder::gauge(const Series& series, const NumberPoint<double>& point) {
  exposition_->write_number(series, point.value);
}

void OpenMetricsEncoder::histogram(const Series& series, const HistogramPoint& point) {
  exposition_->write_histogram(series, point);
}

void OpenMetricsEncoder::histogram(const Series& series, const ExponentialPoint& point) {
  exposition_->write_histogram(series, point);
}

void OpenMetricsEncoder::info(const Series& series) { exposition_->write_number(series, std::uint64_t{1}); }

void OpenMetricsEncoder::state_set(const Series& series, std::span<const State> states) {
  exposition_->write_state_set(series, states);
}

FAST_TELEMETRY_END_NAMESPACE
