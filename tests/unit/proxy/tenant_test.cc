// SPDX-License-Identifier: Apache-2.0

#include "examples/proxy/tenant.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace proxy {
namespace tenant_test {

using namespace std::string_literals;

/// Of a command as the proxy takes it from a client.
std::string_view tenant(const std::vector<std::string_view>& words) { return tenant_of(verb_of(words).command, words); }

std::string_view tenant_of_key(std::string_view key) { return tenant({"GET", key}); }

// Mutation seen red: the last ':' instead of the first.
TEST(Tenant, is_what_the_key_has_before_its_first_colon) {
  EXPECT_EQ(tenant_of_key("acme:user:7"), "acme");
  EXPECT_EQ(tenant_of_key("a:"), "a");
  EXPECT_EQ(tenant_of_key("acme::"), "acme");
  EXPECT_EQ(tenant_of_key(" Ac me:k"), " Ac me");
}

// Mutation seen red: an empty prefix as a tenant.
TEST(Tenant, of_a_key_without_one_is_none) {
  for (const std::string_view key : {"", ":", ":k", "::", "k", "a key without"}) EXPECT_EQ(tenant_of_key(key), "none");
  EXPECT_EQ(tenant_of_key("none:k"), "none") << "whoever calls itself so";
}

// Mutation seen red: one byte more searched, and one less.
TEST(Tenant, longer_than_64_bytes_is_none) {
  const std::string longest(64, 'x');
  EXPECT_EQ(tenant_of_key(longest + ":k"), longest);
  EXPECT_EQ(tenant_of_key(longest + "x:k"), "none");
  EXPECT_EQ(tenant_of_key(longest), "none");
  EXPECT_EQ(tenant_of_key(std::string(1 << 20, 'x') + ":k"), "none");
  EXPECT_EQ(tenant_of_key("t:" + std::string(1 << 20, ':')), "t");
}

TEST(Tenant, may_be_any_bytes) {
  for (const std::string& name : {"\0"s, "a\0b"s, "\xff\xfe"s, "\xe2\x82"s, "\"\\\n}"s, "\r\n"s, "größe"s}) {
    EXPECT_EQ(tenant_of_key(name + ":k"), name);
  }
}

// Mutation seen red: the last key.
TEST(Tenant, of_several_keys_is_the_first_ones) {
  EXPECT_EQ(tenant({"MGET", "a:1", "b:2"}), "a");
  EXPECT_EQ(tenant({"DEL", "1", "b:2"}), "none");
  EXPECT_EQ(tenant({"EXISTS", "a:1", "a:1"}), "a");
  EXPECT_EQ(tenant({"SET", "a:1", "b:2"}), "a");
  EXPECT_EQ(tenant({"SET", "1", "b:2"}), "none") << "a value is no key";
  EXPECT_EQ(tenant({"incr", "a:n"}), "a");
}

// Mutation seen red: the second word of every command as its key.
TEST(Tenant, of_a_command_without_a_known_key_is_none) {
  EXPECT_EQ(tenant({"PING"}), "none");
  EXPECT_EQ(tenant({"PING", "a:b"}), "none");
  EXPECT_EQ(tenant({"CONFIG", "GET", "a:b"}), "none");
  EXPECT_EQ(tenant({"AUTH", "user:password"}), "none");
  EXPECT_EQ(tenant({"EVAL", "return redis.call('get', 'a:b')", "0"}), "none");
  EXPECT_EQ(tenant({"LPUSH", "a:list", "v"}), "none");
  EXPECT_EQ(tenant({"a:b"}), "none");
  for (const char* name : {"GET", "SET", "DEL", "MGET"}) EXPECT_EQ(tenant({name}), "none") << name << " without a key";
}

// Mutation: names are taken for the same when their sizes are.
TEST(TenantNames, are_copies_of_which_commands_in_a_row_share_one) {
  TenantNames names;
  std::string key = "acme:1";
  const std::vector<std::string_view> words{"GET", key};
  const TenantNames::Index first = names.add(Command::get, words);
  EXPECT_EQ(names.add(Command::get, words), first);
  key = "emca:1";
  const TenantNames::Index second = names.add(Command::get, words);
  key = "acme:1";
  const TenantNames::Index third = names.add(Command::get, words);
  key = std::string(64, 'x') + ":";
  const std::vector<std::string_view> long_words{"GET", key};
  const TenantNames::Index fourth = names.add(Command::get, long_words);
  const TenantNames::Index fifth = names.add(Command::ping, std::vector<std::string_view>{"PING"});
  key = "over:written";
  EXPECT_EQ(names.name(first), "acme");
  EXPECT_EQ(names.name(second), "emca");
  EXPECT_EQ(names.name(third), "acme");
  EXPECT_EQ(names.name(fourth), std::string(64, 'x'));
  EXPECT_EQ(names.name(fifth), no_tenant);
  names.clear();
  EXPECT_EQ(names.add(Command::get, long_words), first);
}

// Mutation: without the ':', a tenant is that of every longer name after it.
TEST(TenantNames, tell_a_tenant_from_one_whose_name_it_begins) {
  TenantNames names;
  const auto name_of = [&names](std::string_view key) {
    return std::string{names.name(names.add(Command::get, std::vector<std::string_view>{"GET", key}))};
  };
  EXPECT_EQ(name_of("acme:1"), "acme");
  EXPECT_EQ(name_of("acmes:1"), "acmes");
  EXPECT_EQ(name_of("acme:1"), "acme");
  EXPECT_EQ(name_of("acme"), no_tenant);
  EXPECT_EQ(name_of("nonesuch:1"), "nonesuch");
  EXPECT_EQ(name_of("acme::"), "acme");
}

}  // namespace tenant_test
}  // namespace proxy
