// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/propagation.h"

#include <cstring>
#include <initializer_list>

#include "header_name.h"
#include "shared_text.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

using detail::part;

SpanContext parse_traceparent(Text value) noexcept {
  constexpr std::size_t known_size = sizeof(TraceparentText);
  const Text text = detail::trimmed(value);
  SpanContext context;
  std::byte version{};
  std::byte flags{};
  if (text.size() < known_size) return {};
  for (const std::size_t dash : {2U, 35U, 52U}) {
    if (text.data()[dash] != '-') return {};
  }
  // 3.2.2: lower-case digits only.
  if (!detail::read_hex(part(text, 0, 2), &version, 1, false) ||
      !detail::read_hex(part(text, 3, 32), context.trace_id.bytes, 16, false) ||
      !detail::read_hex(part(text, 36, 16), context.span_id.bytes, 8, false) ||
      !detail::read_hex(part(text, 53, 2), &flags, 1, false)) {
    return {};
  }
  if (version == std::byte{0xFF}) return {};
  if (text.size() > known_size && (version == std::byte{0} || text.data()[known_size] != '-')) return {};
  if (!context.is_valid()) return {};
  context.flags = static_cast<std::uint8_t>(flags) & (sampled_flag | random_flag);
  context.is_remote = true;
  return context;
}

TraceparentText format_traceparent(const SpanContext& context) noexcept {
  TraceparentText text;
  std::memcpy(text.chars, "00-", 3);
  detail::write_hex(context.trace_id.bytes, 16, text.chars + 3);
  text.chars[35] = '-';
  detail::write_hex(context.span_id.bytes, 8, text.chars + 36);
  text.chars[52] = '-';
  const auto flags = static_cast<std::byte>(context.flags & (sampled_flag | random_flag));
  detail::write_hex(&flags, 1, text.chars + 53);
  return text;
}

void ContextExtractor::header(Text name, Text value) noexcept {
  if (detail::is_same_name(name, "traceparent")) traceparent(value);
  if (detail::is_same_name(name, "tracestate")) tracestate(value);
}

void ContextExtractor::traceparent(Text value) noexcept {
  if (parents_++ == 0) parent_ = parse_traceparent(value);
}

void ContextExtractor::tracestate(Text value) noexcept {
  detail::for_each_member(value, [this](Text untrimmed) {
    const Text member = detail::trimmed(untrimmed);
    if (member.empty()) return true;
    state_is_bad_ = state_is_bad_ || member_count_ == most_members || !detail::is_trace_state_member(member);
    if (!state_is_bad_) members_[member_count_++] = member;
    return !state_is_bad_;
  });
}

TraceState ContextExtractor::trace_state() const noexcept {
  if (state_is_bad_) return {};
  Text members[most_members];
  for (std::size_t i = 0; i < member_count_; ++i) members[i] = members_[i];
  return TraceState{detail::SharedText::join(members, member_count_)};
}

SpanContext ContextExtractor::context() const noexcept {
  if (parents_ != 1 || !parent_.is_valid()) return {};
  SpanContext context = parent_;
  context.trace_state = trace_state();
  return context;
}

FAST_TELEMETRY_END_NAMESPACE
