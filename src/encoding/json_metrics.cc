// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/encoding/json_metrics.h"

#include <bit>
#include <string>
#include <vector>

#include "fast_telemetry/build_info.h"
#include "fast_telemetry/encoding/json_resource.h"
#include "json_attributes.h"
#include "otlp_metric.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using namespace detail;  // NOLINT(google-build-using-namespace): the encoder is made of it

/// A double stands there even if it is zero: what is left out is not known.
void add_double(JsonList& object, std::string_view name, double value) { append_json_double(object.next(name), value); }

void add_double(JsonList& object, std::string_view name, const std::optional<double>& value) {
  if (value) add_double(object, name, *value);
}

void add_quoted_count(JsonList& object, std::string_view name, std::uint64_t count) {
  if (count != 0) append_quoted(object.next(name), count);
}

void add_signed(JsonList& object, std::string_view name, std::int64_t value) {
  if (value != 0) append_json_integer(object.next(name), value);
}

/// An integer of 64 bits is a string, and says so by its name.
void add_number(JsonList& object, const OtlpNumber& number) {
  if (number.is_double) return add_double(object, "\"asDouble\":", std::bit_cast<double>(number.bits));
  append_quoted(object.next("\"asInt\":"), std::bit_cast<std::int64_t>(number.bits));
}

void add_window(JsonList& point, const OtlpWindow& window) {
  add_quoted_count(point, "\"startTimeUnixNano\":", window.start);
  add_quoted_count(point, "\"timeUnixNano\":", window.time);
}

void add_id(JsonList& object, std::string_view name, std::span<const std::byte> id, std::size_t size) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (!is_otlp_id(id, size)) return;
  ByteBuffer& out = object.next(name);
  char* end = out.prepare(2 * size + 2);
  *end++ = '"';
  for (const std::byte byte : id) {
    *end++ = digits[std::to_integer<std::size_t>(byte >> 4U)];
    *end++ = digits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  *end++ = '"';
  out.commit(end);
}

/// One with an empty value is absent.
void append_labels(JsonList& list, std::span<const Label> labels, std::string_view but = {}) {
  for (const Label& label : labels) {
    if (label.value.empty() || (!but.empty() && view(label.key) == but)) continue;
    append_text_attribute(list.next(), view(label.key), view(label.value));
  }
}

template <class Value>
void add_array(JsonList& object, std::string_view name, std::span<const Value> values) {
  if (values.empty()) return;
  ByteBuffer& out = object.next(name);
  out.append("[");
  JsonList list{out};
  for (const Value value : values) {
    if constexpr (std::numeric_limits<Value>::is_integer) {
      append_quoted(list.next(), value);
    } else {
      append_json_double(list.next(), value);
    }
  }
  out.append("]");
}

}  // namespace

struct OtlpJsonMetricEncoder::Encoding {
  std::string frame;  // of every line, up to the metric
  OtlpMetric metric;
  OtlpTimes times;
  ByteBuffer out;
  ByteBuffer head;                     // of the metric under way, up to its points
  std::string full_name;               // of its family
  std::size_t points = 0;              // in the line under way; 0: there is none
  std::vector<std::size_t> line_ends;  // of those before
  std::vector<Line> lines;             // with their points; where they are is known at the end
  std::vector<double> bounds;          // of one histogram, each once
  std::vector<std::uint64_t> buckets;  // then

  explicit Encoding(std::span<const ResourceAttribute> resource) {
    ByteBuffer line;
    line.append("{\"resourceMetrics\":[{");
    line.append(JsonResource{resource}.view());
    line.append(R"("scopeMetrics":[{"scope":{"name":"fast-telemetry","version":)");
    append_json_string(line, view(library_version()));
    line.append("},\"metrics\":[");
    frame = line.view();
  }

  void begin(const Collection& collection) {
    times.begin(collection);
    out.clear();
    line_ends.clear();
    lines.clear();
    points = 0;
  }

  void end() {
    close_line();
    std::size_t begin = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      lines[i].text = out.view().substr(begin, line_ends[i] - begin);
      begin = line_ends[i];
    }
  }

  void family(const Family& family) {
    close_line();
    times.family(family);
    metric.describe(family);
    full_name.assign(family.full_name);
    head.clear();
    head.append("{");
    JsonList members{head};
    add_text(members, "\"name\":", metric.name());
    add_text(members, "\"description\":", family.help);
    add_text(members, "\"unit\":", metric.unit());
    members.next(data_name());
    head.append("{\"dataPoints\":[");
  }

  [[nodiscard]] std::string_view data_name() const noexcept {
    switch (metric.data()) {
      case OtlpData::gauge: break;
      case OtlpData::sum: return "\"sum\":";
      case OtlpData::histogram: return "\"histogram\":";
      case OtlpData::exponential_histogram: return "\"exponentialHistogram\":";
    }
    return "\"gauge\":";
  }

  void close_line() {
    if (points == 0) return;
    out.append("]");
    if (metric.temporality() != 0) {
      out.append(",\"aggregationTemporality\":");
      append_json_integer(out, metric.temporality());
    }
    if (metric.is_monotonic()) out.append(",\"isMonotonic\":true");
    out.append("}}]}]}]}\n");
    line_ends.push_back(out.size());
    lines.push_back({{}, points});
    points = 0;
  }

  // ---- points ----

  /// `write` adds the members of one point.
  template <class Write>
  void add(Write write) {
    if (points == 0) {
      out.append(frame);
      out.append(head.view());
    } else {
      out.append(",");
    }
    out.append("{");
    JsonList members{out};
    write(members);
    out.append("}");
    ++points;
  }

  void add_attributes(JsonList& point, const Series& series) const {
    point.next(OtlpStyle::begin_attributes);
    JsonList list{point.buffer()};
    append_labels(list, series.labels);
    point.buffer().append(OtlpStyle::end_attributes);
  }

  template <class Value>
  void add_number_point(const Series& series, const OtlpWindow& window, const NumberPoint<Value>& point) {
    if (times.deltas() && point.value == Value{}) return;
    add([&](JsonList& members) {
      add_window(members, window);
      add_number(members, OtlpNumber{point.value});
      if (point.exemplar != nullptr) {
        add_exemplars(members, {&point.exemplar, 1}, window,
                      [](double value) { return otlp_exemplar_number<Value>(value); });
      }
      add_attributes(members, series);
    });
  }

  /// `number` is what the value of one is told as.
  template <class Number>
  static void add_exemplars(JsonList& point, std::span<const Exemplar* const> shown, const OtlpWindow& window,
                            Number number) {
    ByteBuffer& out = point.next("\"exemplars\":[");
    JsonList list{out};
    for (const Exemplar* const exemplar : shown) {
      if (exemplar == nullptr) continue;
      list.next("{");
      JsonList members{out};
      add_quoted_count(members, "\"timeUnixNano\":", otlp_exemplar_time(*exemplar, window));
      add_number(members, number(exemplar->value));
      add_id(members, "\"spanId\":", exemplar->span_id, 8);
      add_id(members, "\"traceId\":", exemplar->trace_id, 16);
      members.next("\"filteredAttributes\":[");
      JsonList attributes{out};
      append_labels(attributes, exemplar->labels);
      out.append("]}");
    }
    out.append("]");
  }

  static void add_exemplars(JsonList& point, std::span<const Exemplar* const> shown, const OtlpWindow& window) {
    if (!shown.empty()) add_exemplars(point, shown, window, [](double value) { return OtlpNumber{value}; });
  }

  void add_histogram(const Series& series, const HistogramPoint& point) {
    const std::uint64_t count = otlp_count(point);
    if (times.deltas() && count == 0 && point.sum == 0) return;
    assign_rising(bounds, point.bounds);
    assign_merged(buckets, point);
    const OtlpWindow window = times.window_of(series);
    add([&](JsonList& members) {
      add_window(members, window);
      add_quoted_count(members, "\"count\":", count);
      add_double(members, "\"sum\":", otlp_sum(point));
      add_array(members, "\"bucketCounts\":", std::span<const std::uint64_t>{buckets});
      add_array(members, "\"explicitBounds\":", std::span<const double>{bounds});
      add_exemplars(members, point.exemplars, window);
      add_attributes(members, series);
      add_double(members, "\"min\":", point.min);
      add_double(members, "\"max\":", point.max);
    });
  }

  void add_exponential(const Series& series, const ExponentialPoint& point) {
    const std::uint64_t count = otlp_count(point);
    if (times.deltas() && count == 0 && point.sum == 0) return;
    const OtlpWindow window = times.window_of(series);
    add([&](JsonList& members) {
      add_attributes(members, series);
      add_window(members, window);
      add_quoted_count(members, "\"count\":", count);
      add_double(members, "\"sum\":", point.sum);
      add_signed(members, "\"scale\":", point.scale);
      add_quoted_count(members, "\"zeroCount\":", point.zero_count);
      if (!point.buckets.empty()) {
        members.next("\"positive\":{");
        JsonList positive{out};
        add_signed(positive, "\"offset\":", point.offset);
        add_array(positive, "\"bucketCounts\":", point.buckets);
        out.append("}");
      }
      add_exemplars(members, point.exemplars, window);
      add_double(members, "\"min\":", point.min);
      add_double(members, "\"max\":", point.max);
      if (point.zero_threshold != 0) add_double(members, "\"zeroThreshold\":", point.zero_threshold);
    });
  }

  /// A point per state, with the family's full name as the key, as in the text formats.
  void add_states(const Series& series, std::span<const State> states) {
    for (const State& state : states) {
      add([&](JsonList& members) {
        add_window(members, times.moment());
        add_number(members, OtlpNumber{std::int64_t{state.enabled}});
        members.next(OtlpStyle::begin_attributes);
        JsonList list{out};
        append_labels(list, series.labels, full_name);
        if (!state.name.empty()) append_text_attribute(list.next(), full_name, state.name);
        out.append(OtlpStyle::end_attributes);
      });
    }
  }
};

OtlpJsonMetricEncoder::OtlpJsonMetricEncoder(std::span<const ResourceAttribute> resource)
    : encoding_{std::make_unique<Encoding>(resource)} {}

OtlpJsonMetricEncoder::~OtlpJsonMetricEncoder() = default;
OtlpJsonMetricEncoder::OtlpJsonMetricEncoder(OtlpJsonMetricEncoder&&) noexcept = default;
OtlpJsonMetricEncoder& OtlpJsonMetricEncoder::operator=(OtlpJsonMetricEncoder&&) noexcept = default;

void OtlpJsonMetricEncoder::begin(const Collection& collection) { encoding_->begin(collection); }

void OtlpJsonMetricEncoder::end() { encoding_->end(); }

void OtlpJsonMetricEncoder::family(const Family& family) { encoding_->family(family); }

void OtlpJsonMetricEncoder::sum(const Series& series, const NumberPoint<std::uint64_t>& point) {
  encoding_->add_number_point(series, encoding_->times.window_of(series), point);
}

void OtlpJsonMetricEncoder::sum(const Series& series, const NumberPoint<std::int64_t>& point) {
  encoding_->add_number_point(series, encoding_->times.window_of(series), point);
}

void OtlpJsonMetricEncoder::sum(const Series& series, const NumberPoint<double>& point) {
  encoding_->add_number_point(series, encoding_->times.window_of(series), point);
}

void OtlpJsonMetricEncoder::gauge(const Series& series, const NumberPoint<std::int64_t>& point) {
  encoding_->add_number_point(series, encoding_->times.moment(), point);
}

void OtlpJsonMetricEncoder::gauge(const Series& series, const NumberPoint<double>& point) {
  encoding_->add_number_point(series, encoding_->times.moment(), point);
}

void OtlpJsonMetricEncoder::histogram(const Series& series, const HistogramPoint& point) {
  encoding_->add_histogram(series, point);
}

void OtlpJsonMetricEncoder::histogram(const Series& series, const ExponentialPoint& point) {
  encoding_->add_exponential(series, point);
}

void OtlpJsonMetricEncoder::info(const Series& series) {
  encoding_->add_number_point(series, encoding_->times.moment(), NumberPoint<std::int64_t>{1});
}

void OtlpJsonMetricEncoder::state_set(const Series& series, std::span<const State> states) {
  encoding_->add_states(series, states);
}

std::span<const OtlpJsonMetricEncoder::Line> OtlpJsonMetricEncoder::lines() const noexcept { return encoding_->lines; }

FAST_TELEMETRY_END_NAMESPACE
