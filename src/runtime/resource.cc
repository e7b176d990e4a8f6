// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/runtime/resource.h"

#include <algorithm>
#include <cstring>
#include <string>

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

std::string string_of(Text text) { return {text.data(), text.size()}; }

}  // namespace

/// A key and a value, and what both point to.
struct Resource::Copy {
  Copy(Text k, const AttributeValue& v) : key{string_of(k)}, value{copied(v)} {}
  Copy(const Copy&) = delete;  // `value` points into it
  Copy& operator=(const Copy&) = delete;

  const std::string key;
  std::string characters = {};
  std::vector<Text> texts = {};
  std::vector<std::int64_t> integers = {};
  std::vector<double> doubles = {};
  std::unique_ptr<bool[]> booleans = {};
  const AttributeValue value;

 private:
  AttributeValue copied(const AttributeValue& from) {
    const std::size_t size = from.size();
    switch (from.type()) {
      case AttributeType::boolean:
      case AttributeType::integer:
      case AttributeType::floating: return from;
      case AttributeType::string: characters.assign(elements<char>(from), size); return characters;
      case AttributeType::bytes: characters.assign(elements<char>(from), size); return Bytes{characters.data(), size};
      case AttributeType::integer_array:
        integers.assign(elements<std::int64_t>(from), elements<std::int64_t>(from) + size);
        return integers;
      case AttributeType::floating_array:
        doubles.assign(elements<double>(from), elements<double>(from) + size);
        return doubles;
      case AttributeType::boolean_array:
        booleans = std::make_unique<bool[]>(size);
        std::copy_n(elements<bool>(from), size, booleans.get());
        return std::span<const bool>{booleans.get(), size};
      case AttributeType::string_array: copy_texts(elements<Text>(from), size); return texts;
    }
    return from;
  }

  void copy_texts(const Text* from, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) characters.append(from[i].data(), from[i].size());
    const char* place = characters.data();
    for (std::size_t i = 0; i < count; ++i) {
      texts.emplace_back(place, from[i].size());
      place += from[i].size();
    }
  }

  template <class T>
  static const T* elements(const AttributeValue& value) noexcept {
    return static_cast<const T*>(value.data());
  }
};

Resource::Resource(std::initializer_list<ResourceAttribute> attributes) {
  for (const ResourceAttribute& attribute : attributes) set(attribute.key, attribute.value);
}

void Resource::set(Text key, const AttributeValue& value) {
  if (key.empty()) return;
  auto copy = std::make_shared<const Copy>(key, value);
  const ResourceAttribute attribute{copy->key, copy->value};
  const auto old = std::find_if(attributes_.begin(), attributes_.end(),
                                [key](const ResourceAttribute& other) { return other.key == key; });
  if (old != attributes_.end()) {
    copies_[static_cast<std::size_t>(old - attributes_.begin())] = std::move(copy);
    *old = attribute;
    return;
  }
  attributes_.reserve(attributes_.size() + 1);  // both or none
  copies_.push_back(std::move(copy));
  attributes_.push_back(attribute);
}

void Resource::merge(const Resource& updating) {
  if (&updating == this) return;
  for (const ResourceAttribute& attribute : updating.attributes_) set(attribute.key, attribute.value);
}

const AttributeValue* Resource::find(Text key) const noexcept {
  for (const ResourceAttribute& attribute : attributes_) {
    if (attribute.key == key) return &attribute.value;
  }
  return nullptr;
}

FAST_TELEMETRY_END_NAMESPACE
