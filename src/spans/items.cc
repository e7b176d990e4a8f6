// SPDX-License-Identifier: Apache-2.0
#include "items.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "core/utf8.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using detail::ItemHeader;
using detail::ItemTag;
using detail::padded;

/// At most so many code points, none of them cut.
Text first_characters(Text text, std::size_t limit) noexcept {
  if (text.size() <= limit) return text;
  std::string_view rest{text.data(), text.size()};
  while (!rest.empty() && limit-- != 0) rest.remove_prefix(detail::utf8_step(rest).length);
  return {text.data(), text.size() - rest.size()};
}

/// Of what is not one word. `limit`: characters of each string, bytes of bytes.
std::size_t encoded_size(const AttributeValue& value, std::size_t limit) noexcept {
  switch (value.type()) {
    case AttributeType::string:
      return first_characters({static_cast<const char*>(value.data()), value.size()}, limit).size();
    case AttributeType::bytes: return std::min(value.size(), limit);
    case AttributeType::boolean_array: return value.size();
    case AttributeType::integer_array:
    case AttributeType::floating_array: return value.size() * sizeof(std::int64_t);
    default: break;  // string_array
  }
  std::size_t size = (1 + value.size()) * sizeof(std::uint32_t);
  const auto* const texts = static_cast<const Text*>(value.data());
  for (std::size_t i = 0; i < value.size(); ++i) size += first_characters(texts[i], limit).size();
  return size;
}

/// Number of strings, the length of each, all their characters.
void encode_strings(const Text* texts, std::size_t count, std::size_t limit, std::byte* out) noexcept {
  auto* const lengths = reinterpret_cast<std::uint32_t*>(out);
  lengths[0] = static_cast<std::uint32_t>(count);
  std::byte* chars = out + (1 + count) * sizeof *lengths;
  for (std::size_t i = 0; i < count; ++i) {
    const Text text = first_characters(texts[i], limit);
    lengths[1 + i] = static_cast<std::uint32_t>(text.size());
    if (!text.empty()) std::memcpy(chars, text.data(), text.size());
    chars += text.size();
  }
}

void encode(const AttributeValue& value, std::size_t limit, std::byte* out, std::size_t size) noexcept {
  if (value.type() == AttributeType::string_array) {
    return encode_strings(static_cast<const Text*>(value.data()), value.size(), limit, out);
  }
  if (size != 0) std::memcpy(out, value.data(), size);
}

}  // namespace

bool Span::Items::spill(std::size_t bytes) noexcept {
  const std::size_t needed = span.used_ + bytes;
  if (needed > most_bytes) return false;
  detail::BlockPool& pool = needed <= detail::page_blocks.block_bytes() ? detail::page_blocks : detail::large_blocks;
  detail::Shortage shortage{};
  detail::BlockControl* const block = pool.take(shortage);
  if (block == nullptr) return false;
  std::byte* const data = pool.data(*block);
  std::memcpy(data, begin(), span.used_);
  free_spill();
  span.spill_ = data;
  span.capacity_ = static_cast<std::uint32_t>(pool.block_bytes());
  return true;
}

void Span::Items::free_spill() noexcept {
  if (span.spill_ == nullptr) return;
  detail::BlockPool& pool =
      span.capacity_ == detail::page_blocks.block_bytes() ? detail::page_blocks : detail::large_blocks;
  pool.give_back(pool.control_of(span.spill_));
  span.spill_ = nullptr;
}

bool Span::Items::append(const ItemHeader& header, const void* payload) noexcept {
  if (header.size() > most_bytes) return false;
  const std::size_t bytes = sizeof header + padded(header.size());
  std::byte* const place = room(bytes);
  if (place == nullptr) return false;
  new (place) ItemHeader{header};
  if (header.size() != 0) std::memcpy(place + sizeof header, payload, header.size());
  span.used_ += static_cast<std::uint32_t>(bytes);
  return true;
}

bool Span::Items::append(Literal key, const AttributeValue& value) noexcept {
  // What most attributes are.
  switch (value.type()) {
    case AttributeType::boolean:
    case AttributeType::integer: return append(key, value.type(), static_cast<std::uint64_t>(value.integer()));
    case AttributeType::floating: return append(key, value.type(), std::bit_cast<std::uint64_t>(value.floating()));
    case AttributeType::string:
      if (value.size() > span.tracer_->value_characters()) break;
      return append(ItemHeader::of(ItemTag::attribute, key.text(), value.size()), value.data());
    default: break;
  }
  return append_long(key, value);
}

bool Span::Items::append(Literal key, AttributeType type, std::uint64_t word) noexcept {
  constexpr std::size_t bytes = sizeof(ItemHeader) + sizeof word;
  std::byte* const place = room(bytes);
  if (place == nullptr) return false;
  new (place) ItemHeader{ItemHeader::of(ItemTag::attribute, key.text(), sizeof word, type)};
  std::memcpy(place + sizeof(ItemHeader), &word, sizeof word);
  span.used_ += static_cast<std::uint32_t>(bytes);
  return true;
}

bool Span::Items::append_long(Literal key, const AttributeValue& value) noexcept {
  const std::size_t limit = span.tracer_->value_characters();
  const std::size_t size = encoded_size(value, limit);
  if (size > most_bytes) return false;
  const std::size_t bytes = sizeof(ItemHeader) + padded(size);
  std::byte* const place = room(bytes);
  if (place == nullptr) return false;
  new (place) ItemHeader{ItemHeader::of(ItemTag::attribute, key.text(), size, value.type())};
  encode(value, limit, place + sizeof(ItemHeader), size);
  span.used_ += static_cast<std::uint32_t>(bytes);
  return true;
}

void Span::Items::append(Attributes attributes, std::size_t limit, std::uint16_t& written,
                         std::uint16_t& dropped) noexcept {
  for (const Attribute& attribute : attributes) {
    if (written < limit && append(attribute.key, attribute.value)) {
      ++written;
    } else if (dropped != 0xFFFF) {
      ++dropped;
    }
  }
}

ItemHeader* Span::Items::find(ItemTag tag, Text key) noexcept {
  std::byte* item = begin();
  std::byte* const end = item + span.used_;
  while (item != end) {
    auto& header = *reinterpret_cast<ItemHeader*>(item);
    // One literal has one address in most programs; another module's may have another.
    if (header.tag() == tag && header.key_size() == key.size() &&
        (header.key == key.data() || std::memcmp(header.key, key.data(), key.size()) == 0)) {
      return &header;
    }
    item += sizeof header + padded(header.size());
  }
  return nullptr;
}

void Span::Items::erase(ItemHeader& item) noexcept {
  auto* const place = reinterpret_cast<std::byte*>(&item);
  const std::size_t bytes = sizeof item + padded(item.size());
  std::byte* const end = begin() + span.used_;
  std::memmove(place, place + bytes, static_cast<std::size_t>(end - (place + bytes)));
  span.used_ -= static_cast<std::uint32_t>(bytes);
}

void Span::Items::erase(ItemTag tag) noexcept {
  if (ItemHeader* const item = find(tag); item != nullptr) erase(*item);
}

// ---- what a span's functions put there ----

namespace {

/// One of 64, and mostly another one for another key.
std::uint64_t key_bit(Text key) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(key.data()[i]); };
  return std::uint64_t{1} << ((key.size() + at(0) * 5U + at(key.size() - 1) * 3U) % 64);
}

}  // namespace

void Span::set(Literal key, const AttributeValue& value) noexcept {
  Items items{*this};
  const std::uint64_t bit = key_bit(key.text());
  ItemHeader* const old = (keys_ & bit) != 0 ? items.find(ItemTag::attribute, key.text()) : nullptr;
  if (old == nullptr) {
    if (header_.attributes() < detail::TracerState::limit(tracer_->limits.attributes) && items.append(key, value)) {
      header_.count_attribute();
      keys_ |= bit;
    } else {
      header_.drop_attribute();
    }
    return;
  }
  // The new one first: if there is no room for it, the old one stays.
  const std::ptrdiff_t place = reinterpret_cast<std::byte*>(old) - items.begin();
  if (!items.append(key, value)) return header_.drop_attribute();
  items.erase(*reinterpret_cast<ItemHeader*>(items.begin() + place));
}

void Span::add(Literal name, Attributes attributes, std::int64_t time_unix_ns) noexcept {
  Items items{*this};
  constexpr std::size_t size = sizeof(ItemHeader) + sizeof(detail::EventHeader);
  const std::uint32_t place = used_;
  if (header_.events() >= detail::TracerState::limit(tracer_->limits.events) || items.room(size) == nullptr)
    return header_.drop_event();
  header_.count_event();
  const bool is_unix = time_unix_ns != 0;
  const std::int64_t time_ns = is_unix ? time_unix_ns : detail::span_clock(*tracer_);
  used_ += static_cast<std::uint32_t>(size);
  std::uint16_t written = 0;
  std::uint16_t dropped = 0;
  items.append(attributes, detail::TracerState::limit(tracer_->limits.attributes_per_event), written, dropped);
  std::byte* const item = items.begin() + place;
  new (item) ItemHeader{ItemHeader::of(ItemTag::event, name.text(), used_ - place - sizeof(ItemHeader))};
  new (item + sizeof(ItemHeader)) detail::EventHeader{detail::EventHeader::of(time_ns, is_unix, written, dropped)};
}

void Span::add(const SpanContext& context, Attributes attributes) noexcept {
  const Text trace_state = context.trace_state.text();
  // OpenTelemetry, Trace API, "Add Link": what has no context is kept when it says something else.
  if (!context.is_valid() && trace_state.empty() && attributes.begin() == attributes.end()) return;
  Items items{*this};
  detail::LinkHeader link{};
  link.trace_id = context.trace_id;
  link.span_id = context.span_id;
  link.flags = context.flags;
  link.is_remote = context.is_remote;
  link.trace_state_size = static_cast<std::uint16_t>(trace_state.size());
  const std::uint32_t place = used_;
  const std::size_t size = sizeof link + padded(trace_state.size());
  std::byte* const room = header_.links() < detail::TracerState::limit(tracer_->limits.links)
                              ? items.room(sizeof(ItemHeader) + size)
                              : nullptr;
  if (room == nullptr) {
    header_.drop_link();
    return;
  }
  header_.count_link();
  used_ += static_cast<std::uint32_t>(sizeof(ItemHeader) + size);
  std::memcpy(room + sizeof(ItemHeader) + sizeof link, trace_state.data(), trace_state.size());
  items.append(attributes, detail::TracerState::limit(tracer_->limits.attributes_per_link), link.attributes,
               link.dropped);
  const ItemHeader header = ItemHeader::of(ItemTag::link, {}, used_ - place - sizeof(ItemHeader));
  std::memcpy(items.begin() + place, &header, sizeof header);
  std::memcpy(items.begin() + place + sizeof header, &link, sizeof link);
}

void Span::add_exception(Text type, Text message, Text stacktrace) noexcept {
  const Attribute attributes[] = {
      {"exception.type", type}, {"exception.message", message}, {"exception.stacktrace", stacktrace}};
  add("exception", Attributes{attributes, stacktrace.empty() ? std::size_t{2} : std::size_t{3}}, 0);
}

void Span::change_status(SpanStatus status, Text description) noexcept {
  if (status == SpanStatus::unset || header_.status() == SpanStatus::ok) return;
  Items items{*this};
  if (header_.status() == SpanStatus::error) items.erase(ItemTag::status_description);
  header_.set_status(status);
  if (status != SpanStatus::error || description.empty()) return;
  const Text kept = first_characters(description, std::min<std::size_t>(tracer_->value_characters(), 16384));
  // Without room the status says less, and is still right.
  static_cast<void>(items.append(ItemHeader::of(ItemTag::status_description, {}, kept.size()), kept.data()));
}

void Span::change_name(Literal name) noexcept {
  if (header_.name == nullptr) Items{*this}.erase(ItemTag::name);
  header_.set_name(name.text().data(), name.text().size());
}

void Span::change_name_to(Text name) noexcept {
  const Text kept = first_characters(name, 1024);
  Items items{*this};
  ItemHeader* const old = items.find(ItemTag::name);
  const std::ptrdiff_t place = old != nullptr ? reinterpret_cast<std::byte*>(old) - items.begin() : -1;
  const ItemHeader header = ItemHeader::of(ItemTag::name, {}, kept.size());
  if (!items.append(header, kept.data())) return;
  if (place >= 0) items.erase(*reinterpret_cast<ItemHeader*>(items.begin() + place));
  header_.name = nullptr;
}

FAST_TELEMETRY_END_NAMESPACE
