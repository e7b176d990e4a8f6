// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/ids.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// 16: no digit.
unsigned value_of(char digit, bool any_case) noexcept {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
  if (any_case && digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A' + 10);
  return 16;
}

}  // namespace

bool read_hex(Text text, std::byte* bytes, std::size_t size, bool any_case) noexcept {
  if (text.size() != 2 * size) return false;
  for (std::size_t i = 0; i < size; ++i) {
    const unsigned high = value_of(text.data()[2 * i], any_case);
    const unsigned low = value_of(text.data()[2 * i + 1], any_case);
    if (high > 15 || low > 15) return false;
    bytes[i] = static_cast<std::byte>(high << 4U | low);
  }
  return true;
}

void write_hex(const std::byte* bytes, std::size_t size, char* digits) noexcept {
  constexpr char of[] = "0123456789abcdef";
  for (std::size_t i = 0; i < size; ++i) {
    digits[2 * i] = of[static_cast<unsigned>(bytes[i]) >> 4U];
    digits[2 * i + 1] = of[static_cast<unsigned>(bytes[i]) & 15U];
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
