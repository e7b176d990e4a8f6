// SPDX-License-Identifier: Apache-2.0
//
// Literal: text that is part of the program. For names of spans and events, and for keys of attributes.
#pragma once

#include "fast_telemetry/info.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

/// A string literal of 1 to 1024 characters, kept as a pointer: recording one copies no text.
///
/// Checked when the program is compiled; anything but a literal (or a constexpr array in static storage) does not
/// compile. The text must stay mapped until the spans that name it were drained: before a plugin is unloaded, drain.
class Literal {
 public:
  template <std::size_t size>
  consteval Literal(const char (&text)[size])  // NOLINT(google-explicit-constructor): `tracer.root("request")`
      : data_{text}, size_{static_cast<std::uint32_t>(size - 1)} {
    if (size < 2 || size > 1025) throw_bad_literal();
  }

  [[nodiscard]] constexpr Text text() const noexcept { return {data_, size_}; }

 private:
  // Not constexpr on purpose: reaching it while the program is compiled is the error message
  // "a name or key has 1 to 1024 characters".
  [[noreturn]] static void throw_bad_literal();

  const char* data_;
  std::uint32_t size_;
};

FAST_TELEMETRY_END_NAMESPACE
