// SPDX-License-Identifier: Apache-2.0
//
// What a metric says about itself: its name, its help text, its unit. For code that declares metrics.
#pragma once

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// Borrowed text: a pointer and a length, made from a literal, a std::string or a std::string_view. A null pointer
/// (what getenv returns for a variable that is not set) is empty text.
///
/// Stands in for std::string_view, whose header alone costs 90 ms to include. The library copies what it keeps, so the
/// text need only outlive the call it is given to.
class Text {
 public:
  constexpr Text() noexcept = default;
  constexpr Text(const char* text) noexcept  // NOLINT(google-explicit-constructor): literals
      : data_{text == nullptr ? "" : text} {
    while (data_[size_] != '\0') ++size_;
  }
  constexpr Text(const char* data, std::size_t size) noexcept : data_{data}, size_{size} {}
  template <class String>
    requires requires(const String& s) { s.substr(0, 0), s.data()[0]; }
  constexpr Text(const String& text) noexcept  // NOLINT(google-explicit-constructor): any string
      : data_{text.data()}, size_{text.size()} {}

  [[nodiscard]] constexpr const char* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }

  friend constexpr bool operator==(Text a, Text b) noexcept {
    if (a.size_ != b.size_) return false;
    for (std::size_t i = 0; i < a.size_; ++i) {
      if (a.data_[i] != b.data_[i]) return false;
    }
    return true;
  }

 private:
  const char* data_ = "";
  std::size_t size_ = 0;
};

/// A metric name: a lower-case letter, then lower-case letters, digits and underscores; at most 255 characters.
///
/// A literal is checked when the program is compiled (Clang before 17 checks default member initialisers at run time
/// and throws there). Names that are known only at run time go through `checked`.
class Name {
 public:
  consteval Name(const char* literal) : text_{literal} {  // NOLINT(google-explicit-constructor): `.name = "requests"`
    if (!is_valid(text_)) throw_bad_name(text_);
  }

  /// Throws std::invalid_argument with the offending text when it is not a name.
  static Name checked(Text text) {
    if (!is_valid(text)) throw_bad_name(text);
    return Name{text, 0};
  }

  [[nodiscard]] constexpr Text text() const noexcept { return text_; }

  [[nodiscard]] static constexpr bool is_valid(Text text) noexcept {
    if (text.empty() || text.size() > 255 || text.data()[0] < 'a' || text.data()[0] > 'z') return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text.data()[i];
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
    }
    return true;
  }

 private:
  constexpr Name(Text text, int) noexcept : text_{text} {}

  // Not constexpr on purpose: reaching it while the program is compiled is the error message
  // "bad metric name: lower-case letters, digits and underscores, a letter first".
  [[noreturn]] static void throw_bad_name(Text text);

  Text text_;
};

/// The base unit of a metric's values. Formats add the suffix they demand (`_seconds` in Prometheus, `s` in OTLP).
enum class Unit : std::uint8_t { none, seconds, bytes, ratio, celsius, joules, watts, volts, amperes, meters, grams };

/// What a metric says about itself. Written with designated initialisers:
/// `{.name = "requests", .help = "Requests read completely."}`.
///
/// The name goes without the suffixes of any format: no `_total`, no `_seconds`. If it carries its unit's or (for a
/// counter) `_total`, that suffix is taken off and added again by the formats that want it.
struct Info {
  Name name;
  Text help = {};  ///< any text; ill-formed UTF-8 is replaced where a format needs well-formed text
  Unit unit = Unit::none;
};

FAST_TELEMETRY_END_NAMESPACE
