// SPDX-License-Identifier: Apache-2.0
#include "percent_list.h"

#include <charconv>

#include "variables.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  while (!text.empty()) {
    if (text[0] != '%') {
      decoded += text[0];
      text.remove_prefix(1);
      continue;
    }
    const std::string_view digits = text.substr(1, 2);
    std::uint8_t byte = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2) return {};
    decoded += static_cast<char>(byte);
    text.remove_prefix(3);
  }
  return decoded;
}

std::optional<PercentMember> parse_percent_member(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {};
  auto key = percent_decoded(trimmed(text.substr(0, equals)));
  auto value = percent_decoded(trimmed(text.substr(equals + 1)));
  if (!key || key->empty() || !value) return {};
  return PercentMember{std::move(*key), std::move(*value)};
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
