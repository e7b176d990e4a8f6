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
constexpr std::string_view out_of_step[] = {
    "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR",
    "SYNC",      "PSYNC",      "REPLCONF",   "HELLO",       "RESET",        "POST",         "HOST:",
};

// Answered when somebody else does something, perhaps never: whoever waits for the upstream does not see its client
// leave.
constexpr std::string_view blocking[] = {
    "BLPOP", "BRPOP", "BRPOPLPUSH", "BLMOVE", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF",
};

bool is_one_of(std::span<const std::string_view> upper, std::string_view name) {
  return std::any_of(upper.begin(), upper.end(), [name](std::string_view u) { return equals_ignoring_case(name, u); });
}

// Blocks as well with its option BLOCK. A stream of that name is refused too: where options end takes more of the
// command's grammar than it is worth.
bool reads_stream_blocking(std::span<const std::string_view> args) {
  constexpr std::string_view names[] = {"XREAD", "XREADGROUP"};
  return is_one_of(names, args[0]) &&
         std::any_of(args.begin(), args.end(), [](std::string_view arg) { return equals_ignoring_case(arg, "BLOCK"); });
}

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
  const bool refuse =
      no_replies || is_one_of(out_of_step, name) || is_one_of(blocking, name) || reads_stream_blocking(args);
  return {Command::other, refuse ? Handling::refuse : Handling::pin};
}

}  // namespace proxy
