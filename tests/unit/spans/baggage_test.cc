// SPDX-License-Identifier: Apache-2.0
//
// W3C Baggage. Parity: SPN-5 (the original has none).
#include "fast_telemetry/spans/baggage.h"

#include <gtest/gtest.h>

#include <map>

namespace ft = fast_telemetry;

namespace baggage_test {

ft::Baggage parsed(const std::string& header) {
  ft::Baggage baggage;
  baggage.add_header(header);
  return baggage;
}

std::string value(const ft::Baggage& baggage, std::string_view key) {
  const auto* const member = baggage.find(key);
  return member != nullptr ? member->value : "absent";
}

// TC-20.
TEST(Baggage, is_read_from_several_headers_with_spaces_around_everything) {
  const std::multimap<std::string, std::string> carrier{{"Baggage", "a = 1 ; p1 ; p2=x , b=2"}, {"baggage", "c=3"}};
  const ft::Baggage baggage = ft::extract_baggage(carrier);
  EXPECT_EQ(value(baggage, "a"), "1");
  EXPECT_EQ(baggage.find("a")->properties, "p1 ; p2=x");
  EXPECT_EQ(value(baggage, "b"), "2");
  EXPECT_EQ(value(baggage, "c"), "3");
}

// TC-21.
TEST(Baggage, has_tokens_for_keys_and_does_not_decode_them) {
  const ft::Baggage baggage = parsed("!#$%&'*+-.^_`|~aZ9=1,a%20b=2,bad key=3,=4,b@d=5,\xC3\xA9=6");
  EXPECT_EQ(value(baggage, "!#$%&'*+-.^_`|~aZ9"), "1");
  EXPECT_EQ(value(baggage, "a%20b"), "2");
  EXPECT_EQ(baggage.members().size(), 2U);
  ft::Baggage made;
  EXPECT_FALSE(made.set("bad key", "x"));
  EXPECT_FALSE(made.set("", "x"));
  EXPECT_TRUE(made.set("Key", "1"));
  EXPECT_TRUE(made.set("key", "2"));
  EXPECT_EQ(made.header(), "Key=1,key=2");
}

// TC-22.
TEST(Baggage, encodes_what_is_no_octet_and_decodes_percent_only) {
  ft::Baggage baggage;
  baggage.set("k", "a b\"c,d;e\\f%g=h+\x01\xC3\xA9");
  EXPECT_EQ(baggage.header(), "k=a%20b%22c%2Cd%3Be%5Cf%25g=h+%01%C3%A9");
  EXPECT_EQ(value(parsed(baggage.header()), "k"), "a b\"c,d;e\\f%g=h+\x01\xC3\xA9");
  EXPECT_EQ(value(parsed("k=1+1"), "k"), "1+1");
  EXPECT_EQ(value(parsed("k=a%2"), "k"), "a%2");
  EXPECT_EQ(value(parsed("k=a%zzb%"), "k"), "a%zzb%");
  EXPECT_EQ(value(parsed("k=%ff%41"), "k"),
            "\xEF\xBF\xBD"
            "A");
  EXPECT_EQ(value(parsed("k=%c3%a9"), "k"), "\xC3\xA9");
}

// TC-23.
TEST(Baggage, reads_the_examples_of_the_specification) {
  EXPECT_EQ(value(parsed("SomeKey=%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29"), "SomeKey"),
            "\t \"';=asdf!@#$%^&*()");
  const ft::Baggage first = parsed("userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false");
  EXPECT_EQ(value(first, "userId"), "Am\xC3\xA9lie");
  EXPECT_EQ(value(first, "serverNode"), "DF 28");
  EXPECT_EQ(value(first, "isProduction"), "false");
  const ft::Baggage second =
      parsed("key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue");
  EXPECT_EQ(second.find("key1")->properties, "property1;property2");
  EXPECT_EQ(value(second, "key2"), "value2");
  EXPECT_EQ(second.find("key3")->properties, "propertyKey=propertyValue");
  EXPECT_EQ(second.header(), "key1=value1;property1;property2,key2=value2,key3=value3;propertyKey=propertyValue");
}

// TC-24.
TEST(Baggage, carries_64_members_and_8192_bytes_and_drops_whole_ones_beyond) {
  ft::Baggage baggage;
  for (int i = 0; i < 64; ++i) EXPECT_TRUE(baggage.set("k" + std::to_string(i), "v"));
  EXPECT_FALSE(baggage.set("one_more", "v"));
  EXPECT_TRUE(baggage.set("k3", "other"));
  EXPECT_EQ(parsed(baggage.header()).members().size(), 64U);

  ft::Baggage large;
  large.set("a", std::string(8190, 'x'));
  EXPECT_EQ(large.header().size(), 8192U);
  large.set("b", "1");
  EXPECT_EQ(large.header().size(), 8192U);
  large.set("a", std::string(8191, 'x'));
  EXPECT_EQ(large.header(), "");
}

TEST(Baggage, looks_at_no_more_than_8192_bytes) {
  const ft::Baggage cut = parsed("a=1,b=" + std::string(8190, 'x') + ",c=3");
  EXPECT_EQ(cut.header(), "a=1");
  ft::Baggage several = parsed("a=" + std::string(8100, 'x'));
  several.add_header("b=" + std::string(100, 'x'));
  several.add_header("c=1");
  EXPECT_EQ(several.members().size(), 1U);
}

// TC-25.
TEST(Baggage, keeps_the_last_of_a_key_and_skips_what_is_wrong) {
  const ft::Baggage baggage = parsed("k=1,k=2,no_equals,bad value=x,v=a b,q=\"x\",ok=1;prop%20=%20");
  EXPECT_EQ(baggage.header(), "k=2,ok=1;prop%20=%20");
  EXPECT_EQ(baggage.find("ok")->properties, "prop%20=%20");
  EXPECT_EQ(value(parsed("empty="), "empty"), "");
}

// Nothing that a program sets can make a header of its own.
TEST(Baggage, lets_no_line_break_out) {
  ft::Baggage baggage;
  EXPECT_FALSE(baggage.set("k", "v", "p\r\nX-Evil: 1"));
  EXPECT_FALSE(baggage.set("k", "v", "p,other=1"));
  EXPECT_TRUE(baggage.set("k", "v\r\nX-Evil: 1"));
  EXPECT_EQ(baggage.header(), "k=v%0D%0AX-Evil:%201");
}

// TC-26.
TEST(Baggage, that_is_empty_sends_no_header) {
  ft::inject_baggage(ft::Baggage{}, [](ft::Text, ft::Text) { FAIL(); });
  ft::Baggage baggage;
  baggage.set("k", "v");
  baggage.remove("k");
  EXPECT_TRUE(baggage.empty());
  baggage.set("k", "v");
  int calls = 0;
  ft::inject_baggage(baggage, [&](ft::Text name, ft::Text text) {
    EXPECT_EQ(name, ft::Text{"baggage"});
    EXPECT_EQ(text, ft::Text{"k=v"});
    ++calls;
  });
  EXPECT_EQ(calls, 1);
}

}  // namespace baggage_test
