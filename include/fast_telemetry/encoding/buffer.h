// SPDX-License-Identifier: Apache-2.0
//
// ByteBuffer: where encoders put their bytes. For programs that export, and for encoders of one's own.
#pragma once

#include <cstring>
#include <string_view>
#include <utility>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Bytes that grow at the end. Unlike std::string it never fills what is about to be overwritten, and `clear` keeps the
/// memory: a buffer that is used again allocates nothing once it has seen its largest content.
///
/// Growing throws std::bad_alloc; nothing else throws. Not thread-safe.
class ByteBuffer {
 public:
  ByteBuffer() noexcept = default;
  ~ByteBuffer();
  ByteBuffer(ByteBuffer&& other) noexcept
      : data_{std::exchange(other.data_, nullptr)},
        size_{std::exchange(other.size_, 0)},
        capacity_{std::exchange(other.capacity_, 0)} {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }

  [[nodiscard]] std::string_view view() const noexcept { return {data_, size_}; }
  [[nodiscard]] char* data() noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  void append(std::string_view bytes) {
    reserve(bytes.size());
    append_unchecked(bytes);
  }

  /// As append, after a `reserve` that covers it.
  void append_unchecked(std::string_view bytes) noexcept {
    if (bytes.empty()) return;  // memcpy wants pointers, also to copy nothing
    // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): it does not see that `reserve` has made the memory
    std::memcpy(data_ + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  /// Makes room for this many bytes more.
  void reserve(std::size_t bytes) {
    if (capacity_ - size_ < bytes) [[unlikely]]
      grow(bytes);
  }

  /// For writing in place: room for `bytes`, not initialised. `commit` takes the end of what was written.
  [[nodiscard]] char* prepare(std::size_t bytes) {
    reserve(bytes);
    return data_ + size_;
  }
  void commit(const char* end) noexcept { size_ = static_cast<std::size_t>(end - data_); }

  /// Drops what follows the first `size` bytes. Keeps the memory.
  void truncate(std::size_t size) noexcept { size_ = size < size_ ? size : size_; }
  void clear() noexcept { size_ = 0; }

 private:
  [[gnu::cold, gnu::noinline]] void grow(std::size_t bytes);

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

FAST_TELEMETRY_END_NAMESPACE
