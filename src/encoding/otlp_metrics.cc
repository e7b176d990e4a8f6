// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/encoding/otlp_metrics.h"

#include <string>
#include <vector>

#include "line_cache.h"
#include "otlp_attributes.h"
#include "otlp_exemplar.h"
#include "otlp_fields.h"
#include "otlp_metric.h"
#include "otlp_metric_point.h"
#include "otlp_metric_requests.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using detail::FieldNumber;
using detail::OtlpNumber;
using detail::OtlpWindow;

/// What is kept of a histogram's series: the field `explicit_bounds` after its size, then the attributes.
struct HistogramBlock {
  std::string_view bounds;
  std::string_view attributes;

  explicit HistogramBlock(std::string_view block) noexcept {
    std::uint32_t size = 0;
    std::memcpy(&size, block.data(), sizeof size);
    bounds = block.substr(sizeof size, size);
    attributes = block.substr(sizeof size + size);
  }
};

}  // namespace

struct OtlpMetricEncoder::Encoding {
  detail::OtlpMetricRequests requests;
  detail::LineCache cache;
  detail::OtlpTimes times;
  std::string full_name;               // its
  ByteBuffer rendered;                 // exemplars of one point, or attributes of one state
  ByteBuffer scratch;                  // for text that has to be repaired
  std::vector<double> bounds;          // of one histogram, each once
  std::vector<std::uint64_t> buckets;  // then

  Encoding(std::span<const ResourceAttribute> resource, const OtlpMetricOptions& options)
      : requests{resource, options} {}

  // ---- what is kept of a series ----

  void append_labels(FieldNumber field, const Series& series, std::string_view but = {}) {
    detail::AttributeWriter attributes{cache.arena(), scratch};
    for (const Label& label : series.labels) {
      if (but.empty() || view(label.key) != but) attributes.write(field, label);
    }
  }

  [[nodiscard]] std::string_view attributes(FieldNumber field, const Series& series) {
    return cache.block(series.id, [&] { append_labels(field, series); });
  }

  [[nodiscard]] HistogramBlock histogram_block(const Series& series, std::span<const double> given) {
    return HistogramBlock{cache.block(series.id, [&] {
      ByteBuffer& arena = cache.arena();
      detail::assign_rising(bounds, given);
      const std::size_t content = bounds.size() * sizeof(double);
      const std::size_t size = content == 0 ? 0 : detail::sized_field(content);
      const auto stored = static_cast<std::uint32_t>(size);
      arena.append({reinterpret_cast<const char*>(&stored), sizeof stored});
      if (size != 0) {
        detail::FieldCursor field{arena.prepare(size)};
        field.begin(detail::HistogramDataPointField::explicit_bounds, content);
        field.reals(bounds);
        arena.commit(field.end());
      }
      append_labels(detail::HistogramDataPointField::attributes, series);
    })};
  }

  // ---- points ----

  template <class Value>
  void add_number(const Series& series, const OtlpWindow& window, const NumberPoint<Value>& point) {
    const std::string_view labels = attributes(detail::NumberDataPointField::attributes, series);
    if (times.deltas() && point.value == Value{}) return;
    std::string_view exemplar;
    if (point.exemplar != nullptr) [[unlikely]] {
      rendered.clear();
      detail::append_otlp_exemplar(rendered, detail::NumberDataPointField::exemplars, *point.exemplar,
                                   detail::otlp_exemplar_number<Value>(point.exemplar->value), window, scratch);
      exemplar = rendered.view();
    }
    requests.add(
        [&](ByteBuffer& out) { detail::append_number_point(out, window, OtlpNumber{point.value}, exemplar, labels); });
  }

  [[nodiscard]] std::string_view exemplars(FieldNumber field, std::span<const Exemplar* const> shown,
                                           const OtlpWindow& window) {
    if (shown.empty()) [[likely]]
      return {};
    rendered.clear();
    for (const Exemplar* const exemplar : shown) {
      if (exemplar == nullptr) continue;
      detail::append_otlp_exemplar(rendered, field, *exemplar, OtlpNumber{exemplar->value}, window, scratch);
    }
    return rendered.view();
  }

  [[nodiscard]] std::span<const std::uint64_t> merged(const HistogramPoint& point) {
    detail::assign_merged(buckets, point);
    return buckets;
  }

  void add_histogram(const Series& series, const HistogramPoint& point) {
    const HistogramBlock block = histogram_block(series, point.bounds);
    const std::uint64_t count = detail::otlp_count(point);
    // A window may have the sum of an observation whose count is in the next one.
    if (times.deltas() && count == 0 && point.sum == 0) return;
    const std::size_t bounds_size = point.bounds.size() * sizeof(double);
    const bool rise = block.bounds.size() == (bounds_size == 0 ? 0 : detail::sized_field(bounds_size));
    const OtlpWindow window = times.window_of(series);
    const detail::OtlpHistogram histogram{.count = count,
                                          .sum = detail::otlp_sum(point),
                                          .buckets = rise ? point.buckets : merged(point),
                                          .bounds = block.bounds,
                                          .min = point.min,
                                          .max = point.max};
    const std::string_view chosen = exemplars(detail::HistogramDataPointField::exemplars, point.exemplars, window);
    requests.add(
        [&](ByteBuffer& out) { detail::append_histogram_point(out, window, histogram, chosen, block.attributes); });
  }

  void add_exponential(const Series& series, const ExponentialPoint& point) {
    const std::string_view labels = attributes(detail::ExponentialHistogramDataPointField::attributes, series);
    const std::uint64_t count = detail::otlp_count(point);
    if (times.deltas() && count == 0 && point.sum == 0) return;
    const OtlpWindow window = times.window_of(series);
    const std::string_view chosen =
        exemplars(detail::ExponentialHistogramDataPointField::exemplars, point.exemplars, window);
    requests.add([&](ByteBuffer& out) { detail::append_exponential_point(out, window, point, count, chosen, labels); });
  }

  /// A point per state, with the family's full name as the key, as in the text formats.
  void add_states(const Series& series, std::span<const State> states) {
    constexpr FieldNumber field = detail::NumberDataPointField::attributes;
    const std::string_view labels = cache.block(series.id, [&] { append_labels(field, series, full_name); });
    for (const State& state : states) {
      rendered.clear();
      rendered.append(labels);
      detail::AttributeWriter{rendered, scratch}.write(field,
                                                       {Text{full_name}, {state.name.data(), state.name.size()}});
      requests.add([&](ByteBuffer& out) {
        detail::append_number_point(out, times.moment(), OtlpNumber{std::int64_t{state.enabled}}, {}, rendered.view());
      });
    }
  }
};

OtlpMetricEncoder::OtlpMetricEncoder(std::span<const ResourceAttribute> resource, const OtlpMetricOptions& options)
    : encoding_{std::make_unique<Encoding>(resource, options)} {}

OtlpMetricEncoder::~OtlpMetricEncoder() = default;
OtlpMetricEncoder::OtlpMetricEncoder(OtlpMetricEncoder&&) noexcept = default;
OtlpMetricEncoder& OtlpMetricEncoder::operator=(OtlpMetricEncoder&&) noexcept = default;

void OtlpMetricEncoder::begin(const Collection& collection) {
  encoding_->times.begin(collection);
  encoding_->requests.begin();
  encoding_->cache.begin();
}

void OtlpMetricEncoder::end() {
  encoding_->requests.end();
  encoding_->cache.end();
}

void OtlpMetricEncoder::family(const Family& family) {
  encoding_->times.family(family);
  encoding_->full_name.assign(family.full_name);
  encoding_->requests.family(family);
}

void OtlpMetricEncoder::sum(const Series& series, const NumberPoint<std::uint64_t>& point) {
  encoding_->add_number(series, encoding_->times.window_of(series), point);
}

void OtlpMetricEncoder::sum(const Series& series, const NumberPoint<std::int64_t>& point) {
  encoding_->add_number(series, encoding_->times.window_of(series), point);
}

void OtlpMetricEncoder::sum(const Series& series, const NumberPoint<double>& point) {
  encoding_->add_number(series, encoding_->times.window_of(series), point);
}

void OtlpMetricEncoder::gauge(const Series& series, const NumberPoint<std::int64_t>& point) {
  encoding_->add_number(series, encoding_->times.moment(), point);
}

void OtlpMetricEncoder::gauge(const Series& series, const NumberPoint<double>& point) {
  encoding_->add_number(series, encoding_->times.moment(), point);
}

void OtlpMetricEncoder::histogram(const Series& series, const HistogramPoint& point) {
  encoding_->add_histogram(series, point);
}

void OtlpMetricEncoder::histogram(const Series& series, const ExponentialPoint& point) {
  encoding_->add_exponential(series, point);
}

void OtlpMetricEncoder::info(const Series& series) {
  encoding_->add_number(series, encoding_->times.moment(), NumberPoint<std::int64_t>{1});
}

void OtlpMetricEncoder::state_set(const Series& series, std::span<const State> states) {
  encoding_->add_states(series, states);
}

std::span<const OtlpMetricEncoder::Request> OtlpMetricEncoder::requests() const noexcept {
  return encoding_->requests.requests();
}

void OtlpMetricEncoder::limit_requests(std::size_t max_bytes) noexcept { encoding_->requests.limit(max_bytes); }

std::uint64_t OtlpMetricEncoder::dropped_too_large() const noexcept { return encoding_->requests.dropped_too_large(); }

FAST_TELEMETRY_END_NAMESPACE
