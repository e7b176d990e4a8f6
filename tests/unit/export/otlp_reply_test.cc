// SPDX-License-Identifier: Apache-2.0
#include "src/export/otlp_reply.h"

#include <gtest/gtest.h>

namespace ft = fast_telemetry;
using ft::detail::parse_otlp_reply;
using namespace std::string_view_literals;

namespace otlp_reply_test {

TEST(OtlpReply, empty_ones_reject_nothing) {
  for (const std::string_view bytes : {""sv, "\x0a\x00"sv, "\x0a\x02\x08\x00"sv}) {
    ASSERT_TRUE(parse_otlp_reply(bytes).has_value());
    EXPECT_EQ(parse_otlp_reply(bytes)->rejected, 0U);
    EXPECT_EQ(parse_otlp_reply(bytes)->message, "");
  }
}

TEST(OtlpReply, a_partial_success_is_read) {
  const auto reply = parse_otlp_reply(
      "\x0a\x08\x08\xac\x02\x12\x03"
      "bad"sv);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->rejected, 300U);
  EXPECT_EQ(reply->message, "bad");
}

TEST(OtlpReply, fields_of_a_later_version_are_skipped) {
  // Field 3 of the partial success and field 2 of the reply, and field 1 of another type.
  const auto reply = parse_otlp_reply("\x12\x01x\x08\x07\x0a\x07\x1a\x03new\x08\x05"sv);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->rejected, 5U);
}

TEST(OtlpReply, a_number_below_zero_rejects_nothing) {
  const auto reply = parse_otlp_reply("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->rejected, 0U);
}

TEST(OtlpReply, garbage_is_none) {
  for (const std::string_view bytes : {"\x0a"sv, "\x0a\x05\x08"sv, "\x0a\x02\x08\xff"sv, "\x0a\x02\x12\x09"sv, "\x00"sv,
                                       "<html>busy</html>"sv, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv}) {
    EXPECT_FALSE(parse_otlp_reply(bytes).has_value());
  }
}

TEST(RpcStatus, its_message_is_read_and_garbage_has_none) {
  EXPECT_EQ(ft::detail::parse_rpc_status("\x08\x03\x12\x03no!\x1a\x02xy"sv), "no!");
  EXPECT_EQ(ft::detail::parse_rpc_status(""sv), "");
  EXPECT_EQ(ft::detail::parse_rpc_status("\x12\x09no"sv), "");
}

TEST(Protobuf, is_known_by_its_media_type) {
  for (const std::string_view type : {"application/x-protobuf"sv, "Application/X-Protobuf"sv,
                                      "application/x-protobuf; charset=utf-8"sv, "application/x-protobuf ;a=b"sv}) {
    EXPECT_TRUE(ft::detail::is_protobuf(type)) << type;
  }
  for (const std::string_view type : {""sv, "application/json"sv, "application/x-protobuffer"sv, "text/html"sv}) {
    EXPECT_FALSE(ft::detail::is_protobuf(type)) << type;
  }
}

}  // namespace otlp_reply_test
