// SPDX-License-Identifier: Apache-2.0
//
// The Redis protocol (RESP2) as a proxy needs it: commands out of a client's bytes, ends of replies in an upstream's.
// Neither touches a socket.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace proxy {

/// What a client may send. Redis itself takes bulks of 512 MiB and a million arguments: too much to hold per
/// connection.
struct RequestLimits {
  std::size_t command_bytes = 64 * 1024 * 1024;  ///< one whole command
  std::size_t arguments = 64 * 1024;
  std::size_t inline_bytes = 64 * 1024;  ///< as Redis (PROTO_INLINE_MAX_SIZE)
};

/// Finds one command after the other in the bytes of a connection. Resumes where it stopped: a command that arrives
/// byte by byte costs no more than one that arrives whole.
///
/// Never accepts what Redis would refuse or read otherwise, so that replies stay in step when bytes are passed on as
/// they came: it follows `processMultibulkBuffer` and `processInlineBuffer` of Redis 7.0, and is stricter in that every
/// CRLF is checked.
class RequestParser {
 public:
  enum class Status : std::uint8_t {
    incomplete,  ///< more bytes are needed
    request,     ///< a command: args(), size(), verbatim()
    empty,       ///< size() bytes that ask for nothing and get no reply: an empty line, `*0`, `*-1`
    error,       ///< nothing after this can be understood: error()
  };

  explicit RequestParser(const RequestLimits& limits = {}) : limits_{limits} {}

  /// `input` begins with the first byte of a command. After `incomplete`, call again with the same bytes and more.
  Status parse(std::string_view input);

  /// The command's words, its name first; never empty. They point into `input` or the parser: valid until either
  /// changes.
  [[nodiscard]] std::span<const std::string_view> args() const noexcept { return args_; }

  /// How many bytes of `input` the command took.
  [[nodiscard]] std::size_t size() const noexcept { return position_; }

  /// Whether Redis reads these very bytes the same way. False for inline commands with quotes or unusual bytes.
  [[nodiscard]] bool verbatim() const noexcept { return verbatim_; }

  /// What is wrong, as Redis words it: `invalid bulk length`. Printable.
  [[nodiscard]] std::string_view error() const noexcept { return error_; }

 private:
  struct Extent {
    std::size_t begin;
    std::size_t size;
  };
  enum class Step : std::uint8_t { start, header, bulk, done };

  void restart();
  Status parse_array(std::string_view input);
  Status parse_inline(std::string_view input);
  bool read_number(std::string_view input, std::string_view too_long, std::string_view invalid, std::int64_t& number);
  Status fail(std::string_view reason);

  RequestLimits limits_;
  Step step_ = Step::start;
  bool verbatim_ = true;
  std::size_t position_ = 0;  ///< bytes of this command that need not be looked at again
  std::size_t missing_ = 0;   ///< arguments still to come
  std::size_t bulk_ = 0;      ///< size of the argument being received
  std::vector<Extent> extents_;
  std::vector<std::string_view> args_;
  std::vector<std::string> unquoted_;
  std::string error_;
};

/// Finds where replies end in the bytes of an upstream. Holds no bytes, so a reply of any size streams through.
class ReplyScanner {
 public:
  enum class Status : std::uint8_t {
    incomplete,  ///< all bytes belong to a reply that goes on
    reply,       ///< a reply ended: is_error()
    malformed,   ///< this is not RESP2, or nested deeper than max_depth
  };

  static constexpr std::size_t max_depth = 16;  // arbitrary: Redis' own replies nest four deep (COMMAND, XINFO)

  /// Takes bytes off the front of `bytes`: up to the end of one reply, or all.
  Status next(std::string_view& bytes);

  /// Whether the reply that ended last was an error.
  [[nodiscard]] bool is_error() const noexcept { return top_ == '-'; }

 private:
  Status take_line(std::string_view& bytes);
  Status line_done();
  Status element_done();

  char top_ = 0;           ///< type of the whole reply
  char type_ = 0;          ///< type of the element being read; 0 between elements
  std::size_t skip_ = 0;   ///< bytes of a bulk still to come, its CRLF included
  std::size_t depth_ = 0;  ///< open arrays
  std::array<std::uint64_t, max_depth> remaining_{};
  std::array<char, 24> line_{};  ///< the number in a header: the longest is 20 characters
  std::size_t line_size_ = 0;
  bool carriage_return_ = false;
};

/// Reads a decimal integer as Redis does (`string2ll`): no plus sign, no leading zeros, nothing around it.
[[nodiscard]] bool read_integer(std::string_view text, std::int64_t& number) noexcept;

/// Splits an inline command as Redis does (`sdssplitargs`): blanks separate, quotes group, backslash escapes inside
/// double quotes, a zero byte ends the line. False when quotes do not match up.
[[nodiscard]] bool split_inline(std::string_view line, std::vector<std::string>& words);

}  // namespace proxy
