// SPDX-License-Identifier: Apache-2.0
//
// SharedText: a trace state's text, counted, in a block of the spans' budget.
#pragma once

#include <atomic>

#include "block_pool.h"
#include "fast_telemetry/spans/trace_state.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct SharedText {
  BlockPool* pool;
  std::atomic<std::uint32_t> references;
  std::uint32_t size;

  static constexpr std::size_t most_chars = 4096 - 16;

  [[nodiscard]] char* chars() noexcept { return reinterpret_cast<char*>(this + 1); }

  /// Members, in order, with commas between them. Null when there are none, or no room.
  ///
  /// W3C Trace Context, 3.3.1.5 (limits): whole members give way, first those of more than 128 characters, then the
  /// last ones. Changes `members`.
  [[nodiscard]] static SharedText* join(Text* members, std::size_t count) noexcept;
};
static_assert(sizeof(SharedText) == 16);

/// Whether W3C allows it (3.3.1.3): `key=value`, without space around it.
[[nodiscard]] bool is_trace_state_member(Text member) noexcept;

[[nodiscard]] inline Text part(Text text, std::size_t from, std::size_t size) noexcept {
  return {text.data() + from, size};
}

/// Without spaces and tabs at both ends.
[[nodiscard]] Text trimmed(Text text) noexcept;

/// Calls `each` with the parts between commas; stops when it returns false.
template <class Each>
void for_each_member(Text list, Each each) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i < list.size() && list.data()[i] != ',') continue;
    if (!each(part(list, begin, i - begin))) return;
    begin = i + 1;
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
