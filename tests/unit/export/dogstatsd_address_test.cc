// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "fast_telemetry/export/dogstatsd.h"
#include "tests/support/set_variable.h"

namespace ft = fast_telemetry;
using Address = ft::DogStatsdAddress;
using Socket = Address::Socket;

namespace dogstatsd_address_test {

// DSX-1: the original's host and port; no interval, which is its caller's; packets by transport.
TEST(DogStatsdAddress, is_the_agents_usual_one_when_nothing_is_said) {
  EXPECT_EQ(Address{}.url(), "udp://127.0.0.1:8125");
  EXPECT_EQ(Address::from_environment()->url(), "udp://127.0.0.1:8125");
}

TEST(DogStatsdAddress, is_read_from_urls) {
  const auto url = [](std::string_view text) {
    const auto address = Address::parse(text);
    return address ? address->url() : "none";
  };
  EXPECT_EQ(url("udp://agent"), "udp://agent:8125");
  EXPECT_EQ(url("udp://agent:9125/"), "udp://agent:9125");
  EXPECT_EQ(url("udp://10.0.0.1:1"), "udp://10.0.0.1:1");
  EXPECT_EQ(url("udp://[::1]"), "udp://[::1]:8125");
  EXPECT_EQ(url("udp://[fe80::1]:65535"), "udp://[fe80::1]:65535");
  EXPECT_EQ(url("unix:///var/run/dsd.socket"), "unix:///var/run/dsd.socket");
  EXPECT_EQ(url("unixgram:///a"), "unixgram:///a");
  EXPECT_EQ(url("unixstream:///a b"), "unixstream:///a b");
  EXPECT_EQ(Address::parse("unix:///a")->socket, Socket::unix_any);
  EXPECT_EQ(Address::parse("unixgram:///a")->socket, Socket::unix_datagram);
  EXPECT_EQ(Address::parse("unixstream:///a")->socket, Socket::unix_stream);
  EXPECT_EQ(Address::parse("udp://[::1]:2")->host, "::1");
}

// Mutation seen red: port_of without the comparison with the text's end.
TEST(DogStatsdAddress, is_none_when_the_url_is_none) {
  for (const std::string_view text : {"",
                                      "agent",
                                      "agent:8125",
                                      "http://agent",
                                      "UDP://agent",
                                      "udp:/agent",
                                      "udp://",
                                      "udp://:8125",
                                      "udp://a:0",
                                      "udp://a:65536",
                                      "udp://a:",
                                      "udp://a:1x",
                                      "udp://a:-1",
                                      "udp://[::1",
                                      "udp://[::1]x",
                                      "udp://::1]:6",
                                      "udp://a b",
                                      "udp://a/b",
                                      "udp://user@a",
                                      "unix://relative",
                                      "unix:",
                                      "unixstream://",
                                      "unix"}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
  EXPECT_FALSE(Address::parse(std::string_view{"unix:///a\0b", 11}));
  EXPECT_FALSE(Address::parse(std::string_view{"udp://a\0b", 9}));
}

TEST(DogStatsdAddress, is_what_the_environment_says) {
  {
    const ft::SetVariable host{"DD_AGENT_HOST", "agent.local"};
    EXPECT_EQ(Address::from_environment()->url(), "udp://agent.local:8125");
    const ft::SetVariable port{"DD_DOGSTATSD_PORT", "9125"};
    EXPECT_EQ(Address::from_environment()->url(), "udp://agent.local:9125");
    const ft::SetVariable url{"DD_DOGSTATSD_URL", "unixgram:///dsd"};
    EXPECT_EQ(Address::from_environment()->url(), "unixgram:///dsd");
    const ft::SetVariable empty{"DD_DOGSTATSD_URL", ""};
    EXPECT_EQ(Address::from_environment()->url(), "udp://agent.local:9125");
  }
  {
    const ft::SetVariable host{"DD_AGENT_HOST", "::1"};
    EXPECT_EQ(Address::from_environment()->url(), "udp://[::1]:8125");
  }
  {
    const ft::SetVariable host{"DD_AGENT_HOST", "unix:///dsd"};
    EXPECT_EQ(Address::from_environment()->url(), "unix:///dsd");
  }
}

TEST(DogStatsdAddress, is_none_when_the_environment_says_what_is_none) {
  {
    const ft::SetVariable url{"DD_DOGSTATSD_URL", "tcp://agent"};
    EXPECT_FALSE(Address::from_environment());
  }
  {
    const ft::SetVariable port{"DD_DOGSTATSD_PORT", "port"};
    EXPECT_FALSE(Address::from_environment());
  }
  const ft::SetVariable host{"DD_AGENT_HOST", "a b"};
  EXPECT_FALSE(Address::from_environment());
}

}  // namespace dogstatsd_address_test
