// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include <algorithm>

namespace proxy {
namespace {

struct Entry {
  std::string_view name;
  Verb verb;
};

constexpr Entry known[] = {
    {"GET", {Command::get, Handling::share}},       {"SET", {Command::set, Handling::share}},
    {"INCR", {Command::incr, Handling::share}},     {"DEL", {Command::del, Handling::share}},
    {"EXISTS", {Command::exists, Handling::share}}, {"MGET", {Command::mget, Handling::share}},
    {"PING", {Command::ping, Handling::share}},     {"CONFIG", {Command::config, Handling::share}},
};

// Answered with none, several or unasked replies, or (the last two) with a closed connection: Redis takes them for
// HTTP. HELLO would change the protocol.
constexpr std::string_view refused[] = {
    "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR",
    "SYNC",      "PSYNC",      "REPLCONF",   "HELLO",       "RESET",        "POST",         "HOST:",
};

}  // namespace

bool equals_ignoring_case(std::string_view text, std::string_view upper) noexcept {
  return std::equal(text.begin(), text.end(), upper.begin(), upper.end(),
                    [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; });
}

Verb verb_of(std::span<const std::string_view> args) noexcept {
  const std::string_view name = args[0];
  for (const Entry& entry : known) {
    if (equals_ignoring_case(name, entry.name)) return entry.verb;
  }
  if (equals_ignoring_case(name, "QUIT")) return {Command::other, Handling::quit};
  const bool no_replies =
      equals_ignoring_case(name, "CLIENT") && args.size() > 1 && equals_ignoring_case(args[1], "REPLY");
  const bool breaks_order = std::any_of(std::begin(refused), std::end(refused),
                                        [name](std::string_view r) { return equals_ignoring_case(name, r); });
  return {Command::other, no_replies || breaks_order ? Handling::refuse : Handling::pin};
}

}  // namespace proxy
