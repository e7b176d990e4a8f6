// SPDX-License-Identifier: Apache-2.0
//
// SpanRecord: a finished span as exporters see it; the spans' waist. For encoders and sinks.
#pragma once

#include <string_view>

#include "fast_telemetry/spans/tracer.h"

FAST_TELEMETRY_BEGIN_NAMESPACE

namespace detail {

enum class ItemTag : std::uint8_t { attribute, event, link, status_description, name, trace_state };

/// What one item of a record begins with; size() bytes follow, and padding to a multiple of 8. Two words, for the
/// reason that SpanHeader is words.
struct ItemHeader {
  const char* key;     ///< of an attribute; an event's name; null otherwise
  std::uint64_t what;  ///< size of the payload, length of the key, tag, type of the value

  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(what); }
  [[nodiscard]] std::uint16_t key_size() const noexcept { return static_cast<std::uint16_t>(what >> 32U); }
  [[nodiscard]] ItemTag tag() const noexcept { return static_cast<ItemTag>(what >> 48U & 0xFFU); }
  [[nodiscard]] AttributeType type() const noexcept { return static_cast<AttributeType>(what >> 56U); }
  [[nodiscard]] static constexpr ItemHeader of(ItemTag tag, Text key, std::size_t size,
                                               AttributeType type = {}) noexcept {
    return {key.data(), std::uint64_t{size} | std::uint64_t{key.size()} << 32U |
                            std::uint64_t{static_cast<std::uint8_t>(tag)} << 48U |
                            std::uint64_t{static_cast<std::uint8_t>(type)} << 56U};
  }

  [[nodiscard]] const std::byte* payload() const noexcept { return reinterpret_cast<const std::byte*>(this + 1); }
};

/// Two words, likewise.
struct EventHeader {
  std::int64_t time_ns;
  std::uint64_t what;  ///< attributes, dropped attributes, whether the time is that of the wall clock

  [[nodiscard]] std::uint16_t attributes() const noexcept { return static_cast<std::uint16_t>(what); }
  [[nodiscard]] std::uint16_t dropped() const noexcept { return static_cast<std::uint16_t>(what >> 16U); }
  [[nodiscard]] bool time_is_unix() const noexcept { return what >> 32U != 0; }
  [[nodiscard]] static constexpr EventHeader of(std::int64_t time_ns, bool is_unix, std::uint16_t attributes,
                                                std::uint16_t dropped) noexcept {
    return {time_ns, std::uint64_t{attributes} | std::uint64_t{dropped} << 16U | std::uint64_t{is_unix} << 32U};
  }
};

struct LinkHeader {
  TraceId trace_id;
  SpanId span_id;
  std::uint8_t flags;
  bool is_remote;
  std::uint16_t attributes;
  std::uint16_t dropped;
  std::uint16_t trace_state_size;  ///< the text follows, padded
};

[[nodiscard]] constexpr std::size_t padded(std::size_t size) noexcept { return (size + 7) / 8 * 8; }

/// Some items, one after the other.
struct ItemSpan {
  const std::byte* begin;
  const std::byte* end;
  std::int64_t unix_lead_ns;
};

/// The items of one kind among others, each shown as a View. A forward range.
template <class View>
class ItemRange {
 public:
  class Iterator {
   public:
    explicit Iterator(ItemSpan rest) noexcept : rest_{rest} { skip_others(); }
    [[nodiscard]] View operator*() const noexcept { return View{header(), rest_.unix_lead_ns}; }
    Iterator& operator++() noexcept {
      step();
      skip_others();
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept { return a.rest_.begin == b.rest_.begin; }

   private:
    // Items are written as such, at multiples of 8 (Span::Items).
    [[nodiscard]] const ItemHeader& header() const noexcept {
      return *reinterpret_cast<const ItemHeader*>(rest_.begin);
    }
    void step() noexcept { rest_.begin += sizeof(ItemHeader) + padded(header().size()); }
    void skip_others() noexcept {
      while (rest_.begin != rest_.end && header().tag() != View::tag) step();
    }

    ItemSpan rest_;
  };

  explicit ItemRange(ItemSpan items) noexcept : items_{items} {}
  [[nodiscard]] Iterator begin() const noexcept { return Iterator{items_}; }
  [[nodiscard]] Iterator end() const noexcept { return Iterator{{items_.end, items_.end, 0}}; }

 private:
  ItemSpan items_;
};

}  // namespace detail

/// The value of a recorded attribute. Views into the record.
class RecordedValue {
 public:
  explicit RecordedValue(const detail::ItemHeader& item) noexcept : item_{&item} {}

  [[nodiscard]] AttributeType type() const noexcept { return item_->type(); }

  // Each for its type only; asking for another is undefined.
  [[nodiscard]] std::string_view string() const noexcept { return {chars(), item_->size()}; }
  [[nodiscard]] std::string_view bytes() const noexcept { return {chars(), item_->size()}; }
  [[nodiscard]] bool boolean() const noexcept { return integer() != 0; }
  [[nodiscard]] std::int64_t integer() const noexcept { return integer_at(0); }
  [[nodiscard]] double floating() const noexcept { return floating_at(0); }

  /// How many elements an array has.
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool boolean_at(std::size_t i) const noexcept { return chars()[i] != 0; }
  [[nodiscard]] std::int64_t integer_at(std::size_t i) const noexcept {
    return reinterpret_cast<const std::int64_t*>(item_->payload())[i];
  }
  [[nodiscard]] double floating_at(std::size_t i) const noexcept {
    return reinterpret_cast<const double*>(item_->payload())[i];
  }
  /// Walks over those before it: linear in `i`.
  [[nodiscard]] std::string_view string_at(std::size_t i) const noexcept;

 private:
  [[nodiscard]] const char* chars() const noexcept { return reinterpret_cast<const char*>(item_->payload()); }

  const detail::ItemHeader* item_;
};

struct RecordedAttribute {
  static constexpr detail::ItemTag tag = detail::ItemTag::attribute;
  RecordedAttribute(const detail::ItemHeader& item, std::int64_t) noexcept
      : key{item.key, item.key_size()}, value{item} {}

  std::string_view key;
  RecordedValue value;
};
using RecordedAttributes = detail::ItemRange<RecordedAttribute>;

/// An event of a recorded span.
class RecordedEvent {
 public:
  static constexpr detail::ItemTag tag = detail::ItemTag::event;
  RecordedEvent(const detail::ItemHeader& item, std::int64_t unix_lead_ns) noexcept;

  std::string_view name;
  std::int64_t time_unix_ns;
  std::uint32_t attribute_count;
  std::uint32_t dropped_attributes;
  RecordedAttributes attributes;
};

/// A link of a recorded span.
class RecordedLink {
 public:
  static constexpr detail::ItemTag tag = detail::ItemTag::link;
  RecordedLink(const detail::ItemHeader& item, std::int64_t unix_lead_ns) noexcept;

  TraceId trace_id;
  SpanId span_id;
  std::uint8_t flags;
  bool is_remote;
  std::string_view trace_state;
  std::uint32_t attribute_count;
  std::uint32_t dropped_attributes;
  RecordedAttributes attributes;
};

/// A finished span. A view into the buffer: valid until the sink's call returns, and not in a child that is forked
/// meanwhile. Reading it allocates nothing.
///
/// Attributes, events and links are ranges, each in the order of the calls, attributes with unique keys. Strings are as
/// they were given: encoders repair ill-formed UTF-8.
class SpanRecord {
 public:
  SpanRecord(const detail::SpanHeader& header, std::int64_t unix_lead_ns) noexcept
      : header_{&header}, unix_lead_ns_{unix_lead_ns} {}

  [[nodiscard]] std::string_view scope_name() const noexcept { return view(header_->tracer->name); }
  [[nodiscard]] std::string_view scope_version() const noexcept { return view(header_->tracer->version); }
  /// The same number for all spans of one Tracer: for grouping.
  [[nodiscard]] std::uintptr_t scope_id() const noexcept { return reinterpret_cast<std::uintptr_t>(header_->tracer); }

  [[nodiscard]] std::string_view name() const noexcept;
  [[nodiscard]] SpanKind kind() const noexcept { return header_->kind(); }
  [[nodiscard]] const TraceId& trace_id() const noexcept { return header_->trace_id; }
  [[nodiscard]] const SpanId& span_id() const noexcept { return header_->span_id; }
  [[nodiscard]] const SpanId& parent_id() const noexcept { return header_->parent_id; }  ///< zeros: a root
  [[nodiscard]] bool parent_is_remote() const noexcept {
    return (header_->bits() & detail::HeaderBit::parent_is_remote) != 0;
  }
  [[nodiscard]] std::uint8_t flags() const noexcept { return header_->flags(); }
  [[nodiscard]] std::string_view trace_state() const noexcept { return text_of(detail::ItemTag::trace_state); }

  /// By the wall clock as it was at the drain: after a step of it, spans of one drain fit together.
  [[nodiscard]] std::int64_t start_unix_ns() const noexcept {
    return unix_of(header_->start_ns, detail::HeaderBit::start_is_unix);
  }
  [[nodiscard]] std::int64_t end_unix_ns() const noexcept {
    return unix_of(header_->end_ns, detail::HeaderBit::end_is_unix);
  }

  [[nodiscard]] SpanStatus status() const noexcept { return header_->status(); }
  [[nodiscard]] std::string_view status_description() const noexcept {
    return text_of(detail::ItemTag::status_description);
  }

  [[nodiscard]] RecordedAttributes attributes() const noexcept { return RecordedAttributes{items()}; }
  [[nodiscard]] detail::ItemRange<RecordedEvent> events() const noexcept {
    return detail::ItemRange<RecordedEvent>{items()};
  }
  [[nodiscard]] detail::ItemRange<RecordedLink> links() const noexcept {
    return detail::ItemRange<RecordedLink>{items()};
  }
  [[nodiscard]] std::uint32_t attribute_count() const noexcept { return header_->attributes(); }
  [[nodiscard]] std::uint32_t event_count() const noexcept { return header_->events(); }
  [[nodiscard]] std::uint32_t link_count() const noexcept { return header_->links(); }

  // Counts stop at 65 535.
  [[nodiscard]] std::uint32_t dropped_attributes() const noexcept { return header_->dropped_attributes(); }
  [[nodiscard]] std::uint32_t dropped_events() const noexcept { return header_->dropped_events(); }
  [[nodiscard]] std::uint32_t dropped_links() const noexcept { return header_->dropped_links(); }

  /// Bytes it takes in the buffer: near what it will take in a format.
  [[nodiscard]] std::size_t size_bytes() const noexcept { return header_->size(); }

  // For the library: a copy of size_bytes() from the header on is a record, too.
  [[nodiscard]] const detail::SpanHeader& header() const noexcept { return *header_; }
  [[nodiscard]] std::int64_t unix_lead_ns() const noexcept { return unix_lead_ns_; }

 private:
  static std::string_view view(Text text) noexcept { return {text.data(), text.size()}; }
  [[nodiscard]] detail::ItemSpan items() const noexcept;
  [[nodiscard]] std::string_view text_of(detail::ItemTag tag) const noexcept;
  [[nodiscard]] std::int64_t unix_of(std::int64_t ns, std::uint8_t is_unix) const noexcept {
    return (header_->bits() & is_unix) != 0 ? ns : ns + unix_lead_ns_;
  }

  const detail::SpanHeader* header_;
  std::int64_t unix_lead_ns_;
};

FAST_TELEMETRY_END_NAMESPACE
