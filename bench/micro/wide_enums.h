// SPDX-License-Identifier: Apache-2.0
//
// Enums with a hundred and with ten labels each: many series from one labelled metric, for benchmarks of reading.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fast_telemetry/label.h"

namespace wide_enums {

enum class Endpoint : std::uint8_t {};      // 0 … 99
enum class Tenant : std::uint8_t {};        // 0 … 99
enum class FewEndpoints : std::uint8_t {};  // 0 … 9
enum class FewTenants : std::uint8_t {};    // 0 … 9

/// `prefix` and two digits, a hundred times.
template <std::size_t length>
struct Texts {
  std::array<std::array<char, length + 2>, 100> text{};

  explicit constexpr Texts(std::string_view prefix) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      for (std::size_t k = 0; k < length; ++k) text[i][k] = prefix[k];
      text[i][length] = static_cast<char>('0' + i / 10);
      text[i][length + 1] = static_cast<char>('0' + i % 10);
    }
  }
};

inline constexpr Texts<13> endpoints{"/api/v2/items"};
inline constexpr Texts<8> tenants{"customer"};

template <std::size_t length, class Enum>
constexpr fast_telemetry::Label label_of(const char* key, const Texts<length>& texts, Enum value, std::size_t count) {
  const auto i = static_cast<std::size_t>(value);
  if (i >= count) return {};
  return {key, {texts.text[i].data(), texts.text[i].size()}};
}

constexpr fast_telemetry::Label label(Endpoint e) { return label_of("endpoint", endpoints, e, 100); }
constexpr fast_telemetry::Label label(Tenant t) { return label_of("tenant", tenants, t, 100); }
constexpr fast_telemetry::Label label(FewEndpoints e) { return label_of("endpoint", endpoints, e, 10); }
constexpr fast_telemetry::Label label(FewTenants t) { return label_of("tenant", tenants, t, 10); }

}  // namespace wide_enums
