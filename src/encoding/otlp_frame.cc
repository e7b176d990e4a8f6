// SPDX-License-Identifier: Apache-2.0
#include "otlp_frame.h"

#include "otlp_attributes.h"
#include "otlp_fields.h"
#include "resource_attributes.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

static_assert(FieldNumber{ResourceSpansField::resource} == FieldNumber{ResourceMetricsField::resource} &&
              FieldNumber{ScopeSpansField::scope} == FieldNumber{ScopeMetricsField::scope});

namespace {

void append_attributes(ProtobufWriter& message, FieldNumber field, ByteBuffer& out,
                       std::span<const ResourceAttribute> attributes, ByteBuffer& scratch) {
  AttributeWriter writer{out, scratch};
  for_each_attribute(attributes,
                     [&](std::string_view key, const GivenValue& value) { writer.write(message, field, key, value); });
}

}  // namespace

void append_otlp_resource(ByteBuffer& out, std::span<const ResourceAttribute> attributes, ByteBuffer& scratch) {
  ProtobufWriter resource_spans{out};
  ProtobufWriter resource{resource_spans, ResourceSpansField::resource};
  append_attributes(resource, ResourceField::attributes, out, attributes, scratch);
}

void append_otlp_scope(ByteBuffer& out, const OtlpScope& shown, ByteBuffer& scratch) {
  ProtobufWriter scope_spans{out};
  ProtobufWriter scope{scope_spans, ScopeSpansField::scope};
  add_text(scope, ScopeField::name, shown.name, scratch);
  add_text(scope, ScopeField::version, shown.version, scratch);
  append_attributes(scope, ScopeField::attributes, out, shown.attributes, scratch);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
