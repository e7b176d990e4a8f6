// SPDX-License-Identifier: Apache-2.0
//
// Every input is given whole and cut at every point: what the parser says must not depend on how bytes arrive.

#include "examples/proxy/resp_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace proxy {
namespace resp_parser_test {

using testing::ElementsAre;
using testing::IsEmpty;

/// What became of a stream of bytes: each command's words, and what ended it.
struct Parsed {
  std::vector<std::vector<std::string>> requests;
  std::size_t empties = 0;
  bool all_verbatim = true;
  std::string error;
  std::string rest;  ///< bytes of a command that is not complete

  bool operator==(const Parsed&) const = default;
};

/// Hands the parser `input` in pieces that end at `cuts`, as a connection's buffer would hold them.
Parsed parse_in_pieces(std::string_view input, std::vector<std::size_t> cuts, const RequestLimits& limits = {}) {
  cuts.push_back(input.size());
  Parsed parsed;
  RequestParser parser{limits};
  std::string held;
  std::size_t given = 0;
  for (const std::size_t cut : cuts) {
    held.append(input.substr(given, cut - given));
    held.shrink_to_fit();  // moves the bytes: nothing may point to where they were
    given = cut;
    for (;;) {
      const RequestParser::Status status = parser.parse(held);
      if (status == RequestParser::Status::incomplete) break;
      if (status == RequestParser::Status::error) {
        parsed.error = parser.error();
        return parsed;
      }
      if (status == RequestParser::Status::request) {
        parsed.requests.emplace_back(parser.args().begin(), parser.args().end());
        parsed.all_verbatim = parsed.all_verbatim && parser.verbatim();
      } else {
        ++parsed.empties;
      }
      held.erase(0, parser.size());
    }
  }
  parsed.rest = held;
  return parsed;
}

Parsed parse(std::string_view input, const RequestLimits& limits = {}) { return parse_in_pieces(input, {}, limits); }

std::vector<std::size_t> every_byte(std::string_view input) {
  std::vector<std::size_t> cuts(input.size());
  for (std::size_t i = 0; i < cuts.size(); ++i) cuts[i] = i;
  return cuts;
}

struct RequestCase {
  const char* what;
  std::string_view input;
  std::vector<std::vector<std::string>> requests;
  std::size_t empties = 0;
  bool verbatim = true;
};

void PrintTo(const RequestCase& test, std::ostream* out) { *out << test.what; }

class Requests : public testing::TestWithParam<RequestCase> {};

TEST_P(Requests, are_read) {
  const Parsed parsed = parse(GetParam().input);
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.requests, GetParam().requests);
  EXPECT_EQ(parsed.empties, GetParam().empties);
  EXPECT_EQ(parsed.all_verbatim, GetParam().verbatim);
  EXPECT_EQ(parsed.rest, "");
}

// Seen red with position_ set back between calls, and with words kept as views of an earlier call's bytes.
TEST_P(Requests, are_read_the_same_however_they_are_cut) {
  const std::string_view input = GetParam().input;
  const Parsed whole = parse(input);
  EXPECT_EQ(parse_in_pieces(input, every_byte(input)), whole) << "byte by byte";
  for (std::size_t first = 0; first <= input.size(); ++first) {
    for (std::size_t second = first; second <= input.size(); ++second) {
      ASSERT_EQ(parse_in_pieces(input, {first, second}), whole) << "cut at " << first << " and " << second;
    }
  }
}

const auto name_of = [](const auto& test) { return std::string{test.param.what}; };

using namespace std::string_literals;
using namespace std::string_view_literals;

INSTANTIATE_TEST_SUITE_P(
    resp, Requests,
    testing::Values(RequestCase{"one", "*1\r\n$4\r\nPING\r\n", {{"PING"}}},
                    RequestCase{"three_words", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nv v\r\n", {{"SET", "k", "v v"}}},
                    RequestCase{
                        "pipeline", "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", {{"PING"}, {"GET", "k"}}},
                    RequestCase{"empty_word", "*2\r\n$3\r\nGET\r\n$0\r\n\r\n", {{"GET", ""}}},
                    RequestCase{"any_bytes", "*2\r\n$3\r\nGET\r\n$6\r\n\r\n*\0$\xff\r\n"sv, {{"GET", "\r\n*\0$\xff"s}}},
                    RequestCase{"no_words", "*0\r\n*1\r\n$4\r\nPING\r\n", {{"PING"}}, 1},
                    RequestCase{"null_array", "*-1\r\n*-7\r\n", {}, 2}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    inline_commands, Requests,
    testing::Values(
        RequestCase{"crlf", "PING\r\n", {{"PING"}}},  //
        RequestCase{"lf", "PING\n", {{"PING"}}}, RequestCase{"blanks", "  SET  k   v \r\n", {{"SET", "k", "v"}}},
        RequestCase{"empty_lines", "\r\n\n  \r\nPING\r\n", {{"PING"}}, 3},
        RequestCase{"mixed_with_arrays", "PING\r\n*1\r\n$4\r\nPING\r\nGET k\r\n", {{"PING"}, {"PING"}, {"GET", "k"}}},
        RequestCase{"double_quotes", "SET k \"a b\\n\\x41\\\"\\q\"\r\n", {{"SET", "k", "a b\nA\"q"}}, 0, false},
        RequestCase{"single_quotes", "SET k 'a \\'b\\n'\r\n", {{"SET", "k", "a 'b\\n"}}, 0, false},
        RequestCase{"empty_quotes", "SET k \"\"\r\n", {{"SET", "k", ""}}, 0, false},
        RequestCase{"zero_byte", "GET a\0b c\r\n"sv, {{"GET", "a"}}, 0, false},
        RequestCase{"nothing_before_a_zero_byte", "\0GET a\r\nPING\r\n"sv, {{"PING"}}, 1},
        RequestCase{"tab", "GET\tk\r\n", {{"GET", "k"}}, 0, false},
        RequestCase{"carriage_return", "GET\rk\r\n", {{"GET", "k"}}, 0, false},
        // Skipped before a word and after a quoted one, but no end of an unquoted one. Seen red with one set of blanks,
        // and with a word that goes on after its closing quote.
        RequestCase{"vertical_tab_and_form_feed", "\vGET a\vb\fc\f\r\n", {{"GET", "a\vb\fc\f"}}, 0, false},
        RequestCase{"vertical_tab_after_a_quote", "SET \"k\"\v'v'\f\r\n", {{"SET", "k", "v"}}, 0, false}),
    name_of);

struct ErrorCase {
  const char* what;
  std::string_view input;
  std::string_view error;
};

void PrintTo(const ErrorCase& test, std::ostream* out) { *out << test.what; }

class HostileInput : public testing::TestWithParam<ErrorCase> {};

TEST_P(HostileInput, is_refused) { EXPECT_EQ(parse(GetParam().input).error, GetParam().error); }

TEST_P(HostileInput, is_refused_the_same_however_it_is_cut) {
  const std::string_view input = GetParam().input;
  const Parsed whole = parse(input);
  EXPECT_EQ(parse_in_pieces(input, every_byte(input)), whole);
  for (std::size_t cut = 0; cut <= input.size(); ++cut) ASSERT_EQ(parse_in_pieces(input, {cut}), whole) << cut;
}

TEST_P(HostileInput, does_not_take_back_the_commands_before_it) {
  const Parsed parsed = parse("*1\r\n$4\r\nPING\r\n" + std::string{GetParam().input});
  EXPECT_THAT(parsed.requests, ElementsAre(ElementsAre("PING")));
  EXPECT_EQ(parsed.error, GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    counts, HostileInput,
    testing::Values(ErrorCase{"letters", "*x\r\n", "invalid multibulk length"},
                    ErrorCase{"nothing", "*\r\n", "invalid multibulk length"},
                    ErrorCase{"plus", "*+1\r\n", "invalid multibulk length"},
                    ErrorCase{"leading_zero", "*01\r\n", "invalid multibulk length"},
                    ErrorCase{"minus_zero", "*-0\r\n", "invalid multibulk length"},
                    ErrorCase{"blank", "* 1\r\n", "invalid multibulk length"},
                    ErrorCase{"no_cr", "*1\n$4\r\nPING\r\n", "invalid multibulk length"},
                    ErrorCase{"huge", "*65537\r\n", "invalid multibulk length"},
                    ErrorCase{"beyond_64_bits", "*99999999999999999999\r\n", "invalid multibulk length"},
                    ErrorCase{"endless", "*11111111111111111111111111111111111111111", "too big mbulk count string"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    bulks, HostileInput,
    testing::Values(ErrorCase{"negative", "*1\r\n$-1\r\n", "invalid bulk length"},
                    ErrorCase{"huge", "*1\r\n$67108865\r\n", "invalid bulk length"},
                    ErrorCase{"beyond_64_bits", "*1\r\n$18446744073709551617\r\n", "invalid bulk length"},
                    ErrorCase{"letters", "*1\r\n$abc\r\n", "invalid bulk length"},
                    ErrorCase{"leading_zero", "*1\r\n$04\r\nPING\r\n", "invalid bulk length"},
                    ErrorCase{"too_large_together", "*2\r\n$1\r\nk\r\n$67108864\r\n", "command too large"},
                    ErrorCase{"endless", "*1\r\n$22222222222222222222222222222222222222222",
                              "too big bulk count string"},
                    ErrorCase{"shorter_than_said", "*1\r\n$4\r\nPIN\r\n*1\r\n", "expected CRLF after a bulk"},
                    ErrorCase{"longer_than_said", "*1\r\n$4\r\nPINGS\r\n", "expected CRLF after a bulk"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    shapes, HostileInput,
    testing::Values(ErrorCase{"nested_array", "*1\r\n*1\r\n$4\r\nPING\r\n", "expected '$', got '*'"},
                    ErrorCase{"integer", "*1\r\n:1\r\n", "expected '$', got ':'"},
                    ErrorCase{"unprintable", "*1\r\n\r\n", "expected '$', got '?'"},
                    ErrorCase{"open_quote", "SET k \"v\r\n", "unbalanced quotes in request"},
                    ErrorCase{"text_after_quote", "SET k \"v\"w\r\n", "unbalanced quotes in request"}),
    name_of);

TEST(RequestParser, refuses_an_inline_command_without_an_end) {
  EXPECT_EQ(parse(std::string(64 * 1024 + 1, 'a')).error, "too big inline request");
  EXPECT_EQ(parse(std::string(64 * 1024 + 1, 'a') + "\n").error, "too big inline request");
  EXPECT_EQ(parse(std::string(64 * 1024, 'a') + "\n").error, "");
}

TEST(RequestParser, takes_a_command_of_exactly_its_limits) {
  const RequestLimits limits{.command_bytes = 20, .arguments = 2, .inline_bytes = 8};
  EXPECT_EQ(parse("*1\r\n$11\r\n01234567890\r\n", limits).requests.size(), 1U);  // 4 + 5 + 11 = 20, then CRLF
  EXPECT_EQ(parse("*1\r\n$12\r\n012345678901\r\n", limits).error, "command too large");
  EXPECT_EQ(parse("*3\r\n", limits).error, "invalid multibulk length");
}

TEST(RequestParser, waits_for_an_announced_bulk_without_taking_it_for_granted) {
  const Parsed parsed = parse("*2\r\n$3\r\nGET\r\n$67000000\r\nabc");
  EXPECT_THAT(parsed.requests, IsEmpty());
  EXPECT_EQ(parsed.error, "");
}

/// The replies in `input`, given in pieces of `piece` bytes: '+' and '-' for whether each was an error; '!' for
/// malformed, '.' for one that goes on.
std::string scan(std::string_view input, std::size_t piece) {
  ReplyScanner scanner;
  auto status = ReplyScanner::Status::reply;
  std::string result;
  while (!input.empty()) {
    std::string_view part = input.substr(0, piece);
    input.remove_prefix(part.size());
    while (!part.empty()) {
      status = scanner.next(part);
      if (status == ReplyScanner::Status::malformed) return result + '!';
      if (status == ReplyScanner::Status::reply) result += scanner.is_error() ? '-' : '+';
    }
  }
  return status == ReplyScanner::Status::incomplete ? result + '.' : result;
}

struct ReplyCase {
  const char* what;
  std::string input;
  std::string result;
};

void PrintTo(const ReplyCase& test, std::ostream* out) { *out << test.what; }

class Replies : public testing::TestWithParam<ReplyCase> {};

TEST_P(Replies, end_where_they_end_however_they_are_cut) {
  for (std::size_t piece = 1; piece <= GetParam().input.size(); ++piece) {
    ASSERT_EQ(scan(GetParam().input, piece), GetParam().result) << "in pieces of " << piece;
  }
}

std::string nested(std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += "*1\r\n";
  return text + ":1\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    resp, Replies,
    testing::Values(ReplyCase{"simple", "+OK\r\n", "+"}, ReplyCase{"error", "-ERR no\r\n", "-"},
                    ReplyCase{"integer", ":-12\r\n", "+"}, ReplyCase{"empty_simple", "+\r\n", "+"},
                    ReplyCase{"bulk", "$5\r\na\r\nb\n\r\n", "+"}, ReplyCase{"empty_bulk", "$0\r\n\r\n", "+"},
                    ReplyCase{"nil", "$-1\r\n", "+"}, ReplyCase{"nil_array", "*-1\r\n", "+"},
                    ReplyCase{"empty_array", "*0\r\n", "+"}, ReplyCase{"array", "*2\r\n$1\r\na\r\n$-1\r\n", "+"},
                    ReplyCase{"error_inside_an_array", "*2\r\n-ERR\r\n:1\r\n", "+"},
                    ReplyCase{"nested", "*2\r\n*2\r\n:1\r\n*0\r\n$2\r\nab\r\n+OK\r\n", "++"},
                    ReplyCase{"pipeline", "+OK\r\n-E\r\n$1\r\nx\r\n:1\r\n", "+-++"},
                    ReplyCase{"unfinished", "+OK\r\n*2\r\n:1\r\n", "+."}, ReplyCase{"unfinished_line", "+OK\r", "."},
                    ReplyCase{"as_deep_as_allowed", nested(ReplyScanner::max_depth), "+"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(malformed, Replies,
                         testing::Values(ReplyCase{"type", "HTTP/1.1 200 OK\r\n", "!"},
                                         ReplyCase{"resp3", "%1\r\n", "!"}, ReplyCase{"no_cr", "+OK\n", "!"},
                                         ReplyCase{"bulk_length", "$x\r\n", "!"},
                                         ReplyCase{"negative_length", "$-2\r\n", "!"},
                                         ReplyCase{"long_number", "$" + std::string(30, '1'), "!"},
                                         ReplyCase{"bulk_longer_than_said", "$1\r\nab\r\n+OK\r\n", "+!"},
                                         ReplyCase{"too_deep", nested(ReplyScanner::max_depth + 1), "!"}),
                         name_of);

TEST(ReadInteger, takes_what_redis_takes) {
  const auto read = [](std::string_view text) -> std::optional<std::int64_t> {
    std::int64_t number = 0;
    return read_integer(text, number) ? std::optional{number} : std::nullopt;
  };
  EXPECT_EQ(read("0"), 0);
  EXPECT_EQ(read("-1"), -1);
  EXPECT_EQ(read("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(read("-9223372036854775808"), INT64_MIN);
  for (const char* text : {"", "-", "+1", "01", "-0", "-01", "1 ", " 1", "1x", "9223372036854775808"}) {
    EXPECT_EQ(read(text), std::nullopt) << '"' << text << '"';
  }
}

}  // namespace resp_parser_test
}  // namespace proxy
