// SPDX-License-Identifier: Apache-2.0
//
// TraceId and SpanId: the identifiers of W3C's Trace Context. For code that passes them on or shows them.
#pragma once

#include "fast_telemetry/info.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Lower-case hexadecimal digits, without a terminating zero.
template <std::size_t digits>
struct HexText {
  char chars[digits];

  [[nodiscard]] constexpr Text text() const noexcept { return {chars, digits}; }
};

namespace detail {

/// Reads exactly 2 × size hexadecimal digits; upper case is refused unless `any_case`. False: they are none.
[[nodiscard]] bool read_hex(Text text, std::byte* bytes, std::size_t size, bool any_case) noexcept;
void write_hex(const std::byte* bytes, std::size_t size, char* digits) noexcept;

/// `size` bytes, of which all zero is no id.
template <std::size_t size>
struct Id {
  std::byte bytes[size];

  [[nodiscard]] constexpr bool is_valid() const noexcept {
    struct Words {
      std::uint64_t word[size / 8];
    };
    std::uint64_t any = 0;
    for (const std::uint64_t word : __builtin_bit_cast(Words, *this).word) any |= word;
    return any != 0;
  }

  [[nodiscard]] HexText<2 * size> hex() const noexcept {
    HexText<2 * size> text;
    write_hex(bytes, size, text.chars);
    return text;
  }

  /// The id that 2 × size hexadecimal digits of either case are; all zero, which is no id, for any other text.
  [[nodiscard]] static Id parse(Text text) noexcept {
    Id id{};
    return read_hex(text, id.bytes, size, true) ? id : Id{};
  }

  friend constexpr bool operator==(const Id&, const Id&) noexcept = default;
};

}  // namespace detail

/// Which trace: 16 bytes, the same for all its spans.
using TraceId = detail::Id<16>;

/// Which span of a trace: 8 bytes.
using SpanId = detail::Id<8>;

/// New ids, never invalid. Every bit is random (W3C's "random" flag may be set): each thread has a generator of its
/// own, seeded by the operating system (xoshiro256++, 256 bits of state, so that no two threads of a fleet come to
/// the same sequence). A forked child, also one of a bare clone, begins with a seed of its own. Good for identifying,
/// not for secrets. 1 to 2 ns. Any thread, at any time; not in signal handlers.
[[nodiscard]] TraceId random_trace_id() noexcept;
[[nodiscard]] SpanId random_span_id() noexcept;

FAST_TELEMETRY_END_NAMESPACE
