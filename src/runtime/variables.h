// SPDX-License-Identifier: Apache-2.0
//
// Variables: an environment, read by the rules that OpenTelemetry has for all its variables ("Environment Variable
// Specification", Parsing).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fast_telemetry/detail/abi.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

/// Without the spaces and tabs around it.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// Letters of ASCII in any case.
[[nodiscard]] bool is_same_word(std::string_view a, std::string_view b) noexcept;

/// The parts between the separators, trimmed, but for empty ones.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// Nothing unless the whole text is a decimal number that is no more than `most`.
[[nodiscard]] std::optional<std::uint64_t> parse_whole(std::string_view text, std::uint64_t most) noexcept;

/// A value that is not as its variable demands has a warning, and is as good as none.
class Variables {
 public:
  /// Ends with a null pointer; borrowed.
  explicit Variables(const char* const* variables) noexcept : variables_{variables} {}

  /// Trimmed; empty: not set, or empty, which is the same.
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept;

  /// True for `true` only.
  [[nodiscard]] bool is_true(std::string_view name);

  /// From 0 to 2^31 - 1.
  [[nodiscard]] std::optional<std::uint32_t> number(std::string_view name);

  /// Of milliseconds, at least one.
  [[nodiscard]] std::optional<std::chrono::milliseconds> interval(std::string_view name);

  /// Of milliseconds; 0, which stands for no limit, is a day.
  [[nodiscard]] std::optional<std::chrono::milliseconds> timeout(std::string_view name);

  template <class T>
  [[nodiscard]] std::optional<T> choice(std::string_view name,
                                        std::initializer_list<std::pair<const char*, T>> choices) {
    const std::string_view value = get(name);
    if (value.empty()) return {};
    for (const auto& [word, choice] : choices) {
      if (is_same_word(value, word)) return choice;
    }
    warn(name, "unknown, and ignored");
    return {};
  }

  /// `NAME='value': rule`; the value only when it can hold no secret.
  void warn(std::string_view name, std::string_view rule);

  /// The same about something else than the whole value.
  void warn(std::string_view name, std::string_view part, std::string_view rule);

  /// `NAME: rule`: for variables that hold secrets. Each warning stands once.
  void warn_without_value(std::string_view name, std::string_view rule);

  [[nodiscard]] std::vector<std::string> take_warnings() noexcept { return std::move(warnings_); }

 private:
  const char* const* variables_;
  std::vector<std::string> warnings_;
};

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
