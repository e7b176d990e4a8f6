// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Returns the end of the copy.
inline char* copy_text(char* out, std::string_view text) noexcept {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());  // it wants pointers, also to copy nothing
  return out + text.size();
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
