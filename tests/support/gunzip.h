// SPDX-License-Identifier: Apache-2.0
//
// gunzip: what a client makes of a compressed body. For tests; link zlib.
#pragma once

#include <zlib.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// The text of exactly one gzip member. Throws std::runtime_error for anything else.
[[nodiscard]] inline std::string gunzip(std::string_view compressed) {
  z_stream stream = {};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) throw std::runtime_error{"inflateInit2"};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));  // zlib's interface is not const
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string text;
  int status = Z_OK;
  while (status == Z_OK) {
    char bytes[16 * 1024];
    stream.next_out = reinterpret_cast<Bytef*>(bytes);
    stream.avail_out = sizeof bytes;
    status = inflate(&stream, Z_NO_FLUSH);
    text.append(bytes, sizeof bytes - stream.avail_out);
  }
  const bool whole = status == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (!whole) throw std::runtime_error{"not one gzip member"};
  return text;
}

FAST_TELEMETRY_END_NAMESPACE
