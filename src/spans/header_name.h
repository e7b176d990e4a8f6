// SPDX-License-Identifier: Apache-2.0
//
// Names of headers, compared as HTTP compares them.
#pragma once

#include "fast_telemetry/info.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

[[nodiscard]] inline bool is_same_name(Text name, Text lower_case) noexcept {
  if (name.size() != lower_case.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name.data()[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c) != lower_case.data()[i]) return false;
  }
  return true;
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
