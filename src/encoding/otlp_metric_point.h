// SPDX-License-Identifier: Apache-2.0
//
// Points of OTLP's metrics (NumberDataPoint, HistogramDataPoint, ExponentialHistogramDataPoint), with what is theirs
// alone: attributes and exemplars come rendered. Inline: most of a collection is these.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "fast_telemetry/visitor.h"
#include "otlp_fields.h"
#include "otlp_number.h"
#include "protobuf.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// What a field of fixed64, double or sfixed64 takes when its number is below 16.
inline constexpr std::size_t fixed_field = 1 + 8;

constexpr std::size_t fixed_field_if(bool there) noexcept { return there ? fixed_field : 0; }

inline void append_number_point(ByteBuffer& out, const OtlpWindow& window, const OtlpNumber& number,
                                std::string_view exemplar, std::string_view attributes) {
  using Field = NumberDataPointField;
  const std::size_t size = fixed_field_if(window.start != 0) + fixed_field_if(window.time != 0) + fixed_field +
                           exemplar.size() + attributes.size();
  FieldCursor point{out.prepare(sized_field(size))};
  point.begin(MetricDataField::data_points, size);
  point.fixed64_unless_0(Field::start_time_unix_nano, window.start);
  point.fixed64_unless_0(Field::time_unix_nano, window.time);
  if (number.is_double) point.fixed64(Field::as_double, number.bits);
  point.bytes(exemplar);
  if (!number.is_double) point.fixed64(Field::as_int, number.bits);
  point.bytes(attributes);
  out.commit(point.end());
}

struct OtlpHistogram {
  std::uint64_t count;
  std::optional<double> sum;
  std::span<const std::uint64_t> buckets;
  std::string_view bounds;  ///< rendered: the field `explicit_bounds`
  std::optional<double> min;
  std::optional<double> max;
};

inline void append_histogram_point(ByteBuffer& out, const OtlpWindow& window, const OtlpHistogram& histogram,
                                   std::string_view exemplars, std::string_view attributes) {
  using Field = HistogramDataPointField;
  const std::size_t buckets = histogram.buckets.size_bytes();
  const std::size_t size = fixed_field_if(window.start != 0) + fixed_field_if(window.time != 0) +
                           fixed_field_if(histogram.count != 0) + fixed_field_if(histogram.sum.has_value()) +
                           sized_field(buckets) + histogram.bounds.size() + exemplars.size() + attributes.size() +
                           fixed_field_if(histogram.min.has_value()) + fixed_field_if(histogram.max.has_value());
  FieldCursor point{out.prepare(sized_field(size))};
  point.begin(MetricDataField::data_points, size);
  point.fixed64_unless_0(Field::start_time_unix_nano, window.start);
  point.fixed64_unless_0(Field::time_unix_nano, window.time);
  point.fixed64_unless_0(Field::count, histogram.count);
  if (histogram.sum) point.real(Field::sum, *histogram.sum);
  point.begin(Field::bucket_counts, buckets);
  point.fixed64s(histogram.buckets);
  point.bytes(histogram.bounds);
  point.bytes(exemplars);
  point.bytes(attributes);
  if (histogram.min) point.real(Field::min, *histogram.min);
  if (histogram.max) point.real(Field::max, *histogram.max);
  out.commit(point.end());
}

inline void append_exponential_point(ByteBuffer& out, const OtlpWindow& window, const ExponentialPoint& shown,
                                     std::uint64_t count, std::string_view exemplars, std::string_view attributes) {
  using Field = ExponentialHistogramDataPointField;
  std::size_t counts = 0;
  for (const std::uint64_t bucket : shown.buckets) {
    counts += static_cast<std::size_t>(protozero::length_of_varint(bucket));
  }
  const std::size_t positive = counts == 0 ? 0 : signed_field_unless_0(shown.offset) + sized_field(counts);
  const bool has_threshold = shown.zero_threshold != 0;
  const std::size_t size = attributes.size() + fixed_field_if(window.start != 0) + fixed_field_if(window.time != 0) +
                           fixed_field_if(count != 0) + fixed_field + signed_field_unless_0(shown.scale) +
                           fixed_field_if(shown.zero_count != 0) + (positive == 0 ? 0 : sized_field(positive)) +
                           exemplars.size() + fixed_field_if(shown.min.has_value()) +
                           fixed_field_if(shown.max.has_value()) + fixed_field_if(has_threshold);
  FieldCursor point{out.prepare(sized_field(size))};
  point.begin(MetricDataField::data_points, size);
  point.bytes(attributes);
  point.fixed64_unless_0(Field::start_time_unix_nano, window.start);
  point.fixed64_unless_0(Field::time_unix_nano, window.time);
  point.fixed64_unless_0(Field::count, count);
  point.real(Field::sum, shown.sum);
  point.signed_unless_0(Field::scale, shown.scale);
  point.fixed64_unless_0(Field::zero_count, shown.zero_count);
  if (positive != 0) {
    point.begin(Field::positive, positive);
    point.signed_unless_0(BucketsField::offset, shown.offset);
    point.begin(BucketsField::bucket_counts, counts);
    point.varints(shown.buckets);
  }
  point.bytes(exemplars);
  if (shown.min) point.real(Field::min, *shown.min);
  if (shown.max) point.real(Field::max, *shown.max);
  if (has_threshold) point.real(Field::zero_threshold, shown.zero_threshold);
  out.commit(point.end());
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
