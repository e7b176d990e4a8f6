// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/encoding/json_resource.h"

#include "json_attributes.h"
#include "resource_attributes.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

JsonResource::JsonResource(std::span<const ResourceAttribute> attributes) {
  using detail::OtlpStyle;
  ByteBuffer out;
  out.append("\"resource\":{");
  out.append(OtlpStyle::begin_attributes);
  detail::JsonList list{out};
  detail::for_each_attribute(attributes, [&](std::string_view key, const detail::GivenValue& value) {
    detail::append_attribute<OtlpStyle>(list.next(), key, value);
  });
  out.append(OtlpStyle::end_attributes);
  out.append("},");
  if (!attributes.empty()) text_ = out.view();
}

FAST_TELEMETRY_END_NAMESPACE
