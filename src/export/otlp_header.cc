// SPDX-License-Identifier: Apache-2.0
#include "otlp_header.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "core/diagnose.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

/// RFC 9110, section 5.6.2.
bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
  });
}

bool has_control_character(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

void check_otlp_header(const HttpHeader& header) {
  constexpr std::array<std::string_view, 8> ours{
      "content-type", "content-length", "content-encoding", "host", "connection", "transfer-encoding", "te", "expect"};
  if (!is_token(header.name)) {
    throw std::invalid_argument{"OTLP header: '" + printable(header.name) + "' is no name of a header"};
  }
  if (std::find(ours.begin(), ours.end(), lower_case(header.name)) != ours.end()) {
    throw std::invalid_argument{"OTLP header: " + header.name + " is not to be set"};
  }
  if (has_control_character(header.value)) {
    throw std::invalid_argument{"OTLP header: the value of " + header.name + " has control characters"};
  }
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
