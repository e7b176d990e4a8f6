// SPDX-License-Identifier: Apache-2.0
//
// Enums of 16 and of 256 labels, for labelled metrics.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "fast_telemetry/label.h"

namespace contention {

enum class FewCommands : std::uint8_t {};   // 0 … 15
enum class ManyCommands : std::uint8_t {};  // 0 … 255

struct CommandText {
  std::array<char, 11> data{'c', 'o', 'm', 'm', 'a', 'n', 'd', '-'};
  std::size_t size = 8;

  constexpr void append_digit(unsigned digit) { data[size++] = static_cast<char>('0' + digit); }
};

/// command-0 … command-255
inline constexpr auto command_texts = [] {
  std::array<CommandText, 256> texts{};
  for (unsigned i = 0; i < texts.size(); ++i) {
    if (i >= 100) texts[i].append_digit(i / 100);
    if (i >= 10) texts[i].append_digit(i / 10 % 10);
    texts[i].append_digit(i % 10);
  }
  return texts;
}();

constexpr fast_telemetry::Label command_label(std::size_t i) {
  return {"command", {command_texts[i].data.data(), command_texts[i].size}};
}
constexpr fast_telemetry::Label label(FewCommands command) {
  const auto i = static_cast<std::size_t>(command);
  return i < 16 ? command_label(i) : fast_telemetry::Label{};
}
constexpr fast_telemetry::Label label(ManyCommands command) { return command_label(static_cast<std::size_t>(command)); }

}  // namespace contention
