// SPDX-License-Identifier: Apache-2.0
//
// Baggage: keys and values that a request carries along (W3C Baggage). For clients and servers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fast_telemetry/info.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

inline constexpr Text baggage_header = "baggage";

/// What one request carries: at most 64 members, of 8192 bytes as a header. A value of the program's own; it is no part
/// of spans, so nobody is sent it by accident. Allocates; for one thread at a time.
class Baggage {
 public:
  struct Member {
    std::string key;         ///< a token of RFC 9110, case-sensitive
    std::string value;       ///< decoded: well-formed UTF-8
    std::string properties;  ///< as they came, without the first semicolon
  };

  /// Reads one header value; several headers are added one after the other. A member that breaks a rule is skipped, the
  /// last of one key stays. Input beyond 8192 bytes is not looked at, nor is the member that crosses that limit.
  void add_header(Text value);

  /// Sets a member. False, and nothing happens, when the key is no token, or when the baggage is full.
  bool set(std::string_view key, std::string_view value, std::string_view properties = {});

  void remove(std::string_view key);

  /// Null when there is none of that key. Valid until the baggage changes.
  [[nodiscard]] const Member* find(std::string_view key) const noexcept;
  [[nodiscard]] const std::vector<Member>& members() const noexcept { return members_; }
  [[nodiscard]] bool empty() const noexcept { return members_.empty(); }

  /// The header's value; empty: send none. Values are percent-encoded; members that would exceed 8192 bytes are left
  /// out, from the end.
  [[nodiscard]] std::string header() const;

 private:
  std::vector<Member> members_;
  std::size_t seen_bytes_ = 0;
};

/// Reads baggage from a carrier: any range of pairs of name and value. Names in any case.
template <class Carrier>
[[nodiscard]] Baggage extract_baggage(const Carrier& carrier) {
  Baggage baggage;
  for (const auto& [name, value] : carrier) {
    const std::string_view text{name};
    bool is_baggage = text.size() == 7;
    for (std::size_t i = 0; is_baggage && i < text.size(); ++i) is_baggage = (text[i] | 0x20) == "baggage"[i];
    if (is_baggage) baggage.add_header(Text{value});
  }
  return baggage;
}

/// Calls `set(ft::Text name, ft::Text value)` once, or not when there is no baggage.
template <class Set>
void inject_baggage(const Baggage& baggage, Set&& set) {
  const std::string header = baggage.header();
  if (!header.empty()) set(baggage_header, Text{header});
}

FAST_TELEMETRY_END_NAMESPACE
