// SPDX-License-Identifier: Apache-2.0
//
// Listener: the socket that the exposer accepts connections from.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>

#include "file_descriptor.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct Listener {
  FileDescriptor socket;
  std::uint16_t port = 0;
  std::string name;  ///< "127.0.0.1:9464", "[::1]:9464"

  /// Opens a listening socket: non-blocking, closed on exec. Returns ExposerError::bad_address, or what the operating
  /// system said. Throws std::bad_alloc.
  [[nodiscard]] static std::error_code open(const std::string& address, std::uint16_t port, Listener& listener);
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
