// SPDX-License-Identifier: Apache-2.0
//
// Text for formats that refuse ill-formed UTF-8: repaired where it has to be.
#pragma once

#include <string_view>

#include "fast_telemetry/encoding/buffer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Borrowed text that was looked at once: its size in a format is known before it is written.
class Utf8Text {
 public:
  explicit Utf8Text(std::string_view text) noexcept : text_{text}, ascii_{ascii_prefix(text)}, size_{text.size()} {
    if (ascii_ != text.size()) look_closer();
  }

  /// In bytes, when it was repaired.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

  /// The text, well-formed: itself where it can be, otherwise in `scratch`, whose content it replaces.
  [[nodiscard]] std::string_view in(ByteBuffer& scratch) const { return is_well_formed_ ? text_ : repaired(scratch); }

 private:
  /// How many bytes, in steps of 8 but at the end, have nothing but ASCII before them.
  [[nodiscard]] static std::size_t ascii_prefix(std::string_view text) noexcept {
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + i, 8);
      if ((word & 0x8080808080808080U) != 0) return i;
    }
    while (i != text.size() && static_cast<unsigned char>(text[i]) < 0x80) ++i;
    return i;
  }

  void look_closer() noexcept;
  [[nodiscard]] std::string_view repaired(ByteBuffer& scratch) const;

  std::string_view text_;
  std::size_t ascii_;
  std::size_t size_;
  bool is_well_formed_ = true;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
