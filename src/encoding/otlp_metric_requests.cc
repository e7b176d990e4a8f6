// SPDX-License-Identifier: Apache-2.0
#include "otlp_metric_requests.h"

#include <algorithm>

#include "fast_telemetry/build_info.h"
#include "otlp_attributes.h"
#include "otlp_fields.h"
#include "otlp_frame.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

FieldNumber data_field(OtlpData data) noexcept {
  switch (data) {
    case OtlpData::gauge: break;
    case OtlpData::sum: return MetricField::sum;
    case OtlpData::histogram: return MetricField::histogram;
    case OtlpData::exponential_histogram: return MetricField::exponential_histogram;
  }
  return MetricField::gauge;
}

// What closing the metric under way can add: its temporality, whether it is monotonic, and four digits more of each of
// its two sizes than were guessed.
constexpr std::size_t closing_bytes = 2 + 2 + 2 * 4;

constexpr std::size_t first_guess = 200;  // a few points

}  // namespace

OtlpMetricRequests::OtlpMetricRequests(std::span<const ResourceAttribute> resource, const OtlpMetricOptions& options)
    : max_bytes_{std::min(options.max_request_bytes, most_message_bytes)} {
  append_otlp_resource(resource_, resource, scratch_);
  const bool own = options.scope_name.empty();
  append_otlp_scope(scope_,
                    {.name = own ? "fast-telemetry" : view(options.scope_name),
                     .version = own ? view(library_version()) : view(options.scope_version),
                     .attributes = options.scope_attributes},
                    scratch_);
  ProtobufWriter scope_metrics{schema_url_};
  add_text(scope_metrics, ScopeMetricsField::schema_url, view(options.schema_url), scratch_);
  frame_ = sized_field_at_most(resource_.size()) + sized_field_at_most(scope_.size());
}

void OtlpMetricRequests::limit(std::size_t max_bytes) noexcept { max_bytes_ = std::min(max_bytes, most_message_bytes); }

void OtlpMetricRequests::begin() noexcept {
  metric_.reset();
  data_.reset();
  is_open_ = false;
  points_ = 0;
  next_size_ = 0;
  out_.clear();
  closed_.clear();
  requests_.clear();
}

void OtlpMetricRequests::end() {
  close_request();
  for (const Closed& closed : closed_) {
    requests_.push_back({out_.view().substr(closed.begin, closed.size), closed.points});
  }
}

void OtlpMetricRequests::family(const Family& family) {
  close_metric();
  described_.describe(family);
  description_.clear();
  ProtobufWriter metric{description_};
  add_text(metric, MetricField::name, described_.name(), scratch_);
  add_text(metric, MetricField::description, family.help, scratch_);
  if (!described_.unit().empty()) add_bytes(metric, MetricField::unit, described_.unit());
}

void OtlpMetricRequests::open_request() {
  begin_ = out_.size();
  out_.commit(out_.prepare(frame_) + frame_);
  const std::size_t taken = frame_ + closing_bytes + schema_url_.size();
  limit_ = out_.size() + (max_bytes_ > taken ? max_bytes_ - taken : 0);
  points_ = 0;
  is_open_ = true;
}

void OtlpMetricRequests::close_request() {
  close_metric();
  if (!is_open_) return;
  is_open_ = false;
  if (points_ == 0) {
    out_.truncate(begin_);
    return;
  }
  out_.append(schema_url_.view());
  const std::size_t metrics = begin_ + frame_;
  const std::size_t metrics_size = out_.size() - metrics;
  const std::size_t scope_metrics = scope_.size() + metrics_size;
  const std::size_t resource_metrics = resource_.size() + sized_field(scope_metrics);
  const std::size_t size = sized_field(resource_metrics);
  const std::size_t begin = metrics + metrics_size - size;
  FieldCursor frame{out_.data() + begin};
  frame.begin(ExportMetricsServiceRequestField::resource_metrics, resource_metrics);
  frame.bytes(resource_.view());
  frame.begin(ResourceMetricsField::scope_metrics, scope_metrics);
  frame.bytes(scope_.view());
  closed_.push_back({begin, size, points_});
}

void OtlpMetricRequests::open_metric() {
  if (!is_open_) open_request();
  if (next_size_ == data_sizes_.size()) data_sizes_.push_back(first_guess);
  const std::size_t data_size = data_sizes_[next_size_];
  metric_begin_ = out_.size();
  points_before_ = points_;
  metric_.emplace(out_, ScopeMetricsField::metrics, description_.size() + sized_field(data_size));
  out_.append(description_.view());
  data_.emplace(out_, data_field(described_.data()), data_size);
  data_begin_ = out_.size();
}

void OtlpMetricRequests::close_metric() {
  if (!metric_) return;
  if (points_ == points_before_) {
    out_.truncate(metric_begin_);  // there was no room for its first point
  } else {
    FieldCursor last{out_.prepare(4)};
    if (described_.temporality() != 0) last.number(MetricDataField::aggregation_temporality, described_.temporality());
    if (described_.is_monotonic()) last.number(MetricDataField::is_monotonic, 1);
    out_.commit(last.end());
    data_sizes_[next_size_++] = out_.size() - data_begin_;
    data_->close();
    metric_->close();
  }
  data_.reset();
  metric_.reset();
}

/// What was written from `point` on is one too many for the request.
void OtlpMetricRequests::move_to_next_request(std::size_t point) {
  if (points_ != 0) {
    scratch_.clear();
    scratch_.append(out_.view().substr(point));
    out_.truncate(point);
    close_request();
    open_metric();
    point = out_.size();
    out_.append(scratch_.view());
    if (out_.size() <= limit_) {
      ++points_;
      return;
    }
  }
  out_.truncate(point);
  ++dropped_too_large_;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
