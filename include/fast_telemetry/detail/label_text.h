// SPDX-License-Identifier: Apache-2.0
//
// LabelText: whatever may be a label's value, as text for the time of one call.
#pragma once

#include "fast_telemetry/detail/text_like.h"
#include "fast_telemetry/label.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

template <class T>
concept WholeNumber =
    __is_same(T, signed char) || __is_same(T, unsigned char) || __is_same(T, short) || __is_same(T, unsigned short) ||
    __is_same(T, int) || __is_same(T, unsigned) || __is_same(T, long) || __is_same(T, unsigned long) ||
    __is_same(T, long long) || __is_same(T, unsigned long long);

class LabelText {
 public:
  template <TextLike T>
  LabelText(const T& value) noexcept : text_{value} {}  // NOLINT(google-explicit-constructor)
  template <LabelEnum E>
  LabelText(E value) noexcept : text_{label(value).value} {  // NOLINT(google-explicit-constructor)
    if (text_.empty()) text_ = "invalid";                    // no enumerator
  }
  template <WholeNumber T>
  LabelText(T value) noexcept : text_{digits_, 0} {  // NOLINT(google-explicit-constructor)
    const bool negative = value < 0;
    auto rest = static_cast<std::uint64_t>(value);
    if (negative) rest = 0 - rest;
    char* begin = digits_ + sizeof digits_;
    do {
      *--begin = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
    if (negative) *--begin = '-';
    text_ = Text{begin, static_cast<std::size_t>(digits_ + sizeof digits_ - begin)};
  }
  LabelText(const LabelText&) = delete;
  LabelText& operator=(const LabelText&) = delete;

  [[nodiscard]] Text text() const noexcept { return text_; }

 private:
  Text text_;
  char digits_[20];  // of 2^64 - 1, or of -2^63
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
