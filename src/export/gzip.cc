// SPDX-License-Identifier: Apache-2.0
#include "gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

struct Gzip::Stream {
  z_stream z = {};

  Stream() {
    // Level 1: expositions repeat themselves so much that the slower levels hardly make them smaller.
    // 15 + 16: the largest window, in gzip's framing. 8: zlib's default for memory.
    if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc{};
  }
  ~Stream() { deflateEnd(&z); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
};

Gzip::Gzip() noexcept = default;
Gzip::~Gzip() = default;

void Gzip::compress(std::string_view text, ByteBuffer& out) {
  if (!stream_) stream_ = std::make_unique<Stream>();
  z_stream& z = stream_->z;
  deflateReset(&z);
  z.avail_in = 0;  // when memory ran out last time, this still counts bytes of that text

  constexpr std::size_t step = 64 * 1024;  // arbitrary
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    if (z.avail_in == 0 && !text.empty()) {
      const std::size_t taken = std::min<std::size_t>(text.size(), std::numeric_limits<uInt>::max());
      // zlib does not write through next_in; without ZLIB_CONST its type is not const.
      z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
      z.avail_in = static_cast<uInt>(taken);
      text.remove_prefix(taken);
    }
    char* const begin = out.prepare(step);
    z.next_out = reinterpret_cast<Bytef*>(begin);  // unsigned char may alias anything
    z.avail_out = step;
    status = deflate(&z, text.empty() ? Z_FINISH : Z_NO_FLUSH);
    out.commit(begin + (step - z.avail_out));
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
