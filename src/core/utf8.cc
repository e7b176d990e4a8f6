// SPDX-License-Identifier: Apache-2.0
#include "utf8.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

Utf8Step utf8_step(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) noexcept { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, true};

  // The Unicode Standard, table 3-7 "Well-Formed UTF-8 Byte Sequences": only the second byte's range varies. It keeps
  // out overlong forms (E0, F0), surrogates (ED) and what lies beyond U+10FFFF (F4).
  std::size_t length = 0;
  unsigned lowest = 0x80;
  unsigned highest = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) lowest = 0xA0;
    if (lead == 0xED) highest = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) lowest = 0x90;
    if (lead == 0xF4) highest = 0x8F;
  } else {
    return {1, false};
  }

  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size() || byte(i) < lowest || byte(i) > highest) return {i, false};
    lowest = 0x80;
    highest = 0xBF;
  }
  return {length, true};
}

std::string repaired(std::string_view text) {
  std::string well_formed;
  well_formed.reserve(text.size());
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    well_formed += repaired_front(text, step);
    text.remove_prefix(step.length);
  }
  return well_formed;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
