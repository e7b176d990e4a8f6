// SPDX-License-Identifier: Apache-2.0
//
// TextLike: whatever ft::Text can be made of.
#pragma once

#include "fast_telemetry/info.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

template <class T>
concept TextLike = requires(const T& value) { Text{value}; };

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
