// SPDX-License-Identifier: Apache-2.0
//
// Finding ill-formed UTF-8, one code point at a time.
#pragma once

#include <string>
#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// U+FFFD, which stands for what was ill-formed.
inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

struct Utf8Step {
  std::size_t length;  ///< bytes of the code point; or, when ill-formed, bytes that one replacement stands for
  bool well_formed;
};

/// Looks at the code point that `text` begins with; `text` must not be empty.
///
/// Ill-formed bytes are taken as the Unicode Standard recommends (chapter 3.9, "U+FFFD Substitution of Maximal
/// Subparts"), so that our text equals what other programs make of the same bytes.
[[nodiscard]] Utf8Step utf8_step(std::string_view text) noexcept;

/// What stands for the code point that `text` begins with.
[[nodiscard]] inline std::string_view repaired_front(std::string_view text, Utf8Step step) noexcept {
  return step.well_formed ? text.substr(0, step.length) : replacement_character;
}

/// Well-formed text: what every format makes of `text`, but for its own escaping.
[[nodiscard]] std::string repaired(std::string_view text);

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
