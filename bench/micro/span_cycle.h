// SPDX-License-Identifier: Apache-2.0
//
// What exporters do with the spans of 256 requests, and the compression that ours use.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace span_cycle {

inline constexpr std::size_t roots = 256;

/// As the library's exporters compress: zlib's level 1 in gzip's framing, the stream and the room kept.
class Gzip {
 public:
  Gzip() {
    if (deflateInit2(&stream_, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::runtime_error{"deflateInit2"};
    }
  }
  ~Gzip() { deflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  /// Valid until the next call.
  std::string_view compress(std::string_view bytes) {
    deflateReset(&stream_);
    out_.resize(deflateBound(&stream_, bytes.size()));
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib's interface is not const
    stream_.avail_in = static_cast<uInt>(bytes.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
    stream_.avail_out = static_cast<uInt>(out_.size());
    if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) throw std::runtime_error{"deflate"};
    return {out_.data(), out_.size() - stream_.avail_out};
  }

 private:
  z_stream stream_ = {};
  std::string out_;
};

}  // namespace span_cycle
