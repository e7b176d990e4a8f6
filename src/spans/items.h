// SPDX-License-Identifier: Apache-2.0
//
// Span::Items: writes attributes, events and links as a record has them (span_record.h).
#pragma once

#include <cstring>

#include "block_pool.h"
#include "chunks.h"
#include "fast_telemetry/clock.h"
#include "fast_telemetry/spans/span_record.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {
/// What a tracer's spans read.
[[nodiscard]] std::int64_t span_clock(const TracerState& tracer) noexcept;
}  // namespace detail

/// A span's items: in the span at first, then in a block of 4 KiB, then in one of 64 KiB, which is as much as a chunk
/// takes.
struct Span::Items {
  static constexpr std::size_t most_bytes = detail::chunk_bytes - sizeof(detail::SpanHeader);

  Span& span;

  [[nodiscard]] std::byte* begin() const noexcept { return span.spill_ != nullptr ? span.spill_ : span.inline_; }

  /// Room at the end, zeroed at its last 8 bytes; null: there is none. Not yet counted in used_.
  [[nodiscard]] std::byte* room(std::size_t bytes) noexcept {
    if (span.used_ + bytes > span.capacity_ && !spill(bytes)) [[unlikely]]
      return nullptr;
    std::byte* const place = begin() + span.used_;
    // Padding is part of what leaves the process's private memory one day: never what lay there before.
    std::memset(place + bytes - 8, 0, 8);
    return place;
  }
  /// Moves to a block that has room for so much more. False: there is none.
  [[nodiscard]] bool spill(std::size_t bytes) noexcept;

  /// Appends an item with its payload. False: no room.
  [[nodiscard]] bool append(const detail::ItemHeader& header, const void* payload) noexcept;
  [[nodiscard]] bool append(Literal key, const AttributeValue& value) noexcept;
  [[nodiscard]] bool append(Literal key, AttributeType type, std::uint64_t word) noexcept;
  [[gnu::noinline]] [[nodiscard]] bool append_long(Literal key, const AttributeValue& value) noexcept;
  /// Appends attributes at most `limit`; counts those that it left out.
  void append(Attributes attributes, std::size_t limit, std::uint16_t& written, std::uint16_t& dropped) noexcept;

  /// The item of a tag (and a key); null: there is none.
  [[nodiscard]] detail::ItemHeader* find(detail::ItemTag tag, Text key = {}) noexcept;
  void erase(detail::ItemHeader& item) noexcept;
  void erase(detail::ItemTag tag) noexcept;

  void free_spill() noexcept;
};

FAST_TELEMETRY_END_NAMESPACE
