// SPDX-License-Identifier: Apache-2.0
#include "line_cache.h"

#include <bit>
#include <utility>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

// Fibonacci hashing: ids are consecutive numbers, and the product's upper bits spread those well.
std::size_t slot_of(std::uint64_t id, std::size_t slots) noexcept {
  return static_cast<std::size_t>((id * 0x9E3779B97F4A7C15u) >> 32) & (slots - 1);
}

}  // namespace

void LineCache::begin() {
  // The last collection was not ended: what it rendered is nobody's now, and may be all that has been rendered since.
  if (reordering_ || replaced_) compact();
  expected_ = entries_.data();
  expected_end_ = expected_ + entries_.size();
  reordering_ = false;
  reordered_.clear();
}

const LineCache::Entry* LineCache::search(std::uint64_t id) {
  if (!reordering_) {
    // After the last known series, whatever comes is new: no reason to look for it.
    if (expected_ == expected_end_) return nullptr;
    cursor_ = static_cast<std::size_t>(expected_ - entries_.data());
    reordered_.assign(static_cast<const Entry*>(entries_.data()), expected_);
    expected_ = expected_end_ = nullptr;
    reordering_ = true;
    build_index();
  }
  std::size_t found = cursor_;
  if (found == entries_.size() || entries_[found].id != id) {
    std::size_t slot = slot_of(id, index_.size());
    while (index_[slot] != 0 && entries_[index_[slot] - 1].id != id) slot = (slot + 1) & (index_.size() - 1);
    if (index_[slot] == 0) return nullptr;
    found = index_[slot] - 1;
  }
  cursor_ = found + 1;
  reordered_.push_back(entries_[found]);
  return &reordered_.back();
}

void LineCache::insert(std::uint64_t id, std::size_t begin) {
  const Entry entry{id, begin, arena_.size() - begin};
  if (reordering_) {
    reordered_.push_back(entry);
  } else {
    entries_.push_back(entry);
    expected_ = expected_end_ = entries_.data() + entries_.size();
  }
}

void LineCache::replace(std::size_t begin) {
  Entry& found = reordering_ ? reordered_.back() : entries_[static_cast<std::size_t>(expected_ - entries_.data()) - 1];
  found.begin = begin;
  found.size = arena_.size() - begin;
  replaced_ = true;
}

void LineCache::end() {
  if (reordering_) {
    std::swap(entries_, reordered_);
    reordering_ = false;
    reordered_.clear();
  } else if (expected_ != expected_end_) {
    entries_.resize(static_cast<std::size_t>(expected_ - entries_.data()));
  } else if (!replaced_) {
    return;
  }
  replaced_ = false;
  compact();
}

void LineCache::build_index() {
  index_.assign(std::bit_ceil(2 * entries_.size() + 2), 0);
  for (std::size_t i = cursor_; i < entries_.size(); ++i) {
    std::size_t slot = slot_of(entries_[i].id, index_.size());
    while (index_[slot] != 0) slot = (slot + 1) & (index_.size() - 1);
    index_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

// Blocks of forgotten series, and replaced ones, stay in the arena until they are half of it: then copying the others
// costs no more than rendering those did.
void LineCache::compact() {
  std::size_t live = 0;
  for (const Entry& entry : entries_) live += entry.size;
  constexpr std::size_t not_worth_it = 64 * 1024;  // arbitrary
  if (arena_.size() <= 2 * live + not_worth_it) return;

  ByteBuffer kept;
  kept.reserve(live);
  for (Entry& entry : entries_) {
    const std::size_t begin = kept.size();
    kept.append_unchecked(arena_.view().substr(entry.begin, entry.size));
    entry.begin = begin;
  }
  arena_ = std::move(kept);

  // Growing a vector leaves up to half of it unused; much more than that is a peak which has passed.
  entries_.shrink_to_fit();
  reordered_ = {};
  index_ = {};
}

std::size_t LineCache::held_bytes() const noexcept {
  return arena_.capacity() + (entries_.capacity() + reordered_.capacity()) * sizeof(Entry) +
         index_.capacity() * sizeof(index_[0]);
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
