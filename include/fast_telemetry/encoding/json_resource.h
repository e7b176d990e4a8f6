// SPDX-License-Identifier: Apache-2.0
//
// JsonResource: a resource as OTLP/JSON has it, for every line of a process. For programs that export.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fast_telemetry/encoding/otlp_resource.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Rendered once. A value: copies and moves as its text does.
class JsonResource {
 public:
  /// None: lines have no resource then.
  JsonResource() = default;

  /// Of attributes with the same key the last one stays; one with an empty key is left out. Throws std::bad_alloc.
  explicit JsonResource(std::span<const ResourceAttribute> attributes);

  /// The member `"resource":{…},` of an object, or nothing.
  [[nodiscard]] std::string_view view() const noexcept { return text_; }

 private:
  std::string text_;
};

FAST_TELEMETRY_END_NAMESPACE
