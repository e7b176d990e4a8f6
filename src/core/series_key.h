// SPDX-License-Identifier: Apache-2.0
//
// What a series is looked up by: texts, and their hash.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "fast_telemetry/detail/dynamic_registration.h"
#include "series_hash.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Values of a metric's keys in their order, or keys and values in turn.
struct SeriesKey {
  SeriesKey(const Text* texts_, std::size_t count_) noexcept : texts{texts_}, count{count_} {
    const HashKey key = hash_key;
    hash = begin_hash(count, key);
    for (std::size_t i = 0; i < count; ++i) hash = hash_text(hash, texts[i].data(), texts[i].size(), key);
    hash = end_hash(hash, key);
  }

  const Text* texts;
  std::size_t count;
  std::uint64_t hash;
};

/// Labels in their one order: sorted by key, of a key that appears twice the last value, none with an empty value.
class CanonicalLabels {
 public:
  /// Throws std::bad_alloc for more than `most_unallocated` labels.
  explicit CanonicalLabels(const LabelSource& source);
  CanonicalLabels(const CanonicalLabels&) = delete;
  CanonicalLabels& operator=(const CanonicalLabels&) = delete;

  /// Keys and values in turn.
  [[nodiscard]] SeriesKey key() const noexcept { return {texts_, count_}; }

 private:
  void drop_empty() noexcept;

  static constexpr std::size_t most_unallocated = 32;

  // Bytes, so that constructing it writes nothing: that took longer than the sorting.
  alignas(Text) std::array<std::byte, 2 * most_unallocated * sizeof(Text)> few_;
  std::vector<Text> many_;
  Text* texts_ = reinterpret_cast<Text*>(few_.data());
  std::size_t count_ = 0;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
