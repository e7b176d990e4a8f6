// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/encoding/otlp_spans.h"

#include <algorithm>

#include "otlp_fields.h"
#include "otlp_frame.h"
#include "otlp_span.h"
#include "otlp_span_request.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {

namespace {

std::string scope_message(const SpanRecord& record, ByteBuffer& scratch) {
  ByteBuffer out;
  append_otlp_scope(out, {.name = record.scope_name(), .version = record.scope_version()}, scratch);
  return std::string{out.view()};
}

}  // namespace

OtlpSpanRequest::OtlpSpanRequest(std::span<const ResourceAttribute> resource, std::size_t max_bytes)
    : max_bytes_{std::min(max_bytes, most_message_bytes)} {
  append_otlp_resource(resource_, resource, scratch_);
  bytes_ = frame();
}

void OtlpSpanRequest::limit(std::size_t max_bytes) noexcept { max_bytes_ = std::min(max_bytes, most_message_bytes); }

std::size_t OtlpSpanRequest::frame() const noexcept { return sized_field_at_most(resource_.size()); }

SinkAnswer OtlpSpanRequest::add(const SpanRecord& record) {
  const Index scope = scope_of(record);
  const std::size_t begin = spans_.size();
  std::size_t added = 0;
  try {
    append_otlp_span(spans_, record, scratch_);
    added = spans_.size() - begin;
    if (scopes_[scope].first_run == none) added += sized_field_at_most(scopes_[scope].message.size());
    if (bytes_ + added <= max_bytes_) append(scope, begin);
  } catch (...) {
    spans_.truncate(begin);
    throw;
  }
  if (bytes_ + added > max_bytes_) {
    spans_.truncate(begin);
    if (count_ != 0) return SinkAnswer::full;
    ++dropped_too_large_;
    return SinkAnswer::taken;
  }
  bytes_ += added;
  ++count_;
  return SinkAnswer::taken;
}

OtlpSpanRequest::Index OtlpSpanRequest::scope_of(const SpanRecord& record) {
  const std::uintptr_t tracer = record.scope_id();
  if (tracer == last_tracer_) return last_tracers_scope_;
  auto found = scope_of_tracer_.find(tracer);
  if (found == scope_of_tracer_.end()) {
    std::string message = scope_message(record, scratch_);
    Index index = 0;
    while (index != scopes_.size() && scopes_[index].message != message) ++index;
    if (index == scopes_.size()) scopes_.push_back({.message = std::move(message)});
    found = scope_of_tracer_.emplace(tracer, index).first;
  }
  last_tracer_ = tracer;
  last_tracers_scope_ = found->second;
  return found->second;
}

/// Gives the span from `begin` on to a scope. Throws before it changes anything.
void OtlpSpanRequest::append(Index index, std::size_t begin) {
  Scope& scope = scopes_[index];
  const auto last = static_cast<Index>(runs_.size()) - 1;
  if (scope.last_run != none && scope.last_run == last) {
    runs_[last].end = spans_.size();
  } else {
    runs_.push_back({begin, spans_.size(), none});
    (scope.first_run == none ? scope.first_run : runs_[scope.last_run].next) = last + 1;
    if (scope.last_run == none) {
      (first_scope_ == none ? first_scope_ : scopes_[last_scope_].next) = index;
      last_scope_ = index;
    }
    scope.last_run = last + 1;
  }
  scope.bytes += spans_.size() - begin;
}

OtlpSpanEncoder::Request OtlpSpanRequest::finish() {
  request_.clear();
  if (count_ == 0) return {{}, 0};
  request_.reserve(bytes_);

  std::size_t content = resource_.size();
  for (Index i = first_scope_; i != none; i = scopes_[i].next) content += sized_field(scopes_[i].content());
  begin_message(request_, ExportTraceServiceRequestField::resource_spans, content);
  request_.append(resource_.view());
  for (Index i = first_scope_; i != none; i = scopes_[i].next) {
    const Scope& scope = scopes_[i];
    begin_message(request_, ResourceSpansField::scope_spans, scope.content());
    request_.append(scope.message);
    for (Index run = scope.first_run; run != none; run = runs_[run].next) {
      request_.append(spans_.view().substr(runs_[run].begin, runs_[run].end - runs_[run].begin));
    }
  }

  const OtlpSpanEncoder::Request finished{request_.view(), count_};
  forget_spans();
  return finished;
}

void OtlpSpanRequest::forget_spans() noexcept {
  for (Index i = first_scope_; i != none;) {
    Scope& scope = scopes_[i];
    i = std::exchange(scope.next, none);
    scope.first_run = scope.last_run = none;
    scope.bytes = 0;
  }
  first_scope_ = last_scope_ = none;
  runs_.clear();
  spans_.clear();
  bytes_ = frame();
  count_ = 0;
}

}  // namespace detail

OtlpSpanEncoder::OtlpSpanEncoder(std::span<const ResourceAttribute> resource, const OtlpSpanOptions& options)
    : request_{std::make_unique<detail::OtlpSpanRequest>(resource, options.max_request_bytes)} {}

OtlpSpanEncoder::~OtlpSpanEncoder() = default;
OtlpSpanEncoder::OtlpSpanEncoder(OtlpSpanEncoder&&) noexcept = default;
OtlpSpanEncoder& OtlpSpanEncoder::operator=(OtlpSpanEncoder&&) noexcept = default;

SinkAnswer OtlpSpanEncoder::span(const SpanRecord& record) { return request_->add(record); }

OtlpSpanEncoder::Request OtlpSpanEncoder::finish() { return request_->finish(); }

void OtlpSpanEncoder::limit_requests(std::size_t max_bytes) noexcept { request_->limit(max_bytes); }

std::uint64_t OtlpSpanEncoder::dropped_too_large() const noexcept { return request_->dropped_too_large(); }

FAST_TELEMETRY_END_NAMESPACE
