// SPDX-License-Identifier: Apache-2.0
#include "otlp_reply.h"

#include <algorithm>
#include <protozero/pbf_message.hpp>

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

// trace_service.proto, metrics_service.proto, google/rpc/status.proto.
enum class ResponseField : protozero::pbf_tag_type { partial_success = 1 };
enum class PartialSuccessField : protozero::pbf_tag_type { rejected = 1, error_message = 2 };
enum class StatusField : protozero::pbf_tag_type { message = 2 };

constexpr auto length_delimited = protozero::pbf_wire_type::length_delimited;
constexpr auto varint = protozero::pbf_wire_type::varint;

void read(protozero::pbf_message<PartialSuccessField> message, OtlpPartialSuccess& out) {
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(PartialSuccessField::rejected, varint):
        out.rejected = static_cast<std::uint64_t>(std::max(message.get_int64(), std::int64_t{0}));
        break;
      case tag_and_type(PartialSuccessField::error_message, length_delimited):
        out.message = message.get_string();
        break;
      default: message.skip();
    }
  }
}

}  // namespace

std::optional<OtlpPartialSuccess> parse_otlp_reply(std::string_view bytes) try {
  OtlpPartialSuccess reply;
  protozero::pbf_message<ResponseField> message{bytes.data(), bytes.size()};
  while (message.next()) {
    if (message.tag_and_type() == tag_and_type(ResponseField::partial_success, length_delimited)) {
      read(protozero::pbf_message<PartialSuccessField>{message.get_message()}, reply);
    } else {
      message.skip();
    }
  }
  return reply;
} catch (const protozero::exception&) {
  return {};
}

std::string parse_rpc_status(std::string_view bytes) try {
  std::string text;
  protozero::pbf_message<StatusField> message{bytes.data(), bytes.size()};
  while (message.next()) {
    if (message.tag_and_type() == tag_and_type(StatusField::message, length_delimited)) {
      text = message.get_string();
    } else {
      message.skip();
    }
  }
  return text;
} catch (const protozero::exception&) {
  return {};
}

bool is_protobuf(std::string_view content_type) noexcept {
  constexpr std::string_view wanted = "application/x-protobuf";
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return std::equal(type.begin(), type.end(), wanted.begin(), wanted.end(), [](char c, char lower) {
    return (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) == lower;
  });
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
