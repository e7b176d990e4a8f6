// SPDX-License-Identifier: Apache-2.0
//
// Buffer: received bytes on their way from a socket to a parser.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace proxy {

/// Bytes are received at the end and consumed at the front. Grows by what arrives, never by what a peer announces.
class Buffer {
 public:
  [[nodiscard]] std::string_view view() const noexcept { return {data_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }

  /// Free space at the end, `at_least` bytes of it. Moves or reallocates what is held: earlier views are invalid.
  [[nodiscard]] std::span<char> room(std::size_t at_least) {
    if (capacity_ - end_ < at_least) {
      const std::size_t held = end_ - begin_;
      const std::size_t wanted = held + std::max(at_least, held);  // doubling keeps a long command linear
      if (wanted > capacity_) {
        auto grown = std::make_unique_for_overwrite<char[]>(wanted);
        if (held > 0) std::memcpy(grown.get(), data_.get() + begin_, held);
        data_ = std::move(grown);
        capacity_ = wanted;
      } else {
        std::memmove(data_.get(), data_.get() + begin_, held);
      }
      begin_ = 0;
      end_ = held;
    }
    return {data_.get() + end_, capacity_ - end_};
  }

  /// `count` bytes were put into room().
  void commit(std::size_t count) noexcept { end_ += count; }

  /// `count` bytes at the front are done with. A buffer that one large command has blown up is given back.
  void consume(std::size_t count) noexcept {
    begin_ += count;
    if (begin_ != end_) return;
    begin_ = end_ = 0;
    if (capacity_ > keep_bytes) {
      data_.reset();
      capacity_ = 0;
    }
  }

 private:
  static constexpr std::size_t keep_bytes =
      256 * 1024;  // arbitrary: well above what a pipeline of small commands needs

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace proxy
