// SPDX-License-Identifier: Apache-2.0
#include "series_key.h"

#include <sys/random.h>

#include <cstring>
#include <mutex>
#include <new>

#include "clock.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

constinit HashKey hash_key{};

void draw_hash_key() {
  static constinit std::once_flag once;
  std::call_once(once, [] {
    if (getrandom(&hash_key, sizeof hash_key, GRND_NONBLOCK) != sizeof hash_key) {
      // Before the kernel has gathered any randomness: addresses are random, too.
      hash_key = {static_cast<std::uint64_t>(wall_clock_ns()), reinterpret_cast<std::uintptr_t>(&once)};
    }
    hash_key.step |= 1;
  });
}

namespace {

/// Any total order will do: shorter ones first.
int compare(Text a, Text b) noexcept {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return std::memcmp(a.data(), b.data(), a.size());
}

}  // namespace

CanonicalLabels::CanonicalLabels(const LabelSource& source) {
  if (source.count > most_unallocated) {
    many_.resize(2 * source.count);
    texts_ = many_.data();
  }
  // Insertion: labels are few, and mostly in order already.
  bool has_empty = false;
  for (std::size_t i = 0; i < source.count; ++i) {
    const Label label = source.label(source.labels, i);
    has_empty |= label.value.empty();
    std::size_t at = count_;
    int order = 1;
    while (at > 0 && (order = compare(label.key, texts_[at - 2])) < 0) at -= 2;
    if (at > 0 && order == 0) {
      texts_[at - 1] = label.value;
      continue;
    }
    std::memmove(static_cast<void*>(texts_ + at + 2), texts_ + at, (count_ - at) * sizeof(Text));
    new (texts_ + at) Text{label.key};
    new (texts_ + at + 1) Text{label.value};
    count_ += 2;
  }
  if (has_empty) drop_empty();
}

void CanonicalLabels::drop_empty() noexcept {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; i += 2) {
    if (texts_[i + 1].empty()) continue;
    texts_[kept] = texts_[i];
    texts_[kept + 1] = texts_[i + 1];
    kept += 2;
  }
  count_ = kept;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
