// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/encoding/buffer.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {
constexpr std::size_t smallest_capacity = 4096;  // arbitrary: a page
}

ByteBuffer::~ByteBuffer() { std::free(data_); }

void ByteBuffer::grow(std::size_t bytes) {
  constexpr std::size_t most = std::numeric_limits<std::ptrdiff_t>::max();
  if (bytes > most - size_) throw std::bad_alloc{};
  const std::size_t wanted = std::max({size_ + bytes, smallest_capacity, std::min(2 * capacity_, most)});

  // realloc, because the C library moves large blocks by remapping their pages instead of copying them.
  void* const moved = std::realloc(data_, wanted);
  if (moved == nullptr) throw std::bad_alloc{};
  data_ = static_cast<char*>(moved);
  capacity_ = wanted;
}

FAST_TELEMETRY_END_NAMESPACE
