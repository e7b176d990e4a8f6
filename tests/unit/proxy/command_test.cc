// SPDX-License-Identifier: Apache-2.0

#include "examples/proxy/command.h"

#include <gtest/gtest.h>

#include <vector>

namespace proxy {
namespace command_test {

Handling handling(std::vector<std::string_view> words) { return verb_of(words).handling; }

TEST(Command, that_would_break_the_order_of_replies_is_refused) {
  for (const char* name : {"SUBSCRIBE", "monitor", "HELLO", "Reset"}) EXPECT_EQ(handling({name}), Handling::refuse);
  EXPECT_EQ(handling({"client", "reply", "off"}), Handling::refuse);
  EXPECT_EQ(handling({"CLIENT", "SETNAME", "reply"}), Handling::pin);
}

// Seen red without BLMOVE, and without XREADGROUP.
TEST(Command, that_blocks_is_refused) {
  for (const char* name :
       {"BLPOP", "brpop", "BRPOPLPUSH", "BLMOVE", "BLMPOP", "BZPOPMIN", "bzpopmax", "BZMPOP", "WAIT", "WaitAOF"}) {
    EXPECT_EQ(handling({name, "k", "0"}), Handling::refuse) << name;
  }
  EXPECT_EQ(handling({"XREAD", "COUNT", "1", "block", "0", "STREAMS", "s", "$"}), Handling::refuse);
  EXPECT_EQ(handling({"xreadgroup", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"}), Handling::refuse);
}

TEST(Command, that_only_looks_like_one_that_blocks_is_passed_on) {
  EXPECT_EQ(handling({"XREAD", "STREAMS", "blocks", "0"}), Handling::pin);
  EXPECT_EQ(handling({"XRANGE", "block", "-", "+"}), Handling::pin);
  EXPECT_EQ(handling({"LPOP", "BLPOP"}), Handling::pin);
  EXPECT_EQ(handling({"GET", "BLOCK"}), Handling::share);
}

}  // namespace command_test
}  // namespace proxy
