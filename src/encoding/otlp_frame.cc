// SPDX-License-Identifier: Apache-2.0
#include "otlp_frame.h"

#include "otlp_attributes.h"
#include "otlp_fields.h"
#include "resource_attributes.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

static_assert(FieldNumber{ResourceSpansField::resource} == FieldNumber{ResourceMetricsField::resource} &&
              FieldNumber{ScopeSpansField::scope} == FieldNumber{ScopeMetricsField::scope});

void append_otlp_resource(ByteBuffer& out, std::span<const ResourceAttribute> attributes, ByteBuffer& scratch) {
  ProtobufWriter resource_spans{out};
  ProtobufWriter resource{resource_spans, ResourceSpansField::resource};
  AttributeWriter writer{out, scratch};
  for_each_attribute(attributes, [&](std::string_view key, const GivenValue& value) {
    writer.write(resource, ResourceField::attributes, key, value);
  });
}

void append_otlp_scope(ByteBuffer& out, std::string_view name, std::string_view version, ByteBuffer& scratch) {
  ProtobufWriter scope_spans{out};
  ProtobufWriter scope{scope_spans, ScopeSpansField::scope};
  add_text(scope, ScopeField::name, name, scratch);
  add_text(scope, ScopeField::version, version, scratch);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
