// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/b3.h"

#include "header_name.h"
#include "shared_text.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using detail::part;

/// Not valid unless both are ids. A trace id of 64 bits is one of 128 that begins with zeros.
SpanContext context_of(Text trace_id, Text span_id) noexcept {
  SpanContext context;
  const std::size_t bytes = trace_id.size() / 2;
  if (bytes != 8 && bytes != 16) return {};
  if (!detail::read_hex(trace_id, context.trace_id.bytes + (16 - bytes), bytes, false) ||
      !detail::read_hex(span_id, context.span_id.bytes, 8, false) || !context.is_valid()) {
    return {};
  }
  context.is_remote = true;
  return context;
}

B3Context decided(SpanContext context, B3Sampling sampling) noexcept {
  if (context.is_valid() && sampling >= B3Sampling::accepted) context.flags = sampled_flag;
  return {context, sampling};
}

/// False: it is no decision.
bool read_decision(Text text, B3Sampling& sampling) noexcept {
  if (text == "0") {
    sampling = B3Sampling::denied;
  } else if (text == "1") {
    sampling = B3Sampling::accepted;
  } else if (text == "d") {
    sampling = B3Sampling::debug;
  } else {
    return false;
  }
  return true;
}

/// False: it breaks a rule.
bool read_single(Text value, B3Context& b3) noexcept {
  B3Sampling sampling = B3Sampling::deferred;
  if (read_decision(value, sampling)) {
    b3 = {{}, sampling};
    return true;
  }
  Text parts[4];
  std::size_t count = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= value.size(); ++i) {
    if (i < value.size() && value.data()[i] != '-') continue;
    if (count == 4) return false;
    parts[count++] = part(value, begin, i - begin);
    begin = i + 1;
  }
  if (count < 2 || (count >= 3 && !read_decision(parts[2], sampling))) return false;
  std::byte parent[8];
  if (count == 4 && !detail::read_hex(parts[3], parent, sizeof parent, false)) return false;
  const SpanContext context = context_of(parts[0], parts[1]);
  if (!context.is_valid()) return false;
  b3 = decided(context, sampling);
  return true;
}

}  // namespace

B3Context parse_b3(Text value) noexcept {
  B3Context b3;
  return read_single(detail::trimmed(value), b3) ? b3 : B3Context{};
}

B3Text format_b3(const B3Context& b3) noexcept {
  B3Text text;
  detail::write_hex(b3.context.trace_id.bytes, 16, text.chars);
  text.chars[32] = '-';
  detail::write_hex(b3.context.span_id.bytes, 8, text.chars + 33);
  text.chars[49] = '-';
  text.chars[50] = b3.sampling == B3Sampling::debug ? 'd' : b3.context.is_sampled() ? '1' : '0';
  return text;
}

void B3Extractor::header(Text name, Text value) noexcept {
  constexpr Text names[field_count] = {"b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"};
  for (std::size_t i = 0; i < field_count; ++i) {
    if (is_there_[i] || !detail::is_same_name(name, names[i])) continue;
    values_[i] = detail::trimmed(value);
    is_there_[i] = true;
  }
}

B3Context B3Extractor::b3() const noexcept {
  B3Context b3;
  if (read_single(values_[single], b3)) return b3;
  B3Sampling sampling = B3Sampling::deferred;
  if (values_[flags] == "1") {
    sampling = B3Sampling::debug;
  } else if (values_[sampled] == "1" || values_[sampled] == "true") {
    sampling = B3Sampling::accepted;
  } else if (values_[sampled] == "0" || values_[sampled] == "false") {
    sampling = B3Sampling::denied;
  }
  return decided(context_of(values_[trace_id], values_[span_id]), sampling);
}

FAST_TELEMETRY_END_NAMESPACE
