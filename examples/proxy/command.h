// SPDX-License-Identifier: Apache-2.0
//
// What the proxy knows about commands: which one it is, how it went, and how it may be passed on.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace proxy {

enum class Command : std::uint8_t { get, set, del, incr, exists, mget, ping, config, other };

enum class Outcome : std::uint8_t {
  ok,
  error,           ///< the reply is an error
  upstream_error,  ///< the upstream could not be asked, or did not answer
};

/// How a command reaches the upstream.
enum class Handling : std::uint8_t {
  share,   ///< leaves nothing behind: any upstream connection will do
  pin,     ///< may leave a database, a transaction, a name behind: the connection stays with this client
  refuse,  ///< would break one reply per command, in order, or would block
  quit,
};

struct Verb {
  Command command = Command::other;
  Handling handling = Handling::pin;
};

/// Looks a command up by its words; the name goes in any case. `args` is not empty.
[[nodiscard]] Verb verb_of(std::span<const std::string_view> args) noexcept;

/// Compares with an upper-case literal, ignoring the case of ASCII letters.
[[nodiscard]] bool equals_ignoring_case(std::string_view text, std::string_view upper) noexcept;

}  // namespace proxy
