// SPDX-License-Identifier: Apache-2.0
//
// LineCache: what encoders render of every series once: the beginnings of its lines, everything up to the value; or, in
// OTLP, its attributes.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "fast_telemetry/encoding/buffer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Keeps one block of bytes per series. Collections show series in the same order each time, so a lookup compares one
/// id with the next entry's; only a collection in which series came, went or moved pays for a hash index. What a
/// collection did not show is forgotten at its end: memory is bounded by the series of one collection, twice.
class LineCache {
 public:
  struct Entry {
    std::uint64_t id;
    std::size_t begin;
    std::size_t size;
  };

  /// A collection begins. One that was never ended counts as not having happened.
  void begin();

  /// The block of this series, or null: then the caller renders it into `arena()` and calls `insert`.
  [[nodiscard]] const char* find(std::uint64_t id, std::size_t& size) {
    const Entry* entry = expected_;
    if (entry != expected_end_ && entry->id == id) [[likely]] {
      ++expected_;
    } else {
      entry = search(id);
      if (entry == nullptr) return nullptr;
    }
    size = entry->size;
    return arena_.view().data() + entry->begin;
  }

  /// The block of this series. `render` appends it to `arena()` when it is not kept yet.
  template <class Render>
  [[nodiscard]] std::string_view block(std::uint64_t id, Render render) {
    std::size_t size = 0;
    if (const char* const kept = find(id, size); kept != nullptr) [[likely]]
      return {kept, size};
    return render_block(id, render);
  }

  /// Blocks are rendered at its end.
  [[nodiscard]] ByteBuffer& arena() noexcept { return arena_; }

  /// The arena's bytes from `begin` on are the block of this series, which `find` has just not found.
  void insert(std::uint64_t id, std::size_t begin);

  /// The same for a series that `find` has just found: its old block is no longer its own.
  void replace(std::size_t begin);

  /// The collection is over.
  void end();

  /// Bytes the cache holds on to, for tests of its bound.
  [[nodiscard]] std::size_t held_bytes() const noexcept;

 private:
  template <class Render>
  [[gnu::noinline]] std::string_view render_block(std::uint64_t id, Render render) {
    const std::size_t begin = arena_.size();
    render();
    insert(id, begin);
    return arena_.view().substr(begin);
  }

  // What replaces `find`'s one comparison when the order is not that of last time.
  [[gnu::cold, gnu::noinline]] const Entry* search(std::uint64_t id);
  void build_index();
  void compact();

  ByteBuffer arena_;
  std::vector<Entry> entries_;  // in the order of the last collection
  // What the collection under way is expected to show next, and the end of that; nothing while it differs. Pointers,
  // because a size in entries is a division.
  const Entry* expected_ = nullptr;
  const Entry* expected_end_ = nullptr;

  bool replaced_ = false;    // some block since the last compaction
  bool reordering_ = false;  // the collection under way differs: it is written down anew
  std::size_t cursor_ = 0;   // then: what it is expected to show next
  std::vector<Entry> reordered_;
  std::vector<std::uint32_t> index_;  // open addressing over entries_: position + 1, or 0
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
