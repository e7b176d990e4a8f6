// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/encoding/prometheus_text.h"

#include <cassert>

#include "text_histogram.h"
#include "text_kinds.h"
#include "text_lines.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

std::string_view type_of(Kind kind) noexcept {
  return kind == Kind::info || kind == Kind::state_set ? "gauge" : detail::type_word(kind);
}

template <class Point>
void write_histogram(detail::TextLines& lines, const Series& series, const Point& point) {
  static constexpr std::string_view tail[] = {"_sum", "_count"};
  auto [line, count] = detail::write_buckets(lines, series, point, tail, [](auto&&...) {});
  lines.write_line(line.next(), point.sum);
  lines.write_line(line.next(), count);
}

}  // namespace

PrometheusTextEncoder::PrometheusTextEncoder(ByteBuffer& out) : lines_{std::make_unique<detail::TextLines>(out)} {}

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
  lines_->sample_name.assign(family.full_name).append(detail::sample_suffix(family.kind));

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
  write_histogram(*lines_, series, point);
}

void PrometheusTextEncoder::histogram(const Series& series, const ExponentialPoint& point) {
  write_histogram(*lines_, series, point);
}

void PrometheusTextEncoder::state_set(const Series& series, std::span<const State> states) {
  lines_->write_state_set(series, states);
}

FAST_TELEMETRY_END_NAMESPACE
