// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/trace_state.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "chunks.h"
#include "fast_telemetry/spans/propagation.h"
#include "shared_text.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr std::size_t most_members = 32;
constexpr std::size_t most_key = 256;
constexpr std::size_t most_value = 256;

void count_cut() noexcept {
  if (buffers != nullptr) buffers->trace_states_cut.fetch_add(1, std::memory_order_relaxed);
}

std::size_t joined_size(const Text* members, std::size_t count) noexcept {
  std::size_t size = count - 1;
  for (std::size_t i = 0; i < count; ++i) size += members[i].size();
  return size;
}

/// Removes the last of more than 128 characters, or else the last.
void remove_one(Text* members, std::size_t& count) noexcept {
  std::size_t victim = count - 1;
  for (std::size_t i = count; i-- > 0;) {
    if (members[i].size() <= 128) continue;
    victim = i;
    break;
  }
  std::copy(members + victim + 1, members + count, members + victim);
  --count;
}

}  // namespace

void retain(SharedText& text) noexcept { text.references.fetch_add(1, std::memory_order_relaxed); }

void release(SharedText& text) noexcept {
  // Acquire and release: whoever is last gives the block back after everybody has read it.
  if (text.references.fetch_sub(1, std::memory_order_acq_rel) == 1) text.pool->give_back(text.pool->control_of(&text));
}

SharedText* SharedText::join(Text* members, std::size_t count) noexcept {
  if (count == 0) return nullptr;
  if (joined_size(members, count) > most_chars) count_cut();
  while (joined_size(members, count) > most_chars) remove_one(members, count);
  const std::size_t size = joined_size(members, count);
  BlockPool& pool = size <= small_blocks.block_bytes() - sizeof(SharedText) ? small_blocks : page_blocks;
  Shortage shortage{};
  BlockControl* const block = pool.take(shortage);
  if (block == nullptr) {
    count_cut();
    return nullptr;
  }
  auto* const text = new (pool.data(*block)) SharedText{&pool, {1}, static_cast<std::uint32_t>(size)};
  char* out = text->chars();
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) *out++ = ',';
    std::memcpy(out, members[i].data(), members[i].size());
    out += members[i].size();
  }
  return text;
}

Text trimmed(Text text) noexcept {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  std::size_t begin = 0;
  std::size_t end = text.size();
  while (begin < end && is_space(text.data()[begin])) ++begin;
  while (begin < end && is_space(text.data()[end - 1])) --end;
  return part(text, begin, end - begin);
}

bool is_trace_state_member(Text member) noexcept {
  const auto is_alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  std::size_t key = 0;
  while (key < member.size() && member.data()[key] != '=') ++key;
  if (key == 0 || key > most_key || key == member.size() || !is_alphanumeric(member.data()[0])) return false;
  for (std::size_t i = 0; i < key; ++i) {
    const char c = member.data()[i];
    if (!is_alphanumeric(c) && c != '_' && c != '-' && c != '*' && c != '/' && c != '@') return false;
  }
  const std::size_t value = member.size() - key - 1;
  if (value == 0 || value > most_value || member.data()[member.size() - 1] == ' ') return false;
  for (std::size_t i = key + 1; i < member.size(); ++i) {
    const char c = member.data()[i];
    if (c < 0x20 || c > 0x7E || c == ',' || c == '=') return false;
  }
  return true;
}

}  // namespace detail

TraceState TraceState::parse(Text header) noexcept {
  ContextExtractor extractor;
  extractor.tracestate(header);
  return extractor.trace_state();
}

Text TraceState::text() const noexcept { return text_ == nullptr ? Text{} : Text{text_->chars(), text_->size}; }

Text TraceState::get(Text key) const noexcept {
  Text value;
  detail::for_each_member(text(), [&](Text member) {
    const bool is_it =
        member.size() > key.size() && member.data()[key.size()] == '=' && detail::part(member, 0, key.size()) == key;
    if (is_it) value = detail::part(member, key.size() + 1, member.size() - key.size() - 1);
    return !is_it;
  });
  return value;
}

TraceState TraceState::with(Text key, Text value) const noexcept {
  char own[detail::most_key + 1 + detail::most_value];
  if (key.size() > detail::most_key || value.size() > detail::most_value) return *this;
  std::memcpy(own, key.data(), key.size());
  own[key.size()] = '=';
  std::memcpy(own + key.size() + 1, value.data(), value.size());
  const Text first{own, key.size() + 1 + value.size()};
  // Looked at as a whole: a key with an equals sign in it would be another key.
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (own[i] == '=') return *this;
  }
  if (!detail::is_trace_state_member(first)) return *this;

  Text members[detail::most_members];
  members[0] = first;
  std::size_t count = 1;
  detail::for_each_member(text(), [&](Text member) {
    const bool is_replaced =
        member.size() > key.size() && member.data()[key.size()] == '=' && detail::part(member, 0, key.size()) == key;
    if (!is_replaced && !member.empty()) members[count++] = member;
    return count < detail::most_members;
  });
  return TraceState{detail::SharedText::join(members, count)};
}

FAST_TELEMETRY_END_NAMESPACE
