// SPDX-License-Identifier: Apache-2.0
//
// Gzip: compresses one body at a time.
#pragma once

#include <memory>
#include <string_view>

#include "fast_telemetry/encoding/buffer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Keeps zlib's state (about 256 KiB, made at the first use) from body to body.
class Gzip {
 public:
  Gzip() noexcept;
  ~Gzip();

  /// Appends the text as one gzip member. Throws std::bad_alloc.
  void compress(std::string_view text, ByteBuffer& out);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
