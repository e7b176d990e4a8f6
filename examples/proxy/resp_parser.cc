// SPDX-License-Identifier: Apache-2.0

#include "resp_parser.h"

#include <charconv>

namespace proxy {
namespace {

constexpr std::size_t max_header_bytes = 32;  // type, at most 20 characters, CRLF: anything longer is no number

// What Redis skips before a word and takes for the end of a quoted one; and the fewer bytes that end an unquoted one.
bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool ends_word(char c) { return is_blank(c) && c != '\v' && c != '\f'; }

char printable(char c) { return c >= ' ' && c <= '~' ? c : '?'; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool read_integer(std::string_view text, std::int64_t& number) noexcept {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || (digits[0] == '0' && text.size() > 1)) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

bool split_inline(std::string_view line, std::vector<std::string>& words) {
  words.clear();
  line = line.substr(0, line.find('\0'));
  std::size_t i = 0;
  for (;;) {
    while (i < line.size() && is_blank(line[i])) ++i;
    if (i == line.size()) return true;
    std::string word;
    char quote = 0;
    for (; quote != 0 || (i < line.size() && !ends_word(line[i])); ++i) {
      if (i == line.size()) return false;  // the quote was never closed
      const char c = line[i];
      if (quote == 0) {
        if (c == '"' || c == '\'') {
          quote = c;
        } else {
          word += c;
        }
      } else if (c == quote) {
        // A closing quote ends the word: `"a"b` is refused.
        ++i;
        if (i < line.size() && !is_blank(line[i])) return false;
        break;
      } else if (c == '\\' && quote == '\'' && i + 1 < line.size() && line[i + 1] == '\'') {
        word += line[++i];
      } else if (c == '\\' && quote == '"' && i + 3 < line.size() && line[i + 1] == 'x' &&
                 hex_digit(line[i + 2]) >= 0 && hex_digit(line[i + 3]) >= 0) {
        word += static_cast<char>(hex_digit(line[i + 2]) * 16 + hex_digit(line[i + 3]));
        i += 3;
      } else if (c == '\\' && quote == '"' && i + 1 < line.size()) {
        static constexpr std::string_view names = "nrtba", meanings = "\n\r\t\b\a";
        const char escaped = line[++i];
        const std::size_t which = names.find(escaped);
        word += which == std::string_view::npos ? escaped : meanings[which];
      } else {
        word += c;
      }
    }
    words.push_back(std::move(word));
  }
}

RequestParser::Status RequestParser::parse(std::string_view input) {
  if (step_ == Step::done) restart();
  if (input.empty()) return Status::incomplete;
  return input[0] == '*' ? parse_array(input) : parse_inline(input);
}

void RequestParser::restart() {
  step_ = Step::start;
  verbatim_ = true;
  position_ = 0;
  // One command with 64 Ki arguments must not hold its memory for the life of the connection.
  if (extents_.capacity() > 1024) extents_ = {};
  if (args_.capacity() > 1024) args_ = {};
  extents_.clear();
  args_.clear();
  unquoted_.clear();
}

RequestParser::Status RequestParser::fail(std::string_view reason) {
  error_ = reason;
  return Status::error;
}

// Reads "<type><number>\r\n" at position_. False: not all there yet, or error_ is set.
bool RequestParser::read_number(std::string_view input, std::string_view too_long, std::string_view invalid,
                                std::int64_t& number) {
  const std::string_view header = input.substr(position_, max_header_bytes);
  const std::size_t end = header.find('\n');
  if (end == std::string_view::npos) {
    if (header.size() == max_header_bytes) fail(too_long);
    return false;
  }
  if (header[end - 1] != '\r' || !proxy::read_integer(header.substr(1, end - 2), number)) {
    fail(invalid);
    return false;
  }
  position_ += end + 1;
  return true;
}

RequestParser::Status RequestParser::parse_array(std::string_view input) {
  std::int64_t number = 0;
  if (step_ == Step::start) {
    if (!read_number(input, "too big mbulk count string", "invalid multibulk length", number)) {
      return error_.empty() ? Status::incomplete : Status::error;
    }
    if (number > static_cast<std::int64_t>(limits_.arguments)) return fail("invalid multibulk length");
    if (number <= 0) {
      step_ = Step::done;
      return Status::empty;
    }
    missing_ = static_cast<std::size_t>(number);
    step_ = Step::header;
  }

  while (missing_ > 0) {
    if (step_ == Step::header) {
      if (position_ == input.size()) return Status::incomplete;
      if (input[position_] != '$') {
        return fail(std::string{"expected '$', got '"} + printable(input[position_]) + '\'');
      }
      if (!read_number(input, "too big bulk count string", "invalid bulk length", number)) {
        return error_.empty() ? Status::incomplete : Status::error;
      }
      if (number < 0 || number > static_cast<std::int64_t>(limits_.command_bytes)) return fail("invalid bulk length");
      bulk_ = static_cast<std::size_t>(number);
      if (position_ + bulk_ > limits_.command_bytes) return fail("command too large");
      step_ = Step::bulk;
    }
    if (input.size() - position_ < bulk_ + 2) return Status::incomplete;
    if (input.substr(position_ + bulk_, 2) != "\r\n") return fail("expected CRLF after a bulk");
    extents_.push_back({position_, bulk_});
    position_ += bulk_ + 2;
    --missing_;
    step_ = Step::header;
  }

  for (const Extent& extent : extents_) args_.push_back(input.substr(extent.begin, extent.size));
  step_ = Step::done;
  return Status::request;
}

RequestParser::Status RequestParser::parse_inline(std::string_view input) {
  const std::size_t newline = input.find('\n', position_);
  if (newline == std::string_view::npos ? input.size() > limits_.inline_bytes : newline > limits_.inline_bytes) {
    return fail("too big inline request");
  }
  if (newline == std::string_view::npos) {
    position_ = input.size();
    return Status::incomplete;
  }
  position_ = newline + 1;
  std::string_view line = input.substr(0, newline);
  if (line.ends_with('\r')) line.remove_suffix(1);

  for (const char c : line) verbatim_ = verbatim_ && c >= ' ' && c <= '~' && c != '"' && c != '\'';
  if (!split_inline(line, unquoted_)) return fail("unbalanced quotes in request");
  for (const std::string& word : unquoted_) args_.emplace_back(word);
  step_ = Step::done;
  return args_.empty() ? Status::empty : Status::request;
}

ReplyScanner::Status ReplyScanner::next(std::string_view& bytes) {
  while (!bytes.empty()) {
    Status status = Status::incomplete;
    if (skip_ > 0) {
      const std::size_t step = skip_ < bytes.size() ? skip_ : bytes.size();
      skip_ -= step;
      bytes.remove_prefix(step);
      if (skip_ == 0) status = element_done();
    } else if (type_ == 0) {
      type_ = bytes[0];
      bytes.remove_prefix(1);
      if (depth_ == 0) top_ = type_;
      line_size_ = 0;
      carriage_return_ = false;
      if (std::string_view{"+-:$*"}.find(type_) == std::string_view::npos) status = Status::malformed;
    } else {
      status = take_line(bytes);
    }
    if (status != Status::incomplete) return status;
  }
  return Status::incomplete;
}

ReplyScanner::Status ReplyScanner::take_line(std::string_view& bytes) {
  const std::size_t newline = bytes.find('\n');
  const std::string_view part = bytes.substr(0, newline);
  if (type_ == '$' || type_ == '*') {
    if (line_size_ + part.size() > line_.size()) return Status::malformed;
    part.copy(line_.data() + line_size_, part.size());
    line_size_ += part.size();
  }
  if (!part.empty()) carriage_return_ = part.back() == '\r';
  bytes.remove_prefix(newline == std::string_view::npos ? bytes.size() : newline + 1);
  if (newline == std::string_view::npos) return Status::incomplete;
  return carriage_return_ ? line_done() : Status::malformed;
}

ReplyScanner::Status ReplyScanner::line_done() {
  if (type_ != '$' && type_ != '*') return element_done();
  std::int64_t number = 0;
  if (!read_integer({line_.data(), line_size_ - 1}, number) || number < -1) return Status::malformed;
  if (type_ == '$' && number >= 0) {
    skip_ = static_cast<std::size_t>(number) + 2;
    return Status::incomplete;
  }
  if (type_ == '*' && number > 0) {
    if (depth_ == max_depth) return Status::malformed;
    remaining_[depth_++] = static_cast<std::uint64_t>(number);
    type_ = 0;
    return Status::incomplete;
  }
  return element_done();  // nil, or an empty array
}

// With an element ends every array whose last element it was.
ReplyScanner::Status ReplyScanner::element_done() {
  type_ = 0;
  while (depth_ > 0) {
    if (--remaining_[depth_ - 1] > 0) return Status::incomplete;
    --depth_;
  }
  return Status::reply;
}

}  // namespace proxy
