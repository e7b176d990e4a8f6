// SPDX-License-Identifier: Apache-2.0
//
// Texts that nobody wrote, for everything here that reads text from outside: random bytes, and what is well-formed with
// some bytes of it changed. What is read of them is checked where a rule says what it must be; the rest is the
// sanitizers' to find. The same texts each time.
#include <gtest/gtest.h>

#include <ctime>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "fast_telemetry/export/dogstatsd.h"
#include "src/export/retry_after.h"
#include "tests/support/sanitized.h"
#ifdef FAST_TELEMETRY_TEST_OTLP
#include "src/export/otlp_endpoint.h"
#include "src/export/otlp_reply.h"
#endif

namespace ft = fast_telemetry;

namespace hostile_text_test {

constexpr int texts = ft::is_sanitized ? 20'000 : 100'000;

class HostileTexts {
 public:
  explicit HostileTexts(std::vector<std::string> good) : good_{std::move(good)} {}

  std::string next() {
    std::string text = below(8) == 0 ? random_bytes() : good_[below(good_.size())];
    for (std::size_t changes = below(5); changes != 0; --changes) change(text);
    return text;
  }

  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random_); }

 private:
  std::string random_bytes() {
    std::string text(below(40), '\0');
    for (char& c : text) c = byte();
    return text;
  }
  /// Mostly one that the texts have, too.
  char byte() {
    const std::string& some = good_[below(good_.size())];
    return below(3) == 0 || some.empty() ? static_cast<char>(below(256)) : some[below(some.size())];
  }
  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    switch (below(4)) {
      case 0: text.insert(at, 1, byte()); break;
      case 1: text.erase(at, 1 + below(4)); break;
      case 2: text.insert(at, text.substr(0, below(text.size() + 1))); break;
      default:
        if (at < text.size()) text[at] = byte();
    }
  }

  std::mt19937_64 random_{42};
  std::vector<std::string> good_;
};

constexpr std::chrono::seconds now{1'792'567'678};  // Wed, 21 Oct 2026 07:27:58 GMT
constexpr std::chrono::seconds year{365 * 24 * 3600};

TEST(HostileText, in_retry_after_means_a_year_at_most) {
  HostileTexts made{{"120", "99999999999999999999", "Wed, 21 Oct 2026 07:28:00 GMT",
                     "Wednesday, 21-Oct-26 07:28:00 GMT", "Wed Oct 21 07:28:00 2026"}};
  int read = 0;
  for (int i = 0; i < texts; ++i) {
    const std::string text = made.next();
    const auto seconds = ft::detail::parse_retry_after(text, now);
    read += seconds ? 1 : 0;
    EXPECT_LE(seconds.value_or(year), year) << text;
    const bool is_number = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
    EXPECT_TRUE(!is_number || seconds.value_or(-year).count() >= 0) << text;
  }
  EXPECT_GT(read, texts / 10);
}

// As the C library writes them. Mutations seen red: months counted from 0; hours and minutes exchanged.
TEST(HostileText, dates_in_all_three_forms_are_read_to_the_second) {
  HostileTexts made{{""}};
  for (int i = 0; i < texts / 10; ++i) {
    const auto time = static_cast<std::time_t>(now.count() - 40 * year.count() + made.below(41 * year.count()));
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    for (const char* const form : {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
      char text[64];
      std::strftime(text, sizeof text, form, &parts);
      EXPECT_EQ(ft::detail::parse_retry_after(text, now), std::chrono::seconds{time} - now) << text;
    }
  }
}

// What is an address is so again when it is written.
TEST(HostileText, an_address_of_an_agent_is_read_as_it_is_written) {
  HostileTexts made{{"udp://agent.local:8125/", "udp://[fe80::1]:65535", "udp://10.0.0.1", "unix:///var/run/dsd.socket",
                     "unixstream:///a b", "unixgram:///x"}};
  int read = 0;
  for (int i = 0; i < texts; ++i) {
    const std::string text = made.next();
    const auto address = ft::DogStatsdAddress::parse(text);
    if (!address) continue;
    ++read;
    const auto again = ft::DogStatsdAddress::parse(address->url());
    ASSERT_TRUE(again) << text << '\n' << address->url();
    EXPECT_EQ(again->url(), address->url()) << text;
    EXPECT_EQ(again->host, address->host) << text;
    EXPECT_EQ(again->path, address->path) << text;
    EXPECT_EQ(address->host.find_first_of(std::string_view{"\0\n /@", 5}), std::string::npos) << text;
    EXPECT_EQ(address->path.find('\0'), std::string::npos) << text;
  }
  EXPECT_GT(read, texts / 10);
}

#ifdef FAST_TELEMETRY_TEST_OTLP

// OTLP's reply. What it says is in it.
TEST(HostileText, in_a_reply_is_garbage_or_something_that_it_says) {
  HostileTexts made{{std::string{"\x0a\x07\x08\x05\x12\x03"} + "bad", std::string{"\x0a\x00", 2}, "",
                     std::string{"\x12\x01x\x08\x07\x0a\x07\x1a\x03new\x08\x05"}, "\x08\x03\x12\x03no!\x1a\x02xy"}};
  int read = 0;
  for (int i = 0; i < texts; ++i) {
    const std::string text = made.next();
    if (const auto reply = ft::detail::parse_otlp_reply(text)) {
      ++read;
      EXPECT_NE(text.find(reply->message), std::string::npos);
      EXPECT_LE(reply->rejected, std::uint64_t{1} << 63U);
    }
    EXPECT_NE(text.find(ft::detail::parse_rpc_status(text)), std::string::npos);
    static_cast<void>(ft::detail::is_protobuf(text));
  }
  EXPECT_GT(read, texts / 10);
}

// What libcurl is given has a host, a port, and no line break that would end the request's line.
TEST(HostileText, an_endpoint_is_refused_or_whole) {
  HostileTexts made{{"http://collector:4318", "https://c/a/../b?key=%20", "http://[::1]:4318/x", "http://192.0.2.1:1",
                     "http://user:secret@c/#f"}};
  int read = 0;
  for (int i = 0; i < texts / 10; ++i) {
    const std::string text = made.next();
    try {
      const ft::detail::OtlpEndpoint endpoint = ft::detail::append_otlp_path(text, "v1/traces");
      ++read;
      EXPECT_FALSE(endpoint.host.empty()) << text;
      EXPECT_FALSE(endpoint.port.empty()) << text;
      EXPECT_EQ(endpoint.port.find_first_not_of("0123456789"), std::string::npos) << text;
      EXPECT_NE(endpoint.url.find("v1/traces"), std::string::npos) << text;
      for (const char c : endpoint.url) EXPECT_TRUE(static_cast<unsigned char>(c) > 0x1F && c != 0x7F) << text;
      const ft::detail::OtlpEndpoint again = ft::detail::parse_otlp_endpoint(endpoint.url);
      EXPECT_EQ(again.host, endpoint.host) << text;
      EXPECT_EQ(again.port, endpoint.port) << text;
      EXPECT_EQ(again.is_tls, endpoint.is_tls) << text;
    } catch (const std::invalid_argument&) {
    }
  }
  EXPECT_GT(read, texts / 100);
}

#endif

}  // namespace hostile_text_test
