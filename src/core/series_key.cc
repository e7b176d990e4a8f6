// SPDX-License-Identifier: Apache-2.0
#include "series_key.h"

#include <sys/random.h>

#include <algorithm>
#include <mutex>

#include "clock.h"
#include "fast_telemetry/visitor.h"

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

CanonicalLabels::CanonicalLabels(const LabelSource& source) {
  if (source.count > most_unallocated) {
    many_.resize(2 * source.count);
    texts_ = many_.data();
  }
  // Insertion: labels are few, and mostly in order already.
  for (std::size_t i = 0; i < source.count; ++i) {
    const Label label = source.label(source.labels, i);
    std::size_t at = count_;
    while (at > 0 && view(label.key) < view(texts_[at - 2])) at -= 2;
    if (at > 0 && view(label.key) == view(texts_[at - 2])) {
      texts_[at - 1] = label.value;
      continue;
    }
    std::copy_backward(texts_ + at, texts_ + count_, texts_ + count_ + 2);
    texts_[at] = label.key;
    texts_[at + 1] = label.value;
    count_ += 2;
  }
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
