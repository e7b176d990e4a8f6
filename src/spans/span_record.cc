// SPDX-License-Identifier: Apache-2.0
#include "fast_telemetry/spans/span_record.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace {

using detail::EventHeader;
using detail::ItemHeader;
using detail::ItemSpan;
using detail::ItemTag;
using detail::LinkHeader;
using detail::padded;

// Payloads lie at multiples of 8, and were copied there from objects of these types (Span::Items).
template <class Header>
const Header& payload_as(const ItemHeader& item) noexcept {
  return *reinterpret_cast<const Header*>(item.payload());
}

ItemSpan items_after(const ItemHeader& item, std::size_t size, std::int64_t unix_lead_ns) noexcept {
  return {item.payload() + size, item.payload() + padded(item.size()), unix_lead_ns};
}

}  // namespace

std::size_t RecordedValue::size() const noexcept {
  switch (item_->type()) {
    case AttributeType::boolean_array: return item_->size();
    case AttributeType::integer_array:
    case AttributeType::floating_array: return item_->size() / sizeof(std::int64_t);
    case AttributeType::string_array: return *reinterpret_cast<const std::uint32_t*>(item_->payload());
    default: return 1;
  }
}

std::string_view RecordedValue::string_at(std::size_t i) const noexcept {
  const auto* const lengths = reinterpret_cast<const std::uint32_t*>(item_->payload());
  const char* text = chars() + (1 + std::size_t{lengths[0]}) * sizeof *lengths;
  for (std::size_t before = 0; before < i; ++before) text += lengths[1 + before];
  return {text, lengths[1 + i]};
}

RecordedEvent::RecordedEvent(const ItemHeader& item, std::int64_t unix_lead_ns) noexcept
    : name{item.key, item.key_size()},
      time_unix_ns{payload_as<EventHeader>(item).time_ns +
                   (payload_as<EventHeader>(item).time_is_unix() ? 0 : unix_lead_ns)},
      attribute_count{payload_as<EventHeader>(item).attributes()},
      dropped_attributes{payload_as<EventHeader>(item).dropped()},
      attributes{items_after(item, sizeof(EventHeader), unix_lead_ns)} {}

RecordedLink::RecordedLink(const ItemHeader& item, std::int64_t unix_lead_ns) noexcept
    : trace_id{payload_as<LinkHeader>(item).trace_id},
      span_id{payload_as<LinkHeader>(item).span_id},
      flags{payload_as<LinkHeader>(item).flags},
      is_remote{payload_as<LinkHeader>(item).is_remote},
      trace_state{reinterpret_cast<const char*>(item.payload() + sizeof(LinkHeader)),
                  payload_as<LinkHeader>(item).trace_state_size},
      attribute_count{payload_as<LinkHeader>(item).attributes},
      dropped_attributes{payload_as<LinkHeader>(item).dropped},
      attributes{items_after(item, sizeof(LinkHeader) + padded(payload_as<LinkHeader>(item).trace_state_size),
                             unix_lead_ns)} {}

ItemSpan SpanRecord::items() const noexcept {
  const auto* const begin = reinterpret_cast<const std::byte*>(header_);
  return {begin + sizeof *header_, begin + header_->size(), unix_lead_ns_};
}

std::string_view SpanRecord::text_of(ItemTag tag) const noexcept {
  const ItemSpan all = items();
  for (const std::byte* at = all.begin; at != all.end;) {
    const auto& item = *reinterpret_cast<const ItemHeader*>(at);
    if (item.tag() == tag) return {reinterpret_cast<const char*>(item.payload()), item.size()};
    at += sizeof item + padded(item.size());
  }
  return {};
}

std::string_view SpanRecord::name() const noexcept {
  return header_->name != nullptr ? std::string_view{header_->name, header_->name_size()} : text_of(ItemTag::name);
}

FAST_TELEMETRY_END_NAMESPACE
