// SPDX-License-Identifier: Apache-2.0
//
// Attributes: keys with typed values, as spans, events and links take them.
#pragma once

#include <initializer_list>

#include "fast_telemetry/detail/text_like.h"
#include "fast_telemetry/spans/literal.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

enum class AttributeType : std::uint8_t {
  string,
  boolean,
  integer,
  floating,
  bytes,
  string_array,
  boolean_array,
  integer_array,
  floating_array,
};

/// Borrowed bytes: an UUID, a digest, a raw address.
struct Bytes {
  const void* data = nullptr;
  std::size_t size = 0;
};

namespace detail {

template <class T>
concept IsBoolean = __is_same(T, bool);
template <class T>
concept IsFloating = __is_same(T, double) || __is_same(T, float);
template <class T>
concept IsInteger = !IsBoolean<T> && !IsFloating<T> && !__is_enum(T) && !__is_class(T) && requires(T t) {
  t % 2;
  static_cast<std::int64_t>(t);
};
/// Contiguous elements: std::vector, std::array, std::span, but no text.
template <class C>
concept Contiguous = !TextLike<C> && requires(const C& c) {
  *c.data();
  static_cast<std::size_t>(c.size());
};

template <class T>
inline constexpr AttributeType array_type_of = IsBoolean<T>    ? AttributeType::boolean_array
                                               : IsFloating<T> ? AttributeType::floating_array
                                               : IsInteger<T>  ? AttributeType::integer_array
                                                               : AttributeType::string_array;
template <class T>
consteval bool is_int64() {
  if constexpr (IsInteger<T>) return sizeof(T) == 8 && static_cast<T>(-1) < T{0};
  return false;
}

template <class T>
struct Plain {
  using Type = T;
};
template <class T>
struct Plain<const T> {
  using Type = T;
};

}  // namespace detail

/// The value of an attribute, borrowed: a span copies it. Made from strings, bool, integers, double, Bytes, and from
/// contiguous ranges of std::int64_t, double, bool or ft::Text (std::vector, std::array, std::span).
///
/// Integers travel as 64 signed bits, which is what OTLP has: an unsigned value above 2^63 - 1 is told as 2^63 - 1.
class AttributeValue {
 public:
  template <detail::TextLike T>
  constexpr AttributeValue(const T& text) noexcept  // NOLINT(google-explicit-constructor)
      : AttributeValue{AttributeType::string, Text{text}.data(), Text{text}.size()} {}
  template <detail::IsBoolean T>
  constexpr AttributeValue(T value) noexcept  // NOLINT(google-explicit-constructor)
      : type_{AttributeType::boolean}, integer_{value} {}
  template <detail::IsInteger T>
  constexpr AttributeValue(T value) noexcept  // NOLINT(google-explicit-constructor)
      : type_{AttributeType::integer}, integer_{clamped(value)} {}
  template <detail::IsFloating T>
  constexpr AttributeValue(T value) noexcept  // NOLINT(google-explicit-constructor)
      : type_{AttributeType::floating}, floating_{value} {}
  constexpr AttributeValue(Bytes bytes) noexcept  // NOLINT(google-explicit-constructor)
      : AttributeValue{AttributeType::bytes, bytes.data, bytes.size} {}
  template <detail::Contiguous C>
  constexpr AttributeValue(const C& elements) noexcept  // NOLINT(google-explicit-constructor)
      : AttributeValue{type_of(elements.data()), elements.data(), static_cast<std::size_t>(elements.size())} {}

  [[nodiscard]] constexpr AttributeType type() const noexcept { return type_; }
  /// Of a boolean or an integer.
  [[nodiscard]] constexpr std::int64_t integer() const noexcept { return integer_; }
  [[nodiscard]] constexpr double floating() const noexcept { return floating_; }
  /// Of a string or bytes: their characters; of an array: its elements (const bool*, const Text*, …).
  [[nodiscard]] constexpr const void* data() const noexcept { return elements_.data; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return elements_.size; }

 private:
  struct Elements {
    const void* data;
    std::size_t size;
  };

  constexpr AttributeValue(AttributeType type, const void* data, std::size_t size) noexcept
      : type_{type}, elements_{data, size} {}

  template <class T>
  static constexpr std::int64_t clamped(T value) noexcept {
    constexpr std::uint64_t largest = ~std::uint64_t{0} >> 1U;
    if (value > T{0} && static_cast<std::uint64_t>(value) > largest) return static_cast<std::int64_t>(largest);
    return static_cast<std::int64_t>(value);
  }

  template <class T>
  static constexpr AttributeType type_of(const T*) noexcept {
    using Element = typename detail::Plain<T>::Type;
    static_assert(__is_same(Element, bool) || __is_same(Element, double) || __is_same(Element, Text) ||
                      detail::is_int64<Element>(),
                  "arrays are of bool, std::int64_t, double or ft::Text");
    return detail::array_type_of<Element>;
  }

  AttributeType type_;
  union {
    std::int64_t integer_;
    double floating_;
    Elements elements_;
  };
};

/// One attribute of an event or a link: `{"retry", 2}`.
struct Attribute {
  Literal key;
  AttributeValue value;
};

/// Borrowed attributes: a braced list, `{{"retry", 2}, {"host", host}}`, or a pointer and a number.
class Attributes {
 public:
  constexpr Attributes() noexcept = default;
  constexpr Attributes(std::initializer_list<Attribute> list) noexcept : data_{list.begin()}, size_{list.size()} {}
  constexpr Attributes(const Attribute* data, std::size_t size) noexcept : data_{data}, size_{size} {}

  [[nodiscard]] constexpr const Attribute* begin() const noexcept { return data_; }
  [[nodiscard]] constexpr const Attribute* end() const noexcept { return data_ + size_; }

 private:
  const Attribute* data_ = nullptr;
  std::size_t size_ = 0;
};

FAST_TELEMETRY_END_NAMESPACE
