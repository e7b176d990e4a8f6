// SPDX-License-Identifier: Apache-2.0
//
// A resource's attributes, for whatever writes them.
#pragma once

#include <span>
#include <string_view>

#include "fast_telemetry/encoding/otlp_resource.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// An AttributeValue, read as a RecordedValue is.
class GivenValue {
 public:
  explicit GivenValue(const AttributeValue& value) noexcept : value_{value} {}

  [[nodiscard]] AttributeType type() const noexcept { return value_.type(); }
  [[nodiscard]] std::string_view string() const noexcept { return bytes(); }
  [[nodiscard]] std::string_view bytes() const noexcept { return {elements<char>(), value_.size()}; }
  [[nodiscard]] bool boolean() const noexcept { return value_.integer() != 0; }
  [[nodiscard]] std::int64_t integer() const noexcept { return value_.integer(); }
  [[nodiscard]] double floating() const noexcept { return value_.floating(); }

  [[nodiscard]] std::size_t size() const noexcept { return value_.size(); }
  [[nodiscard]] bool boolean_at(std::size_t i) const noexcept { return elements<bool>()[i]; }
  [[nodiscard]] std::int64_t integer_at(std::size_t i) const noexcept { return elements<std::int64_t>()[i]; }
  [[nodiscard]] double floating_at(std::size_t i) const noexcept { return elements<double>()[i]; }
  [[nodiscard]] std::string_view string_at(std::size_t i) const noexcept {
    const Text text = elements<Text>()[i];
    return {text.data(), text.size()};
  }

 private:
  template <class Element>
  [[nodiscard]] const Element* elements() const noexcept {
    return static_cast<const Element*>(value_.data());
  }

  const AttributeValue& value_;
};

/// Calls `use(key, value)` for those that stay: the last of each key, and none whose key is empty.
template <class Use>
void for_each_attribute(std::span<const ResourceAttribute> attributes, Use use) {
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    const Text key = attributes[i].key;
    bool stays = !key.empty();
    for (const ResourceAttribute& later : attributes.subspan(i + 1)) stays = stays && !(later.key == key);
    if (stays) use(std::string_view{key.data(), key.size()}, GivenValue{attributes[i].value});
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
